"""Output that nobody reads, or that the terminal cannot show: orders and statuses stay the same."""

from tests.machines.machine import Machine
from tests.system.jobs import states, unit_of, view, wait_active, wait_state, write_idle

# Runs a program whose standard output has no reader any more.
UNREAD = """import os, subprocess, sys
ends = os.pipe()
os.close(ends[0])
sys.exit(subprocess.run(sys.argv[1:], stdout=ends[1]).returncode)
"""


def run_unread(machine: Machine, *words: str) -> int:
    done = machine.run("python3", "-c", UNREAD, "sjactl", *words, check=False)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    return done.returncode


def test_a_reader_that_has_gone_stops_no_order(machine: Machine) -> None:
    jobs = [write_idle(machine, name) for name in ("line1", "line2")]
    # The first one's start is an order of its own, as it waits for its next try.
    uptime = float(machine.read("/proc/uptime").split()[0])
    machine.write(f"/run/sja-units/backoff/{unit_of(jobs[0])}", f"14 {uptime + 3600:.0f}\n")
    machine.run("systemctl", "start", "--no-block", unit_of(jobs[0]))
    wait_state(machine, jobs[0], "restarting")
    assert run_unread(machine, "start", "--all") == 0
    for job in jobs:
        wait_active(machine, job)
        assert view(machine, job)["wanted"]
    assert run_unread(machine, "check") == 0
    assert run_unread(machine, "stop", "--all") == 0
    assert set(states(machine).values()) == {"stopped"}


def test_a_reader_that_has_gone_changes_no_exit_status(machine: Machine) -> None:
    job = write_idle(machine, "line1")
    # Of these the first, which has no file, is told of before any is started.
    for unit in (unit_of("acquisition/line0"), unit_of(job)):
        machine.run("touch", f"/var/lib/sja-units/wanted/{unit}")
    for words, status in ((["check"], 1), (["status", job], 3), (["relaunch"], 0)):
        assert run_unread(machine, *words) == status, words
    wait_active(machine, job)
    machine.sh("sjactl list >&-; sjactl status line1 2>&- >&-; sjactl list --json >&-")


def test_an_order_goes_on_where_its_output_cannot_be_written(machine: Machine) -> None:
    jobs = [write_idle(machine, f"line{n}") for n in range(4 * int(machine.run("nproc").stdout))]
    done = machine.sh("sjactl start --all >/dev/full", check=False)
    assert done.returncode != 0
    for job in jobs:
        wait_active(machine, job)
