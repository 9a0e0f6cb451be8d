"""A job that ends as soon as it starts: tried at once, then less and less often, for ever."""

import json
from itertools import pairwise

from tests.machines.machine import Machine
from tests.system.jobs import is_wanted, unit_of, view, wait_active, wait_state, write_idle

JOB = "acquisition/line1"
UNIT = unit_of(JOB)
DROP_IN = f"/etc/systemd/system/{UNIT}.d/broken.conf"
# systemd writes one entry under this id for each process of a unit that ends, sd-messages(3).
PROCESS_ENDED = "98e322203f7a4ed290d09fe03c09fe15"


def break_worker(machine: Machine) -> None:
    machine.write(DROP_IN, "[Service]\nExecStart=\nExecStart=/usr/bin/false\n")
    machine.run("systemctl", "daemon-reload")


def mend_worker(machine: Machine) -> None:
    machine.run("rm", DROP_IN)
    machine.run("systemctl", "daemon-reload")


def crashes(machine: Machine) -> list[float]:
    """Return when the worker ended, in seconds of the machine's uptime."""
    matches = [f"MESSAGE_ID={PROCESS_ENDED}", f"UNIT={UNIT}", "COMMAND=ExecStart"]
    said = machine.run("journalctl", "--quiet", "--output=json", *matches).stdout
    return [int(json.loads(row)["__MONOTONIC_TIMESTAMP"]) / 1e6 for row in said.splitlines()]


def wait_crashes(machine: Machine, count: int) -> list[float]:
    """Return when the worker ended, once it has done so that often."""
    machine.wait_for(lambda: len(crashes(machine)) >= count, 120, what=f"{count} crashes")
    return crashes(machine)


def test_a_crash_loop_backs_off_and_heals(machine: Machine) -> None:
    machine.sh("useradd -G sja oper")
    write_idle(machine, "line1")
    machine.run("sjactl", "start", JOB)
    break_worker(machine)
    machine.run("kill", "-KILL", str(view(machine, JOB)["pid"]))
    # The first end is the kill.
    times = wait_crashes(machine, 7)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    # A busy machine adds to each: only gaps far beyond what was ordered would be wrong.
    assert gaps[0] < 1 + 30, gaps
    assert max(gaps) < 10 + 30, gaps
    # The pauses alone are 15 s: it is no hot loop.
    assert times[-1] - times[0] > 10, gaps
    shown = wait_state(machine, JOB, "restarting")
    assert shown["restarts"] >= 6
    assert (shown["error"]["result"], shown["error"]["exit_code"]) == ("exit-code", 1)

    def operator_sees_it() -> bool:
        done = machine.run("sjactl", "status", "--json", JOB, user="oper", check=False)
        # The next failure may come between the two looks.
        return bool(json.loads(done.stdout)["error"] == view(machine, JOB)["error"])

    machine.wait_for(operator_sees_it, what="an operator to see the same error")
    mend_worker(machine)
    wait_active(machine, JOB)
    assert view(machine, JOB)["restarts"] >= shown["restarts"]
    assert is_wanted(machine, JOB)


def test_a_start_of_a_waiting_job_is_done_at_once(machine: Machine) -> None:
    write_idle(machine, "line1")
    # As after many crashes, but with a pause that no slow machine can be mistaken for.
    uptime = float(machine.read("/proc/uptime").split()[0])
    machine.write(f"/run/sja-units/backoff/{UNIT}", f"14 {uptime + 3600:.0f}\n")
    machine.run("systemctl", "start", "--no-block", UNIT)
    wait_state(machine, JOB, "restarting")
    assert machine.run("sjactl", "start", JOB).stdout == f"{JOB}\n"
    wait_active(machine, JOB)
    assert view(machine, JOB)["restarts"] == 0
    wait_active(machine, JOB)


def test_a_suspend_makes_no_run_a_long_one(machine: Machine) -> None:
    write_idle(machine, "line1")
    # As on a machine that slept for a day, which the monotonic clock does not count.
    since = float(machine.read("/proc/uptime").split()[0])
    machine.write("/root/uptime", f"{since + 86400:.2f} 0.00\n")
    machine.sh("mount --bind /root/uptime /proc/uptime")
    machine.run("sjactl", "start", JOB)
    for count in (1, 2, 3):
        pid = str(wait_active(machine, JOB)["pid"])
        machine.run("kill", "-KILL", pid)

        def counted(count: int = count) -> bool:
            record = machine.sh(f"cat /run/sja-units/backoff/{UNIT} || true").stdout
            return record.startswith(f"{count} ")

        machine.wait_for(counted, what=f"failure {count} to be counted")


def test_a_minute_of_being_well_begins_a_new_count(machine: Machine) -> None:
    write_idle(machine, "line1")
    machine.write(f"/run/sja-units/backoff/{UNIT}", "7 0\n")
    machine.run("sjactl", "start", JOB)
    pid = str(wait_active(machine, JOB)["pid"])
    machine.sh("sleep 61")
    machine.run("kill", "-KILL", pid)
    backoff = f"/run/sja-units/backoff/{UNIT}"
    machine.wait_for(lambda: machine.read(backoff).startswith("1 "), what="a new count")
