"""`sjactl --host` through a real OpenSSH: a person at a laptop, and a gateway.

Both are one machine, but for the laptop's folder /mnt, which the gateway does not see.
"""

import json
import signal
from collections.abc import Iterator
from subprocess import CompletedProcess

import pytest

from tests.machines.machine import Machine
from tests.system.counterparts import wait_listening
from tests.system.jobs import states, unit_of, view, wait_active, write_idle
from tests.system.screens import Screen

CONFIG = """
StrictHostKeyChecking accept-new
BatchMode yes
HostName localhost
IdentitiesOnly yes
Host refusing
    IdentityFile ~/.ssh/other
Host nobody-there
    Port 1
Host gw
    IdentityFile ~/.ssh/id_ed25519
"""
AT_LAPTOP = ["unshare", "--mount", "sh", "-euc"]
AT_LAPTOP += ['mount --bind /srv/laptop /mnt; cd /mnt/home; exec "$@"', "sh"]
TITLE = "1号线 'a' \"b\" * ? $HOME `id` \\ ~ ;&|"
TABLE = "name,table,address,type\n温度,holding,0,int16\n"
FILE = """interval = "200ms"
[sink]
type = "local"
[[device]]
name = "press1"
host = "127.0.0.1"
port = 1
timeout = "100ms"
points = "{table}"
"""


@pytest.fixture(scope="module")
def gateway(shared_machine: Machine) -> Machine:
    machine = shared_machine
    machine.write("/root/.ssh/config", CONFIG, mode=0o600)
    machine.sh("""
        useradd --create-home --groups sja --shell /bin/sh olga
        mkdir -p /srv/laptop/home /home/olga/.ssh
        for key in id_ed25519 other; do ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/$key; done
        cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys
        cp /root/.ssh/id_ed25519.pub /home/olga/.ssh/authorized_keys
        systemctl start ssh
    """)
    write_idle(machine, "line1", title="海天注塑机")
    write_idle(machine, "line2")
    machine.run("sjactl", "start", "line1")
    wait_active(machine, "acquisition/line1")
    return machine


@pytest.fixture(autouse=True)
def clean(gateway: Machine) -> Iterator[None]:
    """Nothing of an order stays on the gateway: neither a process nor a file."""
    look = "ls -A /tmp /var/tmp | grep -v systemd-private"
    before = gateway.sh(look, check=False).stdout
    yield
    wait_no_process(gateway)
    assert gateway.sh(look, check=False).stdout == before


def wait_no_process(machine: Machine) -> None:
    words = ["pgrep", "--full", "--list-full", "bin/sjactl|journalctl"]
    machine.wait_for(
        lambda: not machine.run(*words, check=False).stdout, 30, what="all of sjactl to end"
    )


