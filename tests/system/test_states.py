"""Jobs brought into every state by real means: each way of asking tells the truth of systemd."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sja_units.jobs.state import STATES
from tests.machines.images import installed_machine
from tests.machines.machine import Machine
from tests.system.counterparts import ModbusDevice, spawn_peer
from tests.system.jobs import IDLE, unit_of, view, wait_state, write_idle
from tests.system.watch import booted
from tests.unit.actions.test_metrics import get, read

# What systemd itself says of a job in each state.
ACTIVE = {
    "running": "active",
    "degraded": "active",
    "starting": "activating",
    "stopping": "deactivating",
    "restarting": "activating",
    "down": "inactive",
    "failed": "failed",
    "stopped": "inactive",
    "unconfigured": "active",
}
EXPECTED = {
    **{f"acquisition/{state}": state for state in ACTIVE},
    "keepalive/expired": "failed",
    "command/completed": "completed",
}
PROBLEMS = {"down", "failed", "restarting", "unconfigured"}


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """A machine with a job in every state; each is named after its own."""
    with booted(installed_machine("bookworm", "states")) as machine:
        _make_down(machine)
        _make_running(machine)
        _make_idle(machine)
        _make_failing(machine)
        _make_expired(machine)
        machine.run(
            *("sjactl", "create", "command", "completed", "--set", "restart=on-failure"),
            *("--", "true"),
        )
        _make_under_way(machine)
        for job, state in EXPECTED.items():
            wait_state(machine, job, state)
        yield machine


def _make_down(machine: Machine) -> None:
    """Somebody has switched the recovery off, and the machine was booted."""
    machine.run("sjactl", "start", write_idle(machine, "down"))
    machine.run("systemctl", "disable", "sja-relaunch")
    machine.reboot()
    machine.run("systemctl", "enable", "sja-relaunch")


def _make_running(machine: Machine) -> None:
    device = ModbusDevice(machine, 1502)
    device.start()
    text = IDLE.format(title="1号线 海天注塑机", extra="").replace("port = 1\n", "port = 1502\n")
    machine.write("/etc/sja-units/acquisition/running.toml", text)
    machine.run("sjactl", "start", "running")


def _make_idle(machine: Machine) -> None:
    for name in ("degraded", "stopped", "unconfigured"):
        machine.run("sjactl", "start", write_idle(machine, name))
    machine.run("sjactl", "stop", "stopped")
    machine.run("rm", "/etc/sja-units/acquisition/unconfigured.toml")


def _make_failing(machine: Machine) -> None:
    write_idle(machine, "failed", extra="intervall = 1")
    write_idle(machine, "restarting")
    folder = "/var/lib/private/sja-units/acquisition/restarting"
    machine.sh(f"mkdir -p -m 0700 /var/lib/private; mkdir -p {folder}; touch {folder}/spool")
    for name in ("failed", "restarting"):
        machine.run("systemctl", "start", unit_of(f"acquisition/{name}"), check=False)


def _make_expired(machine: Machine) -> None:
    argv = ["/src/tests/peers/site.py", "--session-life", "60", "--store", "/root/site.json"]
    spawn_peer(machine, "site", 8002, *argv)
    machine.write("/root/jar.txt", "JSESSIONID=0123456789abcdef\n")
    words = ["--url", "http://127.0.0.1:8002/api/user/current", "--interval", "1s"]
    words += ["--cookies", "/root/jar.txt", "--no-start"]
    machine.run("sjactl", "create", "keepalive", "expired", *words)
    machine.run("systemctl", "start", unit_of("keepalive/expired"), check=False)


def _make_under_way(machine: Machine) -> None:
    """An admin has put something that takes its time before a start, and before an end."""
    for name, when in [("starting", "ExecStartPre"), ("stopping", "ExecStop")]:
        unit = unit_of(write_idle(machine, name))
        drop_in = f"[Service]\nTimeoutStopSec=infinity\n{when}=/usr/bin/sleep infinity\n"
        machine.write(f"/etc/systemd/system/{unit}.d/wait.conf", drop_in)
    machine.run("systemctl", "daemon-reload")
    machine.run("sjactl", "start", "stopping")
    for name, verb in [("starting", "start"), ("stopping", "stop")]:
        machine.run("systemctl", verb, "--no-block", unit_of(f"acquisition/{name}"))


def _show(machine: Machine, job: str) -> dict[str, str]:
    return machine.show(unit_of(job), "ActiveState", "MainPID", "NRestarts", "InvocationID")


def _list(machine: Machine) -> dict[str, dict[str, Any]]:
    listed = json.loads(machine.run("sjactl", "list", "--json").stdout)
    return {entry["job"]: entry for entry in listed}


def test_list_and_status_say_what_systemd_says(machine: Machine) -> None:
    listed = _list(machine)
    assert {job: entry["state"] for job, entry in listed.items()} == EXPECTED
    for job, state in EXPECTED.items():
        said = _show(machine, job)
        shown = view(machine, job)
        assert said["ActiveState"] == ACTIVE.get(state, "inactive"), job
        assert shown["state"] == state
        assert shown["wanted"] == (state not in ("stopped", "stopping", "completed"))
        if state in ("running", "degraded", "stopping", "unconfigured"):
            assert shown["pid"] == int(said["MainPID"])
        if state in ("running", "degraded"):
            assert listed[job]["pid"] == int(said["MainPID"])
        if state != "restarting":  # it may have been tried once more meanwhile
            assert shown["restarts"] == int(said["NRestarts"])


def test_status_ends_with_what_scripts_rely_on(machine: Machine) -> None:
    for job, state in EXPECTED.items():
        done = machine.run("sjactl", "status", job, check=False)
        assert done.returncode == (0 if state in ("running", "degraded") else 3), job
        assert state in done.stdout


def test_what_is_wrong_is_told_with_its_reason(machine: Machine) -> None:
    for job, state in EXPECTED.items():
        error = view(machine, job)["error"]
        if state in ("failed", "restarting"):
            assert error["message"]
            assert error["result"] == "exit-code"
        elif state in ("running", "degraded", "stopped", "completed"):
            assert error is None
    assert "intervall" in view(machine, "acquisition/failed")["error"]["message"]
    assert view(machine, "keepalive/expired")["error"]["exit_code"] == 77
    assert view(machine, "acquisition/failed")["error"]["exit_code"] == 78
    assert view(machine, "acquisition/restarting")["error"]["exit_code"] == 75


def test_why_names_the_state_and_a_remedy(machine: Machine) -> None:
    for job, state in EXPECTED.items():
        said = machine.run("sjactl", "why", job).stdout
        assert state in said
        if state in {*PROBLEMS, "stopped", "degraded"}:
            assert "sjactl " in said


def test_check_finds_each_problem_and_nothing_else(machine: Machine) -> None:
    done = machine.run("sjactl", "check", "--json", check=False)
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["ok"] is False
    wrong = {job for job, state in EXPECTED.items() if state in PROBLEMS}
    assert {problem["job"] for problem in found["problems"]} == wrong


def test_metrics_say_the_same(machine: Machine) -> None:
    found = read(machine.run("sjactl", "metrics").stdout)
    for job, state in EXPECTED.items():
        kind, name = job.split("/")
        labels = {"kind": kind, "name": name}
        now = {each: get(found, "sja_job_state", **labels, sja_job_state=each) for each in STATES}
        assert now == {each: int(each == state) for each in STATES}
        if state in ("running", "degraded", "failed"):
            restarts = int(_show(machine, job)["NRestarts"])
            assert get(found, "sja_job_restarts_total", **labels) == restarts
    healthy = {"kind": "acquisition", "name": "running", "device": "press1"}
    healthy["sja_acquisition_device_state"] = "healthy"
    assert get(found, "sja_acquisition_device_state", **healthy) == 1


def test_a_state_can_be_asked_for(machine: Machine) -> None:
    for state in set(EXPECTED.values()):
        listed = json.loads(machine.run("sjactl", "list", "--state", state, "--json").stdout)
        assert {entry["job"] for entry in listed} == {j for j, s in EXPECTED.items() if s == state}
