"""A command with nothing to see to has no worker beside it, and is the same job otherwise."""

import json
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.machines.images import installed_machine
from tests.machines.machine import Machine
from tests.system.jobs import is_wanted, unit_of, view, wait_state
from tests.system.watch import booted

PROBE = '[probe]\nexec = ["/bin/true"]\n'
# Notes each SIGTERM that it gets, and has a child in a session of its own that does so, too.
TWO = """
note() { echo "$1" >>terms; }
setsid sh -c 'trap "echo child >>terms; exit" TERM; echo >ready; while :; do sleep 0.1; done' &
trap 'note parent; sleep 0.5; exit 5' TERM
while :; do sleep 0.1; done
"""


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    with booted(installed_machine(request.param, "alone")) as machine:
        yield machine


def start(machine: Machine, name: str, script: str, more: str = "") -> str:
    """Write a command's file by hand, and start it; return the job."""
    machine.write(f"/root/{name}", script)
    text = f'command = ["/bin/sh", "/root/{name}"]\n{more}'
    # The sandbox hides /root.
    machine.run("install", "-D", "-m", "0755", f"/root/{name}", f"/usr/local/lib/tests/{name}")
    text = text.replace("/root/", "/usr/local/lib/tests/")
    machine.write(f"/etc/sja-units/command/{name}.toml", text, mode=0o640, group="sja")
    machine.run("systemctl", "start", f"sja-command@{name}.service", check=False)
    return f"command/{name}"


def end(machine: Machine, job: str) -> None:
    machine.run("systemctl", "stop", unit_of(job))
    machine.run("sjactl", "remove", job)


def list_processes(machine: Machine, job: str) -> list[str]:
    """Return what runs in the unit, by name."""
    group = machine.show(unit_of(job), "ControlGroup")["ControlGroup"]
    return machine.sh(
        f"for pid in $(cat /sys/fs/cgroup{group}/cgroup.procs); do cat /proc/$pid/comm; done"
    ).stdout.split()


def results(machine: Machine, job: str) -> list[Any]:
    machine.run("journalctl", "--sync")
    return list(json.loads(machine.run("sjactl", "history", job, "--json").stdout))


def state_file(job: str, name: str) -> str:
    return f"/var/lib/sja-units/{job}/{name}"


def test_the_unit_s_process_is_the_program(machine: Machine) -> None:
    service = '[service]\nWatchdogSec = "2s"\n'
    job = start(machine, "own", "echo hello; exec sleep 600", service)
    machine.run("sjactl", "apply", job)
    machine.run("systemctl", "restart", unit_of(job))
    shown = wait_state(machine, job, "running")
    pid = shown["pid"]
    machine.wait_for(lambda: list_processes(machine, job) == ["sleep"], what="the program alone")
    assert shown["health"]["program"]["pid"] == pid
    machine.sh("sleep 7")  # more than the watchdog's time, of which a program knows nothing
    shown = view(machine, job)
    assert (shown["state"], shown["pid"], shown["restarts"]) == ("running", pid, 0)
    assert results(machine, job)[0]["result"] is None
    assert "hello" in machine.run("sjactl", "logs", job).stdout
    environment = machine.sh(f"tr '\\0' '\\n' </proc/{pid}/environ").stdout.splitlines()
    assert f"SJA_JOB={job}" in environment
    assert not [line for line in environment if line.startswith(("NOTIFY_SOCKET", "WATCHDOG_"))]
    ignored = machine.sh(f"grep SigIgn /proc/{pid}/status").stdout.split()[1]
    assert int(ignored, 16) == 0
    end(machine, job)


