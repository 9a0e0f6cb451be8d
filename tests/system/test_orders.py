"""Orders do what they say: a start that was none, a stop, and a systemd or D-Bus that restarts."""

import json

import pytest

from tests.machines.machine import Machine
from tests.system.jobs import (
    is_wanted,
    unit_of,
    view,
    wait_active,
    wait_state,
    write_idle,
)

# Seconds. An order on jobs that stop and start at once takes about three on a busy host.
BOUND = 90
# A minute of it is what a person would do; the rest is for a busy host.
STORM_SECONDS = 60

# What each of twenty shells does over and over: with names of its own and with shared ones.
SHELL = """
end=$(($(date +%s) + $1)) i=$2
while [ "$(date +%s)" -lt "$end" ]; do
    for words in "start shared$((i % 4))" "stop shared$((i % 3))" "list" "status shared1" \
        "restart shared2" "create acquisition own$2 --from /root/idle.toml" "why shared3" \
        "check" "stop own$2" "remove own$2" "create acquisition race --from /root/idle.toml" \
        "remove race" "start shared0 shared1 shared2 shared3"; do
        timeout 120 sjactl $words >/dev/null 2>/root/said.$2
        status=$?
        case $status in
        0 | 1 | 3 | 4) ;;
        *) echo "sjactl $words ends with $status: $(cat /root/said.$2)" ;;
        esac
        grep -l Traceback /root/said.$2
        i=$((i + 1))
    done
done
"""


def order(machine: Machine, *words: str) -> tuple[int, str]:
    said = machine.run("sjactl", *words, check=False, timeout=BOUND)
    assert "Traceback" not in said.stderr
    return said.returncode, said.stdout + said.stderr


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_a_start_that_systemd_skips_is_none(machine: Machine) -> None:
    job = write_idle(machine, "line1")
    unit = unit_of(job)
    drop_in = f"/etc/systemd/system/{unit}.d/own.conf"
    for text, named in (
        ("[Unit]\nConditionPathExists=/nowhere\n", "ConditionPathExists=/nowhere"),
        ("[Unit]\nConditionPathExists=!/etc\n", "ConditionPathExists=!/etc"),
        ("[Service]\nExecCondition=/bin/false\n", "ExecCondition"),
    ):
        machine.write(drop_in, text)
        machine.run("systemctl", "daemon-reload")
        for words in (("start", job), ("restart", job), ("relaunch",)):
            status, said = order(machine, *words)
            assert (status, named in said) == (1, True), (words, said)
        assert view(machine, job)["state"] == "down"
        status, said = order(machine, "check", "--repair")
        assert status == 1
        if "ExecCondition" not in named:  # of which nothing is left once it is over
            assert named in said
            assert named in order(machine, "list")[1]
            assert named in order(machine, "why", job)[1]
    machine.run("rm", drop_in)
    machine.run("systemctl", "mask", unit)
    for words in (("start", job), ("relaunch",), ("check", "--repair"), ("list",), ("why", job)):
        status, said = order(machine, *words)
        assert "masked" in said
        assert status == (0 if words[0] in ("list", "why") else 1)
    machine.run("systemctl", "unmask", unit)
    assert order(machine, "start", job)[0] == 0
    wait_active(machine, job)


def test_a_failed_job_that_is_stopped_is_stopped(machine: Machine) -> None:
    machine.write("/etc/sja-units/acquisition/bad.toml", "interval = 5\n")
    job = "acquisition/bad"
    assert order(machine, "start", job)[0] == 1
    machine.run("useradd", "--gid", "sja", "operator")
    said = machine.run("sjactl", "stop", job, user="operator", check=False)
    assert (said.returncode, said.stdout) == (5, "")
    assert order(machine, "stop", job) == (0, f"{job}\n")
    shown = view(machine, job)
    assert (shown["state"], shown["wanted"], shown["error"]) == ("stopped", False, None)


def test_a_stop_where_nothing_can_be_written(machine: Machine) -> None:
    job = write_idle(machine, "line1")
    order(machine, "start", job)
    sandbox = ["--property=ProtectSystem=strict", "--quiet", "--pipe", "--wait"]
    said = machine.run("systemd-run", *sandbox, "sjactl", "stop", job)
    assert said.stdout == f"{job}\n"
    assert view(machine, job)["state"] == "stopped"
    assert not is_wanted(machine, job)


@pytest.mark.parametrize(
    "event", ["systemctl restart dbus", "systemctl daemon-reexec", "systemctl daemon-reload"]
)
def test_an_order_outlives_what_carries_it(shared_machine: Machine, event: str) -> None:
    machine = shared_machine
    jobs = [write_idle(machine, name) for name in ("line1", "line2")]
    order(machine, "start", *jobs)
    for delay in ("0.05", "0.3", "1"):
        machine.spawn("event", "sh", "-c", f"sleep {delay}; {event}")
        status, said = order(machine, "restart", *jobs)
        assert (status, sorted(said.splitlines())) == (0, jobs)
        machine.run("systemctl", "stop", "event", check=False)


def test_a_maintenance_stop_can_be_waited_for(machine: Machine) -> None:
    script = 'trap "sleep 3; exit" TERM; while :; do sleep 0.1; done'
    job = "command/slow"
    machine.run("sjactl", "create", "command", "slow", "--", "/bin/sh", "-c", script)
    machine.run("systemctl", "stop", "sja-jobs.target", "sja.slice")
    assert machine.show(unit_of(job), "ActiveState") == {"ActiveState": "inactive"}
    assert is_wanted(machine, job)
    machine.run("systemctl", "start", "sja-jobs.target")
    wait_active(machine, job)


def test_a_changed_file_is_told_until_a_restart(machine: Machine) -> None:
    job = write_idle(machine, "line1")
    order(machine, "start", job)
    assert view(machine, job)["changed"] is False
    write_idle(machine, "line1", title="another")
    assert view(machine, job)["changed"] is True
    assert "another" in order(machine, "diff", job)[1]
    assert order(machine, "restart", "--changed") == (0, f"{job}\n")
    wait_state(machine, job, "running", "degraded")
    assert view(machine, job)["changed"] is False
    assert order(machine, "diff") == (0, "")


def test_twenty_shells_while_dbus_and_systemd_restart(machine: Machine) -> None:
    for i in range(4):
        write_idle(machine, f"shared{i}")
    machine.run("cp", "/etc/sja-units/acquisition/shared0.toml", "/root/idle.toml")
    machine.write("/root/shell", SHELL)
    events = "systemctl restart dbus; sleep 7; systemctl daemon-reexec; sleep 7"
    machine.spawn("events", "sh", "-c", f"while sleep 3; do {events}; done")
    script = f'for n in $(seq 20); do sh /root/shell {STORM_SECONDS} "$n" & done; wait'
    said = machine.run("sh", "-c", script, timeout=STORM_SECONDS + 600)
    machine.run("systemctl", "stop", "events")
    assert said.stdout == ""
    # Now nothing is on its way: what is wanted runs, and what is not wanted has stopped.
    listed = json.loads(machine.run("sjactl", "list", "--json").stdout)
    for shown in listed:
        states = ("running", "degraded") if shown["wanted"] else ("stopped",)
        wait_state(machine, shown["job"], *states)
    files = machine.run("find", "/etc/sja-units/acquisition", "-type", "f").stdout.split()
    assert not [path for path in files if not path.endswith(".toml")]
    wanted = machine.run("ls", "/var/lib/sja-units/wanted").stdout.split()
    assert {*wanted} == {shown["unit"] for shown in listed if shown["wanted"]}
    assert order(machine, "check")[0] == 0
