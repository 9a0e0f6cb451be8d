"""Expected against actual: what is down is mended, and what is wrong is told, once."""

import json
from collections.abc import Iterator

import pytest

from tests.machines.machine import Machine
from tests.system.jobs import is_wanted, states, unit_of, view, wait_active, wait_state, write_idle

JOB = "acquisition/line1"
UNIT = unit_of(JOB)
FOUND = "4a03b7daa124495bae9433a400ecc92f"
REPAIRED = "b0e75ed3b06f404c8ed5454f0e0594a1"
STRAY = "56074f823d1a4961899cf7771706f45f"


@pytest.fixture
def job(shared_machine: Machine) -> Iterator[str]:
    write_idle(shared_machine, "line1")
    shared_machine.run("sjactl", "start", JOB)
    wait_active(shared_machine, JOB)
    yield JOB
    shared_machine.run("sjactl", "remove", JOB)
    shared_machine.run("rm", "-rf", f"/etc/systemd/system/{UNIT}.d")
    shared_machine.run("systemctl", "daemon-reload")


def check(machine: Machine, *words: str) -> tuple[int, dict[str, list[dict[str, str]]]]:
    done = machine.run("sjactl", "check", "--json", *words, check=False)
    return done.returncode, json.loads(done.stdout)


def entries(machine: Machine, number: str) -> list[dict[str, str]]:
    """Return the journal's entries of that kind."""
    machine.run("journalctl", "--sync")
    said = machine.run("journalctl", "--output=json", f"MESSAGE_ID={number}").stdout
    return [json.loads(line) for line in said.splitlines()]


def bring_down(machine: Machine) -> None:
    """Let the job end with 78, and systemd forget that it failed: it is wanted, yet inactive."""
    drop_in = f"/etc/systemd/system/{UNIT}.d/end.conf"
    machine.write(drop_in, "[Service]\nExecStart=\nExecStart=/bin/sh -c 'exit 78'\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("kill", "-KILL", str(view(machine, JOB)["pid"]))
    wait_state(machine, JOB, "failed")
    machine.run("rm", drop_in)
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "reset-failed", UNIT)
    assert view(machine, JOB)["state"] == "down"


def test_the_timer_is_on_and_a_finding_makes_no_failed_unit(
    shared_machine: Machine, job: str
) -> None:
    machine = shared_machine
    assert machine.run("systemctl", "is-active", "sja-check.timer").stdout == "active\n"
    assert machine.run("systemctl", "is-enabled", "sja-check.timer").stdout == "enabled\n"
    machine.write("/etc/sja-units/acquisition/line2.toml", "interval = 5\n")
    machine.run("sjactl", "start", "line2", check=False)
    wait_state(machine, "acquisition/line2", "failed")
    for _ in range(2):
        machine.run("systemctl", "start", "sja-check.service")
    assert machine.show("sja-check.service", "Result") == {"Result": "success"}
    told = [entry for entry in entries(machine, FOUND) if entry["SJA_JOB"] == "acquisition/line2"]
    assert [entry["OBJECT_SYSTEMD_UNIT"] for entry in told] == [unit_of("acquisition/line2")]
    assert "interval" in told[0]["MESSAGE"]
    # It is news again once it had gone.
    machine.run("sjactl", "stop", "line2")
    machine.run("systemctl", "start", "sja-check.service")
    machine.run("sjactl", "start", "line2", check=False)
    machine.run("systemctl", "start", "sja-check.service")
    told = [entry for entry in entries(machine, FOUND) if entry["SJA_JOB"] == "acquisition/line2"]
    assert len(told) == 2
    machine.run("sjactl", "remove", "line2")
    status, found = check(machine)
    assert (status, found["problems"], found["repaired"]) == (0, [], [])
    # Nobody answers where its device should be.
    assert ["degraded" in warning["message"] for warning in found["warnings"]] == [True]


def test_what_is_down_is_started_and_nothing_else(shared_machine: Machine, job: str) -> None:
    machine = shared_machine
    write_idle(machine, "line2")
    machine.run("sjactl", "start", "line2")
    pid = wait_active(machine, "acquisition/line2")["pid"]
    bring_down(machine)
    status, found = check(machine)
    assert status == 1
    assert [problem["job"] for problem in found["problems"]] == [JOB]
    assert view(machine, JOB)["state"] == "down"
    machine.run("systemctl", "start", "sja-check.service")
    wait_active(machine, JOB)
    assert is_wanted(machine, JOB)
    mended = entries(machine, REPAIRED)
    assert [entry["SJA_JOB"] for entry in mended] == [JOB]
    assert view(machine, "acquisition/line2")["pid"] == pid
    bring_down(machine)
    status, found = check(machine, "--repair")
    assert (status, found["problems"]) == (0, [])
    assert JOB in str(found["repaired"])
    machine.run("sjactl", "remove", "line2")


def test_maintenance_and_the_switch_are_respected(shared_machine: Machine, job: str) -> None:
    machine = shared_machine
    machine.run("systemctl", "stop", "sja-jobs.target")
    wait_state(machine, JOB, "down")
    status, found = check(machine, "--repair")
    assert (status, found["problems"], found["repaired"]) == (0, [], [])
    assert [warning["job"] for warning in found["warnings"]] == [JOB]
    assert states(machine)[JOB] == "down"
    machine.run("systemctl", "disable", "sja-relaunch")
    machine.run("systemctl", "start", "sja-jobs.target")
    status, found = check(machine, "--repair")
    assert (status, found["repaired"]) == (1, [])
    assert states(machine)[JOB] == "down"
    machine.run("systemctl", "enable", "sja-relaunch")
    assert JOB in str(check(machine, "--repair")[1]["repaired"])


