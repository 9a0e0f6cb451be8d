"""Keep-alive jobs against a site that moves its cookie on and forgets idle sessions."""

import json
import time
from collections.abc import Iterator

import pytest

from tests.machines.machine import Machine
from tests.peers.site import COOKIE
from tests.system.jobs import is_wanted, unit_of, view, wait_state
from tests.system.lines import lines_since, mark_journal
from tests.system.websites import WebSite, create_keepalive, kill_worker, write_jar

JOB = "keepalive/alice"
UNIT = unit_of(JOB)
PUBLISHED = "/run/sja-units/cookies/alice/cookies.txt"
MARKER = "a-made-up-marker-that-never-changes"


@pytest.fixture
def site(shared_machine: Machine) -> Iterator[WebSite]:
    """A site with one session, and keepalive/alice which keeps that alive."""
    site = WebSite(shared_machine, 8000, life=8)
    site.start()
    jar = write_jar(shared_machine, "/root/alice.txt", site.log_in(), f"remember={MARKER}")
    create_keepalive(site, "alice", jar)
    yield site
    shared_machine.run("sjactl", "remove", "*")
    site.stop()


def test_a_session_outlives_many_of_its_lives(site: WebSite) -> None:
    machine = site.machine
    began = time.monotonic()
    while time.monotonic() < began + 3 * site.life:
        kill_worker(machine, JOB)
        site.wait_moves()
        kill_worker(machine, JOB)
        site.wait_moves()
        machine.run("sjactl", "restart", "alice")
        site.wait_moves()
    stats = site.stats()
    assert (stats["logins"], stats["refused"]) == (1, 0)
    assert view(machine, JOB)["health"]["session"] == "alive"
    # Nothing else kept it alive: without the job it is dead after one life.
    machine.run("sjactl", "stop", "alice")
    machine.wait_for(site.has_idled, what="the session to have idled for one life")
    done = machine.run("sjactl", "start", "alice", check=False)
    assert done.returncode == 1
    assert site.stats()["refused"] > 0


def test_a_session_outlives_boots(machine: Machine) -> None:
    site = WebSite(machine, 8000, life=600)
    site.start()
    create_keepalive(site, "alice", write_jar(machine, "/root/alice.txt", site.log_in()))
    for off in (Machine.poweroff, Machine.cut, Machine.cut):
        site.wait_moves()
        off(machine)
        machine.boot()
        site.start()
        wait_state(machine, JOB, "running")
        stats = site.stats()
        assert stats["alive"] > 0
        assert (stats["logins"], stats["refused"]) == (0, 0)


def test_a_hang_ends_by_the_watchdog(site: WebSite) -> None:
    place = mark_journal(site.machine)
    kill_worker(site.machine, JOB, "STOP")
    assert view(site.machine, JOB)["error"]["result"] == "watchdog"
    said = "\n".join(lines_since(site.machine, UNIT, place))
    assert "sja_units/worker.py" in said  # the stack
    assert site.stats()["refused"] == 0


def test_site_away_and_back(site: WebSite) -> None:
    place = mark_journal(site.machine)
    site.stop()
    shown = wait_state(site.machine, JOB, "degraded")
    assert shown["health"]["session"] == "unknown"
    assert "refused" in shown["status"]
    site.start("--fault", "500")

    def says_500() -> bool:
        return "500" in view(site.machine, JOB)["status"]

    site.machine.wait_for(says_500, what="the site's new fault to be told")
    assert view(site.machine, JOB)["health"]["consecutive_failures"] >= 2
    site.stop()
    site.start()
    shown = wait_state(site.machine, JOB, "running")
    assert (shown["restarts"], shown["error"]) == (0, None)
    said = lines_since(site.machine, UNIT, place)
    assert len(said) == 2, said  # once when it went, once when it came back


def test_an_expired_session_waits_for_a_person(site: WebSite) -> None:
    machine = site.machine
    site.forget_sessions()
    shown = wait_state(machine, JOB, "failed")
    assert (shown["error"]["exit_code"], shown["restarts"], shown["wanted"]) == (77, 0, True)
    assert "expired" in shown["status"]
    again = machine.run("sjactl", "start", "alice", check=False)
    assert again.returncode == 1
    assert "expired" in again.stderr
    shown = view(machine, JOB)
    assert (shown["state"], shown["error"]["exit_code"], shown["restarts"]) == ("failed", 77, 0)
    assert "expired" in shown["error"]["message"]
    told = machine.run("systemctl", "status", UNIT, check=False).stdout
    assert "session expired" in told
    assert "status=77" in told
    assert f"sjactl cookies {JOB} --set" in machine.run("sjactl", "why", JOB).stdout
    assert is_wanted(machine, JOB)
    fresh = write_jar(machine, "/root/fresh.txt", site.log_in())
    machine.run("sjactl", "cookies", "alice", "--set", fresh)
    assert wait_state(machine, JOB, "running")["error"] is None