@pytest.mark.parametrize(
    ("script", "exit_code", "result"),
    [
        ("exit 3", 3, "exit-code"),
        ("exit 0", 0, "success"),
        ("exit 75", 75, "exit-code"),
        ("exit 79", 79, "success"),
        ("kill -SEGV $$", None, "signal"),
    ],
)
def test_what_ends_is_started_again(
    machine: Machine, script: str, exit_code: int | None, result: str
) -> None:
    name = f"ends{zlib.crc32(script.encode())}"  # each has a history of its own
    job = start(machine, name, f"echo >>runs; [ $(wc -l <runs) -gt 3 ] || {{ {script}; }}\n{TWO}")
    shown = wait_state(machine, job, "running")
    machine.wait_for(
        lambda: len(machine.read(state_file(job, "runs")).splitlines()) == 4, what="four runs"
    )
    machine.wait_for(lambda: machine.exists(state_file(job, "ready")), what="the fourth to go on")
    shown = wait_state(machine, job, "running")
    assert is_wanted(machine, job)
    runs = results(machine, job)
    assert [run["result"] for run in runs] == [None, *[result] * 3]
    assert {run["exit_code"] for run in runs[1:]} <= {exit_code, None}
    assert "completed" not in str(shown)
    end(machine, job)


@pytest.mark.parametrize("status", [77, 78])
def test_what_asks_for_an_operator_waits_for_one(machine: Machine, status: int) -> None:
    job = start(machine, "asks", f"exit {status}")
    shown = wait_state(machine, job, "failed")
    assert shown["error"]["exit_code"] == status
    assert machine.show(unit_of(job), "NRestarts") == {"NRestarts": "0"}
    machine.run("sjactl", "remove", job)


@pytest.mark.parametrize("more", ["", PROBE, 'stop_timeout = "20s"\n'])
def test_a_stop_reaches_every_process_once(machine: Machine, more: str) -> None:
    """Also one in a session of its own; and whatever it ends with then, it was stopped."""
    job = start(machine, "two", TWO, more)
    machine.wait_for(lambda: machine.exists(state_file(job, "ready")), what="both")
    machine.run("systemctl", "stop", unit_of(job))
    assert sorted(machine.read(state_file(job, "terms")).split()) == ["child", "parent"]
    shown = view(machine, job)
    assert (shown["state"], shown["wanted"]) == ("stopped", False)
    assert machine.show(unit_of(job), "ActiveState") == {"ActiveState": "inactive"}
    assert results(machine, job)[0]["result"] == "stopped"
    machine.run("systemctl", "start", unit_of(job))
    machine.run("systemctl", "restart", unit_of(job))
    machine.run("systemctl", "stop", "sja-jobs.target")
    wait_state(machine, job, "down")
    machine.run("systemctl", "start", "sja-jobs.target")
    wait_state(machine, job, "running")
    end(machine, job)


def test_a_deaf_program_is_killed_and_stopped(machine: Machine) -> None:
    deaf = "trap '' TERM; echo >ready; while :; do sleep 0.1; done"
    job = start(machine, "deaf", deaf)
    machine.wait_for(lambda: machine.exists(state_file(job, "ready")), what="it to be deaf")
    machine.run("systemctl", "stop", unit_of(job))
    assert view(machine, job)["state"] == "stopped"
    assert "killed" in machine.journal(unit_of(job))
    machine.run("sjactl", "remove", job)


@pytest.mark.parametrize(
    ("first_line", "status", "words"),
    [("#!/bin/sh\r", 78, "CR"), ("#!/no/such/thing", 75, "/no/such/thing")],
)
def test_what_cannot_be_executed_never_was_up(
    machine: Machine, first_line: str, status: int, words: str
) -> None:
    machine.write("/usr/local/lib/tests/script", f"{first_line}\necho\n", mode=0o755)
    path = "/etc/sja-units/command/script.toml"
    machine.write(path, 'command = ["/usr/local/lib/tests/script"]\n', mode=0o640, group="sja")
    done = machine.run("systemctl", "start", "sja-command@script.service", check=False)
    assert done.returncode != 0
    shown = wait_state(machine, "command/script", "failed", "restarting")
    assert shown["error"]["exit_code"] == status
    assert words in shown["error"]["message"]
    machine.run("sjactl", "remove", "command/script")