def await_other_process(machine: Machine, pid: int) -> None:
    machine.wait_for(lambda: view(machine, JOB)["pid"] not in (None, pid), what="the next run")


def test_a_job_that_flaps(shared_machine: Machine, job: str) -> None:
    machine = shared_machine
    # It is active each time, and crashes; the pauses between the tries are left out.
    for _ in range(5):
        before = wait_active(machine, JOB)
        machine.run("rm", "-f", f"/run/sja-units/backoff/{UNIT}")
        machine.run("kill", "-KILL", str(before["pid"]))
        await_other_process(machine, before["pid"])
    wait_active(machine, JOB)
    status, found = check(machine, "--repair")
    assert status == 1
    (problem,) = found["problems"]
    assert problem["job"] == JOB
    assert "flaps" in problem["message"]
    assert found["repaired"] == []
    # Whoever gives an order has seen it: it counts anew.
    machine.run("sjactl", "restart", JOB)
    wait_active(machine, JOB)
    assert check(machine)[0] == 0


def test_a_frozen_worker_is_not_believed(shared_machine: Machine, job: str) -> None:
    machine = shared_machine
    # No watchdog that would end it: only what it says of itself can tell.
    drop_in = f"/etc/systemd/system/{UNIT}.d/no-watchdog.conf"
    machine.write(drop_in, "[Service]\nWatchdogSec=0\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("sjactl", "restart", JOB)
    pid = str(wait_active(machine, JOB)["pid"])
    assert check(machine)[0] == 0
    machine.run("kill", "-STOP", pid)
    machine.wait_for(
        lambda: view(machine, JOB)["status"] == "not reporting", 90, what="it not to be believed"
    )
    assert states(machine)[JOB] == "degraded"
    status, found = check(machine)
    assert status == 1
    assert "does not report" in found["problems"][0]["message"]
    machine.run("kill", "-CONT", pid)
    machine.wait_for(lambda: check(machine)[0] == 0, what="it to be believed again")


def test_strays(shared_machine: Machine, job: str) -> None:
    machine = shared_machine
    machine.write("/srv/sjtu_sports.py", "import time\ntime.sleep(3600)\n")
    # Anybody may call a process so that its words would play with a terminal, or forge a line.
    word = "monitor\x1b[2J\x9b31m\nsja-check: all is well"
    script = ["/usr/bin/python3", "/srv/sjtu_sports.py", "job", word, "--job-id", "7"]
    machine.spawn("older", *script, "--config", '{"password": "hunter2"}')
    idle = ["/usr/bin/python3", "-c", "import time; time.sleep(3600)"]
    machine.spawn("innocent", *idle, "run_schedule_job.py")
    # A worker outside its unit ends at once without its folders: given them, it stays.
    folders = {f"{name}_DIRECTORY": "/root/stray" for name in ("STATE", "RUNTIME", "CREDENTIALS")}
    machine.run("mkdir", "-p", "/root/stray")
    machine.run("cp", "/etc/sja-units/acquisition/line1.toml", "/root/stray/config")
    worker = ["/opt/sja-units/bin/python", "-I", "-m", "sja_units.worker"]
    machine.spawn("twin", *worker, "acquisition", "line1", env=folders)

    def found_both() -> dict[str, list[dict[str, str]]] | None:
        _, found = check(machine, "--repair")
        others = [warning for warning in found["warnings"] if warning["job"] is None]
        return found if found["problems"] and others else None

    found = machine.wait_for(found_both, what="both strays to be found")
    assert found
    (problem,) = found["problems"]
    (warning,) = [each for each in found["warnings"] if each["job"] is None]
    assert problem["job"] == JOB
    assert machine.show("twin", "MainPID")["MainPID"] in problem["message"]
    assert "sjtu_sports.py job monitor" in warning["message"]
    assert "hunter2" not in warning["message"]
    (entry,) = entries(machine, STRAY)
    assert str(entry["MESSAGE"]).isprintable()
    machine.run("systemctl", "stop", "twin", "older", "innocent")
    assert check(machine)[0] == 0


def test_a_full_run_is_named_first(machine: Machine) -> None:
    job = write_idle(machine, "line1")
    machine.run("systemctl", "start", unit_of(job))
    wait_active(machine, job)
    machine.run("mount", "-o", "remount,size=32m", "/run")
    script = 'dd if=/dev/zero of="$RUNTIME_DIRECTORY/big" bs=64k 2>/dev/null; exec sleep 600'
    machine.run("sjactl", "create", "command", "greedy", "--", "/bin/sh", "-c", script)

    def find_full() -> str:
        problems = check(machine)[1]["problems"]
        return problems[0]["message"] if problems and "is full" in problems[0]["message"] else ""

    assert "command/greedy" in machine.wait_for(find_full, what="/run to be full")
    doctor = machine.run("sjactl", "doctor", check=False).stdout
    assert "is full" in doctor
    machine.run("sjactl", "remove", "command/greedy")
    machine.wait_for(lambda: check(machine)[0] == 0, what="all to be well again")