def test_new_cookies_win_over_a_live_session_exactly_once(site: WebSite) -> None:
    machine = site.machine
    fresh = site.log_in()
    given = write_jar(machine, "/root/b.txt", fresh, "nick=张三")
    machine.run("sjactl", "cookies", "alice", "--set", given)
    header = machine.run("sjactl", "cookies", "alice", "--format", "header").stdout
    assert MARKER not in header  # the jar from before is gone as a whole
    assert "nick=张三" in header
    site.wait_moves()
    # What was given is worthless by now: winning again would end the session.
    for again in (kill_worker, lambda *_: machine.run("sjactl", "restart", "alice"), kill_worker):
        again(machine, JOB)
        site.wait_moves()
    assert site.stats()["refused"] == 0
    assert view(machine, JOB)["health"]["session"] == "alive"


def test_a_created_job_with_a_dead_session_fails(site: WebSite) -> None:
    jar = write_jar(site.machine, "/root/bob.txt", "never-was-a-session")
    create_keepalive(site, "bob", jar, check=False)
    shown = view(site.machine, "keepalive/bob")
    assert (shown["state"], shown["error"]["exit_code"], shown["restarts"]) == ("failed", 77, 0)


def test_the_published_jar_is_for_the_group_alone(site: WebSite) -> None:
    machine = site.machine
    machine.sh("id reader || useradd -G sja-cookies reader; id other || useradd other")
    assert machine.run("cat", PUBLISHED, user="other", check=False).returncode != 0

    def is_live() -> bool:
        jar = machine.run("cat", PUBLISHED, user="reader").stdout
        return any(token in jar for token in site.tokens())

    machine.wait_for(is_live, what="the published jar to hold the live session")
    create_keepalive(site, "bob", write_jar(machine, "/root/bob.txt", site.log_in()))
    bob = str(view(machine, "keepalive/bob")["pid"])
    user = machine.run("stat", "-c", "%u", f"/proc/{bob}").stdout.strip()
    enter = ["nsenter", "-t", bob, "--mount", "setpriv", f"--reuid={user}", f"--regid={user}"]
    as_bob = [*enter, "--clear-groups", "cat"]
    assert machine.run(*as_bob, PUBLISHED, check=False).returncode != 0
    assert MARKER not in machine.run(*as_bob, PUBLISHED.replace("alice", "bob")).stdout


def test_the_published_jar_stays_while_the_job_restarts(site: WebSite) -> None:
    machine = site.machine
    machine.sh("id reader || useradd -G sja-cookies reader")
    # Reads it again and again, and ends as soon as it is not there or not whole.
    held = " && ".join(f"grep -q '\t{name}\t' {PUBLISHED}" for name in (COOKIE, "remember"))
    script = f"while {held}; do :; done"
    machine.spawn("reader", "runuser", "-u", "reader", "--", "sh", "-c", script)
    kill_worker(machine, JOB)
    machine.run("sjactl", "restart", "alice")
    kill_worker(machine, JOB)
    machine.run("systemctl", "restart", UNIT)
    assert machine.show("reader", "ActiveState") == {"ActiveState": "active"}
    machine.run("systemctl", "stop", "reader")


# Takes secrets from stdin and prints where else in the machine one of them can be read.
SEARCH = """
import glob, subprocess, sys, time
secrets = sys.stdin.read().encode().split()
def look(place, data):
    if any(secret in data for secret in secrets):
        print(place)
commands = ["journalctl", "sjactl status alice", "sjactl status --json alice", "sjactl list",
    "systemctl status --full sja-keepalive@alice", "systemctl show sja-keepalive@alice"]
for command in commands:
    look(command, subprocess.run(command.split(), capture_output=True).stdout)
end = time.monotonic() + 3
while time.monotonic() < end:
    for place in glob.glob("/proc/[0-9]*/cmdline") + glob.glob("/proc/[0-9]*/environ") + [
            "/run/sja-units/keepalive/alice/health.json", *glob.glob("/etc/sja-units/*/*"),
            "/var/lib/private/sja-units/keepalive/alice/jar.json"]:
        try:
            with open(place, "rb") as file:
                look(place, file.read())
        except OSError:
            pass
"""


def test_no_cookie_shows_where_others_could_see_it(site: WebSite) -> None:
    machine = site.machine
    site.life = 600  # a machine that is busy takes its time
    site.stop()
    site.start()
    secrets = {MARKER, *site.tokens()}
    for fault in ("control-cookie", "cut", "foreign-redirect"):
        site.stop()
        site.start("--fault", fault)
        site.machine.wait_for(lambda: site.stats()["requests"] >= 1, what="a look")
        secrets |= site.tokens()
    site.stop()
    site.start()
    wait_state(machine, JOB, "running")
    kill_worker(machine, JOB, "STOP")
    secrets |= site.tokens()
    found = machine.run("python3", "-Ic", SEARCH, input="\n".join(secrets)).stdout.split("\n")
    # The job's own jar shows that the search finds what is there.
    jar = "/var/lib/private/sja-units/keepalive/alice/jar.json"
    assert {*found} == {jar, ""}
    health = json.loads(machine.read("/run/sja-units/keepalive/alice/health.json"))
    assert health["session"] == "alive"
