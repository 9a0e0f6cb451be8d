"""The installed units: systemd has nothing to say against them, and the sandbox is tight."""

import re

import pytest

from tests.machines.machine import Machine
from tests.system.jobs import unit_of, wait_active, write_idle

CLEANUP = "sja-cleanup.service"
WORKERS = ("sja-keepalive@x.service", "sja-acquisition@x.service")
FOLDER = "/usr/local/lib/systemd/system"
COMMAND = "sja-command@x.service"
ORDERS = ("sja-relaunch.service", "sja-schedule@x.service")
# sja-check sees everybody's processes; what sja-alert runs is the administrator's, as root.
EXPOSURES = {
    **dict.fromkeys((*WORKERS, COMMAND, CLEANUP, *ORDERS), 1.1),
    "sja-check.service": 1.3,
    "sja-alert.service": 3.5,
}

both_suites = pytest.mark.parametrize("suite", ["bookworm", "trixie"])


@both_suites
def test_verify_prints_nothing(machine: Machine) -> None:
    files = machine.run("ls", FOLDER).stdout.split()
    units = [name.replace("@.", "@x.") for name in files]
    assert {
        *WORKERS,
        *EXPOSURES,
        "sja-schedule@x.service",
        "sja-check.service",
        "sja-check.timer",
        "sja-cleanup.timer",
        "sja-relaunch.service",
        "sja-jobs.target",
        "sja.slice",
    } <= set(units)
    # Its exit status is 0 for a misspelt directive too: what it prints is what counts.
    done = machine.run("systemd-analyze", "verify", *[f"{FOLDER}/{unit}" for unit in units])
    assert (done.stdout, done.stderr) == ("", "")


@both_suites
@pytest.mark.parametrize("offline", ["yes", "no"])
def test_exposure_is_low(machine: Machine, offline: str) -> None:
    for unit, most in EXPOSURES.items():
        file = f"{FOLDER}/{unit}" if offline == "yes" else unit
        words = ["systemd-analyze", "--no-pager", "security", f"--offline={offline}", file]
        said = machine.run(*words).stdout
        found = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
        assert found, said
        assert float(found[1]) <= most, said


@both_suites
def test_the_catalogue_explains_our_entries(machine: Machine) -> None:
    machine.run("sjactl", "relaunch")
    number = "10abe54616684dacaaba8324fdd4f33d"
    machine.run("journalctl", "--sync")
    said = machine.run("journalctl", "-x", "--no-pager", f"MESSAGE_ID={number}").stdout
    assert "systemctl disable sja-relaunch" in said


@both_suites
def test_a_job_that_runs_leaves_no_mount_in_the_host_s_namespace(machine: Machine) -> None:
    """Each would be hidden anew by every further sandbox: the cost of a start would grow."""
    job = write_idle(machine, "line1")
    machine.run("systemctl", "start", unit_of(job))
    assert unit_of(job) not in machine.read("/proc/1/mountinfo")
    machine.run("systemctl", "restart", unit_of(job))
    wait_active(machine, job)
    assert unit_of(job) not in machine.read("/proc/1/mountinfo")


@both_suites
def test_files_from_systemd_s_hands_leave_no_mount_either(machine: Machine) -> None:
    machine.write("/root/ca.pem", "none\n")
    text = 'url = "https://127.0.0.1:1/"\nca_file = "/root/ca.pem"\n'
    machine.write("/etc/sja-units/keepalive/line1.toml", text, mode=0o640, group="sja")
    machine.run("sjactl", "apply", "keepalive/line1")
    unit = unit_of("keepalive/line1")
    machine.run("systemctl", "start", unit)
    pid = machine.show(unit, "MainPID")["MainPID"]
    assert "ca.pem" in machine.run("ls", f"/proc/{pid}/root/run/credentials/{unit}").stdout
    assert unit not in machine.read("/proc/1/mountinfo")