def there(
    machine: Machine, *words: str, host: str = "gw", input: str | None = None, status: int = 0
) -> CompletedProcess[str]:
    """Give an order at the laptop."""
    done = machine.run(
        *AT_LAPTOP, "sjactl", "--host", host, *words, input=input, check=False, timeout=60
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def put(machine: Machine, path: str, text: str) -> None:
    """Write a file of the laptop."""
    machine.write(f"/srv/laptop/{path}", text)


def test_it_says_what_is_said_there(gateway: Machine) -> None:
    machine = gateway
    for words in (["list"], ["config", "line1"], ["why", "line2"], ["history", "line1", "--json"]):
        done = there(machine, *words)
        local = machine.run("sjactl", *words)
        volatile = {"list": 2, "why": 2}.get(words[0])
        assert done.stdout.splitlines()[:volatile][0] == local.stdout.splitlines()[:volatile][0]
    listed = json.loads(there(machine, "list", "--json").stdout)
    assert {job["job"]: job["state"] for job in listed} == states(machine)
    shown = json.loads(there(machine, "status", "line1", "--json").stdout)
    here = view(machine, "acquisition/line1")
    assert {**shown, "health": 0, "cpu_seconds": 0, "memory_bytes": 0} == {
        **here,
        "health": 0,
        "cpu_seconds": 0,
        "memory_bytes": 0,
    }
    assert shown["title"] == "海天注塑机"


@pytest.mark.parametrize(
    ("words", "host", "status"),
    [
        (["start", "line1"], "olga@gw", 0),
        (["probe", "line1"], "gw", 1),
        (["list", "--nonsense"], "gw", 2),
        (["status", "a b"], "gw", 2),
        (["status", "line2"], "gw", 3),
        (["why", "none"], "gw", 4),
        (["config", "none?*"], "gw", 4),
        (["restore", "-"], "olga@gw", 5),
        (["list"], "nobody-there", 1),
        (["list"], "refusing", 1),
        (["list"], "none@gw", 1),
    ],
)
def test_exit_statuses(gateway: Machine, words: list[str], host: str, status: int) -> None:
    done = there(gateway, *words, host=host, status=status, input="")
    if host in ("nobody-there", "refusing", "none@gw"):
        assert f"sjactl: {host}: " in done.stderr


def test_sjactl_is_missing_there(gateway: Machine) -> None:
    gateway.run("mv", "/usr/local/bin/sjactl", "/usr/local/bin/sjactl.away")
    words = [*AT_LAPTOP, "/opt/sja-units/bin/sjactl", "--host", "gw", "list"]
    done = gateway.run(*words, check=False)
    gateway.run("mv", "/usr/local/bin/sjactl.away", "/usr/local/bin/sjactl")
    assert done.returncode == 1
    assert "sjactl: gw: sjactl is not installed there" in done.stderr


def test_a_loop_over_hosts_keeps_its_input(gateway: Machine) -> None:
    script = 'printf "gw\\nolga@gw\\ngw\\n" | while read -r host; do '
    script += "sjactl --host $host list --json; done"
    said = gateway.run(*AT_LAPTOP, "sh", "-c", script).stdout
    assert said.count('"acquisition/line1"') == 3


@pytest.mark.parametrize("way", ["line3.toml", "../home/line3.toml", "/mnt/home/line3.toml"])
def test_a_job_from_files_of_the_laptop(gateway: Machine, way: str) -> None:
    machine = gateway
    put(machine, "home/表/press1.csv", TABLE)
    put(machine, "home/line3.toml", FILE.format(table="表/press1.csv"))
    words = ["--title", TITLE, "--set", 'device.0.measurement="a\'b\\nc"']
    done = there(machine, "create", "acquisition", "line3", "--from", way, *words, status=2)
    assert "device.0.measurement" in done.stderr  # a line's end in a name is refused
    words[-1] = "device.0.measurement=a' *"
    done = there(machine, "create", "acquisition", "line3", "--from", way, *words)
    assert done.stdout == "acquisition/line3\n"
    assert view(machine, "acquisition/line3")["title"] == TITLE
    assert "温度" in machine.run("sjactl", "config", "line3").stdout
    assert there(machine, "remove", "line3").stdout == "acquisition/line3\n"


def test_faults_name_the_files_of_the_laptop(gateway: Machine) -> None:
    machine = gateway
    put(machine, "home/bad.toml", "nonsense = 1\n" + FILE.format(table="none.csv"))
    # One of that name on the gateway is none of the person's.
    machine.write("/root/none.csv", TABLE)
    done = there(machine, "create", "acquisition", "bad", "--from", "bad.toml", status=1)
    assert "bad.toml: " in done.stderr
    assert "nonsense" in done.stderr
    assert "none.csv: cannot be read: No such file" in done.stderr
    done = there(machine, "create", "acquisition", "bad", "--from", "none.toml", status=1)
    assert done.stderr == "sjactl: none.toml: No such file or directory\n"
    done = there(machine, "probe", "bad.toml", status=1)
    assert "none.csv: cannot be read" in done.stderr


def test_cookies_come_and_go(gateway: Machine) -> None:
    machine = gateway
    put(machine, "home/a b.txt", "JSESSIONID=0123; theme=dark\n")
    url = ["--url", "http://127.0.0.1:1/me", "--no-start"]
    there(machine, "create", "keepalive", "alice", "--cookies", "a b.txt", *url)
    put(machine, "home/a b.txt", "JSESSIONID=4567\n")
    assert there(machine, "cookies", "alice", "--set", "a b.txt").stdout == "keepalive/alice\n"
    machine.run("sjactl", "start", "alice")
    take = ["cookies", "alice", "--format", "header"]

    def is_taken(value: str) -> bool:
        done = machine.run(*AT_LAPTOP, "sjactl", "--host", "gw", *take, check=False)
        return value in done.stdout

    machine.wait_for(lambda: is_taken("JSESSIONID=4567"), what="the jar to be taken up")
    there(machine, "cookies", "alice", "--set", "-", input="JSESSIONID=89ab\n")
    machine.wait_for(lambda: is_taken("JSESSIONID=89ab"), what="the other jar to be taken up")
    there(machine, "cookies", "alice", "--set", "none.txt", status=1)
    there(machine, "remove", "alice")


def test_import_takes_files_and_key_along(gateway: Machine) -> None:
    machine = gateway
    jobs = {"1": {"job_type": "keep_alive", "name": "a", "status": "running", "config": {}}}
    accounts = {"cookies": {"alice": {"cookie": "JSESSIONID=1", "nickname": "爱丽丝"}}}
    put(machine, "home/jobs.json", json.dumps(jobs))
    put(machine, "home/credentials.json", json.dumps(accounts))
    words = ["import", "sja", "jobs.json", "--url", "http://127.0.0.1:1/", "--dry-run"]
    there(machine, *words, status=2)
    for more, env in (
        (["credentials.json"], []),
        ([], ["SJABOT_CREDENTIAL_STORE=/mnt/home/credentials.json"]),
    ):
        ssh = ["env", *env, "sjactl", "--host", "gw", *words, *more]
        assert "爱丽丝" in machine.run(*AT_LAPTOP, *ssh).stdout
    put(machine, "home/credentials.json", "gAAAAnonsense")
    asked = ["env", "SJABOT_SECRET=key", "sjactl", "--host", "gw", *words, "credentials.json"]
    done = machine.run(*AT_LAPTOP, *asked, check=False)
    assert done.returncode == 1
    assert "put its key" not in done.stderr
    assert "credentials.json" in done.stderr


def test_a_backup_goes_both_ways(gateway: Machine) -> None:
    machine = gateway
    done = there(machine, "backup", "jobs.tgz")
    assert done.stdout == "acquisition/line1\nacquisition/line2\n"
    assert "in jobs.tgz" in done.stderr
    mode = machine.run("stat", "-c", "%a %U", "/srv/laptop/home/jobs.tgz").stdout
    assert mode == "600 root\n"
    before = machine.run("sha256sum", "/srv/laptop/home/jobs.tgz").stdout
    there(machine, "backup", "jobs.tgz", host="olga@gw", status=5)
    there(machine, "backup", "jobs.tgz", host="refusing", status=1)
    assert machine.run("sha256sum", "/srv/laptop/home/jobs.tgz").stdout == before
    assert machine.run("ls", "/srv/laptop/home").stdout.count("jobs.tgz") == 1
    machine.run(*AT_LAPTOP, "sh", "-c", "sjactl --host gw backup - >piped.tgz")
    machine.run("gzip", "--test", "/srv/laptop/home/piped.tgz")
    machine.run("sjactl", "remove", "line2")
    assert "line2" in there(machine, "restore", "jobs.tgz", "--dry-run").stdout
    machine.run(*AT_LAPTOP, "sh", "-c", "sjactl --host gw restore - <piped.tgz")
    assert states(machine)["acquisition/line2"] == "stopped"
    put(machine, "home/bad.tgz", "nonsense")
    assert "bad.tgz" in there(machine, "restore", "bad.tgz", status=1).stderr


LOGS, WATCH, SIMULATE = ["logs", "-f", "line1"], ["watch"], ["simulate", "sim.toml"]


@pytest.mark.parametrize(
    ("words", "ending"),
    [
        *((LOGS, ending) for ending in ("INT all", "INT main", "TERM main", "KILL all")),
        (WATCH, "INT main"),
        (WATCH, "KILL main"),
        (SIMULATE, "INT all"),
        (SIMULATE, "KILL main"),
    ],
)
def test_the_end_here_is_the_end_there(gateway: Machine, words: list[str], ending: str) -> None:
    machine = gateway
    put(machine, "home/press1.csv", TABLE)
    put(machine, "home/sim.toml", FILE.format(table="press1.csv"))
    done = [*AT_LAPTOP, "sjactl", "--host", "gw", *words]
    machine.spawn("laptop", *done, env={"HOME": "/root"})
    if words[0] == "simulate":
        wait_listening(machine, 1502)
    else:
        command = "journalctl.*--follow" if words[0] == "logs" else "bin/sjactl --sent"
        machine.wait_for(
            lambda: machine.run("pgrep", "--full", command, check=False).stdout, what="the order"
        )
        machine.run("systemctl", "restart", unit_of("acquisition/line1"))
    number, who = ending.split()
    machine.run("systemctl", "kill", f"--kill-whom={who}", f"--signal={number}", "laptop")
    wait_no_process(machine)


def test_a_terminal_there_for_who_has_one_here(gateway: Machine) -> None:
    machine = gateway
    with Screen(machine, "sjactl", "--host", "gw", "list", columns=70) as screen:
        assert screen.wait_end() == 0
        assert "海天" in screen.text
        assert "\x1b[3" in screen.raw  # in colour
        assert "#" not in screen.text
        assert len(screen.text.split("\n\n")[0].splitlines()) == 3
    for words in (["env", "NO_COLOR=1", "sjactl"], ["sjactl", "--no-color"]):
        with Screen(machine, *words, "--host", "gw", "status", "line1", "line2") as screen:
            assert screen.wait_end() == 3
            assert "\x1b[3" not in screen.raw
    with Screen(machine, "sjactl", "--host", "gw", "probe", "line1") as screen:
        assert screen.wait_end() == 1
        assert "\x1b[3" in screen.raw
    with Screen(machine, "sjactl", "--host", "gw", "backup", "-") as screen:
        assert screen.wait_end() == 2


def test_edit_over_there(gateway: Machine) -> None:
    editor = '#!/bin/sh\n[ -t 0 ] && [ -t 1 ] && exec sed -i "s/line2/二号线/" "$1"\n'
    gateway.write("/usr/local/bin/sensible-editor", editor, mode=0o755)
    write_idle(gateway, "line2", title="line2")
    with Screen(gateway, "sjactl", "--host", "gw", "edit", "line2") as screen:
        assert screen.wait_end() == 0
    assert view(gateway, "acquisition/line2")["title"] == "二号线"


@pytest.mark.parametrize("keys", [b"q", b"\x1a\x03"])
def test_watch_over_there(gateway: Machine, keys: bytes) -> None:
    with Screen(gateway, "sjactl", "--host", "gw", "watch") as screen:
        Machine.wait_for(lambda: "q quits" in screen.text, what="the picture")
        screen.resize(60, 10)
        Machine.wait_for(lambda: len(screen.text.splitlines()) == 10, what="the new size")
        screen.press(keys)
        assert screen.wait_end() == 0
        assert screen.has_old_modes
        assert not screen.is_other


def test_ctrl_c_goes_over_there(gateway: Machine) -> None:
    with Screen(gateway, "sjactl", "--host", "gw", "logs", "-f", "line1") as screen:
        Machine.wait_for(lambda: "press1" in screen.text, what="the journal")
        screen.press(b"\x03")
        assert screen.wait_end() == 128 + signal.SIGINT


def test_tab_asks_no_other_host(gateway: Machine) -> None:
    for text, wanted in (("st", "start"), ("start line", "")):
        words = f"sjactl --host nobody-there {text}"
        env = {"_SJACTL_COMPLETE": "bash_complete", "COMP_WORDS": words}
        env["COMP_CWORD"] = str(len(words.split()) - 1)
        done = gateway.run("sjactl", env=env)
        assert (wanted in done.stdout, done.stderr) == (True, "")
        assert "line1" not in done.stdout
