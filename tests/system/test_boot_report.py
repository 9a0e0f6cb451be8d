"""After a boot: what came back, what did not and why; and nobody is kept out meanwhile."""

import json

from tests.machines.machine import Machine
from tests.system.jobs import (
    states,
    unit_of,
    view,
    wait_active,
    wait_relaunched,
    wait_state,
    write_idle,
)

NOT_RECOVERED = "139ecc97c84e4c8ca79888fa9bb2dfeb"
RELAUNCHED = "10abe54616684dacaaba8324fdd4f33d"
WORDS = "failed to recover after restart"
GOOD, BAD, SLOW = "acquisition/good", "acquisition/bad", "acquisition/slow"


def read_entries(machine: Machine, number: str) -> list[dict[str, str]]:
    """Return this boot's entries of that kind."""
    machine.run("journalctl", "--sync")
    said = machine.run("journalctl", "--boot", "--output=json", f"MESSAGE_ID={number}").stdout
    return [json.loads(line) for line in said.splitlines()]


def count_starts(machine: Machine, job: str) -> int:
    said = machine.run("journalctl", "--boot", "--quiet", "--unit", unit_of(job)).stdout
    return said.count(": Starting ")


def is_reached(machine: Machine, target: str) -> bool:
    return machine.run("systemctl", "is-active", target, check=False).returncode == 0


def test_the_boot_report(machine: Machine) -> None:
    for job in (GOOD, BAD, SLOW):
        write_idle(machine, job.partition("/")[2])
        machine.run("systemctl", "start", unit_of(job))
    machine.write("/etc/sja-units/acquisition/bad.toml", "interval = 5\n")
    drop_in = f"/etc/systemd/system/{unit_of(SLOW)}.d/slow.conf"
    machine.write(drop_in, "[Service]\nExecStartPre=/usr/bin/sleep 100000\nTimeoutStartSec=inf\n")
    machine.cut()
    machine.boot(wait=False)
    machine.wait_for(lambda: is_reached(machine, "multi-user.target"), what="people to be let in")
    # Nobody has waited for it; but who waits for the whole boot does.
    assert view(machine, SLOW)["state"] == "starting"
    assert machine.run("systemctl", "is-system-running", check=False).stdout == "starting\n"
    wait_active(machine, GOOD)
    failed = wait_state(machine, BAD, "failed")
    assert failed["wanted"]
    assert failed["error"]["exit_code"] == 78
    assert failed["error"]["message"].startswith(WORDS)
    assert "interval" in failed["error"]["message"]
    listed = json.loads(machine.run("sjactl", "list", "--json", "bad").stdout)
    assert (listed[0]["status"], listed[0]["error"]) == (failed["status"], failed["error"])

    # It is told at once, although another job is still on its way.
    def told() -> list[dict[str, str]]:
        return read_entries(machine, NOT_RECOVERED)

    (entry,) = machine.wait_for(told, what="the journal to say so")
    assert (entry["SJA_JOB"], entry["MESSAGE"]) == (BAD, failed["error"]["message"])
    explained = machine.run("journalctl", "-x", "--boot", f"MESSAGE_ID={NOT_RECOVERED}").stdout
    assert f"sjactl why {BAD}" in explained
    wait_state(machine, SLOW, "starting")
    # While it lasts nothing is down, and nobody repairs it.
    machine.run("sjactl", "check", "--repair", check=False)
    assert states(machine)[SLOW] == "starting"
    machine.run("sjactl", "stop", SLOW)
    wait_relaunched(machine)
    (entry,) = read_entries(machine, RELAUNCHED)
    assert "1 started" in entry["MESSAGE"]
    assert count_starts(machine, BAD) == 1

    # The reason outlives the next boot, with or without another try.
    machine.run("systemctl", "disable", "sja-relaunch")
    machine.reboot()
    down = view(machine, BAD)
    assert (down["state"], down["error"]) == ("down", failed["error"])
    report = json.loads(machine.run("sjactl", "relaunch", "--json").stdout)
    outcomes = {attempt["job"]: attempt for attempt in report["jobs"]}
    assert outcomes[GOOD]["outcome"] == "started"
    assert outcomes[GOOD]["seconds"] > 0
    assert outcomes[BAD]["outcome"] == "failed"
    assert outcomes[BAD]["reason"] == view(machine, BAD)["error"]["message"]
    assert SLOW not in outcomes
    assert report["counts"] == {"started": 1, "failed": 1}
    # A person's own start failed for itself.
    machine.run("sjactl", "start", "bad", check=False)
    again = wait_state(machine, BAD, "failed")["error"]
    assert again["message"].startswith(failed["error"]["message"].removeprefix(f"{WORDS}: ")[:10])
    # A job that had come back, and fails for good later, did recover.
    machine.write("/etc/sja-units/acquisition/good.toml", "interval = 5\n")
    machine.run("kill", "-KILL", str(view(machine, GOOD)["pid"]))
    assert WORDS not in wait_state(machine, GOOD, "failed")["error"]["message"]


def test_starting_the_target_waits_for_no_job(machine: Machine) -> None:
    write_idle(machine, "good")
    machine.run("systemctl", "start", unit_of(GOOD))
    machine.run("systemctl", "stop", "sja-jobs.target")
    wait_state(machine, GOOD, "down")
    drop_in = f"/etc/systemd/system/{unit_of(GOOD)}.d/slow.conf"
    machine.write(drop_in, "[Service]\nExecStartPre=/usr/bin/sleep 100000\nTimeoutStartSec=inf\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", "sja-jobs.target")
    assert wait_state(machine, GOOD, "starting")["wanted"]
    machine.run("rm", drop_in)
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", unit_of(GOOD))
    wait_active(machine, GOOD)
