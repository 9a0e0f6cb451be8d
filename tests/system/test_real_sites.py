"""Keep-alive jobs against sites that others wrote: Django's admin with its login, and httpbin."""

import time
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.machines.machine import Machine
from tests.peers.django_site import PASSWORD, USER
from tests.system.counterparts import spawn_peer
from tests.system.jobs import unit_of, view, wait_state
from tests.system.lines import lines_since, mark_journal
from tests.system.websites import kill_worker

LIFE = 10  # seconds that a session of Django's may idle
JOB = "keepalive/alice"
PAGE = "http://127.0.0.1:8001/admin/"
BIN = "http://127.0.0.1:8002"
SECRET = "/etc/alice.secret"
HOOK = "/usr/local/bin/campus-login"

# As a person's own program: takes the password from a file, prints the cookies as JSON.
LOG_IN = """#!/usr/bin/python3 -I
import http.cookiejar, json, os, sys, urllib.parse, urllib.request
jar = http.cookiejar.CookieJar()
opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
login = os.environ["SJA_URL"] + "login/"
opener.open(login, timeout=20).read()
with open(os.environ["SJA_SECRETS"]) as file:
    form = {"username": sys.argv[1], "password": file.read()}
form["next"] = urllib.parse.urlsplit(os.environ["SJA_URL"]).path
form["csrfmiddlewaretoken"] = next(c.value for c in jar if c.name == "csrftoken")
opener.open(login, urllib.parse.urlencode(form).encode(), timeout=20).read()
names = {"name", "value", "domain", "path"}
print(json.dumps([{k: v for k, v in vars(c).items() if k in names} for c in jar]))
"""


class DjangoSite:
    """Django's admin at a port, which counts its answers."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def start(self, life: int = LIFE) -> None:
        argv = ["/src/tests/peers/django_site.py", "--folder", "/root/django"]
        spawn_peer(self.machine, "django", 8001, *argv, "--session-life", str(life))

    def stop(self) -> None:
        self.machine.run("systemctl", "stop", "django")

    def answers(self) -> Counter[str]:
        """Return how often the page was shown (200) and refused (302)."""
        lines = self.machine.read("/root/django/log").split("\n")
        return Counter(line[:3] for line in lines if line.endswith(" /admin/"))

    def log_in(self) -> None:
        """Leave the cookies of a new session in /root/jar.json, as a browser would export them."""
        self.machine.run(
            "sh",
            "-c",
            f"{HOOK} {USER} >/root/jar.json",
            env={"SJA_URL": PAGE, "SJA_SECRETS": SECRET},
        )

    def wait_shown(self, count: int) -> None:
        self.machine.wait_for(lambda: self.answers()["200"] >= count, what=f"{count} refreshes")


@pytest.fixture
def site(shared_machine: Machine) -> Iterator[DjangoSite]:
    """The site, and a program that logs in there."""
    machine = shared_machine
    machine.write(HOOK, LOG_IN, mode=0o755)
    machine.write(SECRET, PASSWORD, mode=0o600)
    site = DjangoSite(machine)
    site.start()
    yield site
    machine.run("sjactl", "remove", "*")
    site.stop()


def create(machine: Machine, name: str, url: str, *settings: str, jar: str = "") -> str:
    words = ["--url", url, "--interval", "1s", *(["--cookies", jar] if jar else [])]
    words += [word for setting in settings for word in ("--set", setting)]
    machine.run("sjactl", "create", "keepalive", name, *words, check=False)
    return f"keepalive/{name}"


def test_a_session_of_django_outlives_an_hour_of_refreshes(site: DjangoSite) -> None:
    machine = site.machine
    site.log_in()
    redirect = 'expired.redirect_contains="/login"'
    create(machine, "alice", PAGE, redirect, "alive.status=[200]", jar="/root/jar.json")
    wait_state(machine, JOB, "running")
    began = time.monotonic()
    for _ in range(6):
        kill_worker(machine, JOB)
        for _ in range(5):
            machine.run("sjactl", "restart", "alice")
    site.wait_shown(60)
    assert time.monotonic() - began > LIFE
    # A power cut may last longer than one of these lives, on a slow machine.
    site.stop()
    site.start(600)
    site.wait_shown(site.answers()["200"] + 1)
    machine.cut()
    machine.boot()
    shown = site.answers()["200"]
    site.start()
    site.wait_shown(shown + 3)
    assert wait_state(machine, JOB, "running")["health"]["session"] == "alive"
    assert site.answers()["302"] == 0
    # Nothing else kept it alive: without the job it is dead after one life.
    machine.run("sjactl", "stop", "alice")
    stopped = time.monotonic()
    machine.wait_for(lambda: time.monotonic() > stopped + LIFE + 1, what="one life to be over")
    assert machine.run("sjactl", "start", "alice", check=False).returncode == 1
    assert view(machine, JOB)["error"]["exit_code"] == 77
    assert site.answers()["302"] > 0


def test_a_login_program_opens_a_session_under_the_sandbox(site: DjangoSite) -> None:
    machine = site.machine
    place = mark_journal(machine)
    login = [f'login.command=["{HOOK}", "{USER}"]', f'login.secrets="{SECRET}"']
    redirect = 'expired.redirect_contains="/login"'
    create(machine, "alice", PAGE, redirect, *login)
    shown = wait_state(machine, JOB, "running")
    assert shown["health"]["session"] == "alive"
    # The site loses it: the program is asked again.
    refused = site.answers()["302"]
    site.stop()
    machine.run("sh", "-c", "rm /root/django/db.sqlite3*")
    site.start()
    machine.wait_for(lambda: site.answers()["302"] > refused, what="the lost session to be seen")
    count = site.answers()["200"]
    site.wait_shown(count + 2)
    shown = wait_state(machine, JOB, "running")
    assert shown["restarts"] == 0
    said = "\n".join(lines_since(machine, unit_of(JOB), place))
    assert PASSWORD not in said + machine.run("sjactl", "config", "alice").stdout
    environment = machine.run("systemctl", "show", unit_of(JOB)).stdout
    assert PASSWORD not in environment


# Writes where it may not, talks to D-Bus, reads others' files; then it takes too long.
BAD = """#!/bin/sh
id -u >&2
for place in /etc /usr/local /var/lib/sja-units/wanted; do touch $place/x && echo ill >&2; done
cat /etc/sja-units/keepalive/* /etc/alice.secret && echo ill >&2
[ -e /run/dbus/system_bus_socket ] && echo ill >&2
[ "$SJA_JOB" = keepalive/bad ] && [ -n "$SJA_REASON" ] && [ -r "$SJA_SECRETS" ] && echo well >&2
sleep 1000
"""


def test_a_login_program_is_held_by_sandbox_and_time_limit(site: DjangoSite) -> None:
    machine = site.machine
    machine.write("/usr/local/bin/bad-login", BAD, mode=0o755)
    place = mark_journal(machine)
    login = ['login.command=["/usr/local/bin/bad-login"]', f'login.secrets="{SECRET}"']
    limits = ['login.timeout="2s"', "login.max_attempts=2"]
    job = create(machine, "bad", PAGE, 'expired.redirect_contains="/login"', *login, *limits)
    shown = wait_state(machine, job, "failed")
    assert shown["error"]["exit_code"] == 77
    said = lines_since(machine, unit_of(job), place)
    assert said.count("well") == 2
    assert "ill" not in said
    assert "0" not in said  # it did not run as root
    assert not any(PASSWORD in line for line in said)
    assert machine.run("pgrep", "-f", "bad-login", check=False).returncode == 1
    # Without its secrets, it says so at once instead of trying.
    machine.run("rm", SECRET)
    assert machine.run("sjactl", "start", "bad", check=False).returncode == 1
    error = view(machine, job)["error"]
    assert (error["exit_code"], SECRET in error["message"]) == (78, True)


def test_httpbin_is_understood(shared_machine: Machine) -> None:
    machine = shared_machine
    spawn_peer(machine, "httpbin", 8002, "-m", "httpbin.core")
    machine.write("/root/jar.txt", "Cookie: given=made-up-1\n")
    sets = "/response-headers?Set-Cookie=moved%3Dmade-up-2%3B+Path%3D%2F"
    jobs = {
        "sets": (sets, "running", ()),
        "sent": ("/cookies", "running", ('alive.json={"cookies.given"="made-up-1"}',)),
        "gzip": ("/gzip", "running", ("alive.json={gzipped=true}",)),
        "auth": ("/basic-auth/a/b", "failed", ()),
        "gone": ("/redirect-to?url=/login", "failed", ('expired.redirect_contains="/login"',)),
        "moved": ("/redirect-to?url=/elsewhere", "degraded", ()),
        "ill": ("/status/503", "degraded", ()),
        "busy": ("/status/429", "degraded", ()),
        "slow": ("/delay/9", "degraded", ('timeout="1s"',)),
        "other": ("/json", "degraded", ('alive.body_contains="username"',)),
    }
    for name, (path, _, settings) in jobs.items():
        create(machine, name, BIN + path, *settings, jar="/root/jar.txt")
    for name, (_, state, _) in jobs.items():
        shown = wait_state(machine, f"keepalive/{name}", state)
        if state == "failed":
            assert shown["error"]["exit_code"] == 77
        else:
            session = {"running": "alive", "degraded": "unknown"}[state]
            assert shown["health"]["session"] == session
    header = machine.run("sjactl", "cookies", "sets", "--format", "header").stdout
    assert header == "Cookie: given=made-up-1; moved=made-up-2\n"
    for name in ("ill", "gone", "sent"):
        header = machine.run("sjactl", "cookies", name, "--format", "header").stdout
        assert header == "Cookie: given=made-up-1\n"
    machine.run("sjactl", "remove", "*")
