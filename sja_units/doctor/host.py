"""The host: its systemd, D-Bus, clock, journal, disk and control groups."""

import os
import re
import shutil
from collections.abc import Iterator

from sja_units.doctor.finding import OK, PROBLEM, WARNING, Finding, ask
from sja_units.errors import SjaError
from sja_units.job import STATE_ROOT
from sja_units.jobs.run_space import describe_full_run
from sja_units.systemd.client import Systemd

_OLDEST_SYSTEMD = 252
_FEW_BYTES, _TOO_FEW_BYTES = 1 << 30, 64 << 20
_SMALL_SHARE = 0.1  # of a disk: less than that and less than _FEW_BYTES is a warning
_FEW_FILES = 1000


def check_systemd() -> Iterator[Finding]:
    if not os.path.isdir("/run/systemd/system"):  # sd_booted(3)
        yield Finding(PROBLEM, "systemd is not the init system here", "boot with systemd")
        return
    match = re.match(r"systemd (\d+)", ask("systemctl", "--version").stdout)
    version = int(match[1]) if match else 0
    if version < _OLDEST_SYSTEMD:
        words = f"version {version or 'unknown'}, {_OLDEST_SYSTEMD} is needed"
        yield Finding(PROBLEM, words, "use Debian 12 or newer")
    else:
        yield Finding(OK, f"version {version}, and it is the init system")


def check_dbus() -> Iterator[Finding]:
    try:
        with Systemd() as systemd:
            systemd.list_units(["sja-jobs.target"])
    except SjaError as error:
        yield Finding(PROBLEM, error.message, "systemctl start dbus.socket dbus.service")
    else:
        yield Finding(OK, "systemd answers on D-Bus")


def check_clock() -> Iterator[Finding]:
    if ask("systemd-detect-virt", "--container", "--quiet").returncode == 0:
        yield Finding(OK, "a container has the clock of its host")
    elif os.path.exists("/run/systemd/timesync/synchronized"):
        yield Finding(OK, "set by systemd-timesyncd")
    elif (said := ask("timedatectl", "show", "-p", "NTPSynchronized", "--value")).returncode:
        raise SjaError(f"timedatectl: {said.stderr.strip()}")
    elif said.stdout.strip() == "yes":
        yield Finding(OK, "set from the network")
    else:
        yield Finding(
            WARNING,
            "the clock is not set from the network: values may have wrong times",
            "apt install systemd-timesyncd, or look why it reaches no server: timedatectl status",
        )


def check_journal() -> Iterator[Finding]:
    with open("/etc/machine-id", encoding="ascii") as file:
        machine = file.read().strip()
    if os.path.exists(f"/var/log/journal/{machine}/system.journal"):
        yield Finding(OK, "it is kept on the disk")
        return
    yield Finding(
        WARNING,
        "it is lost at a reboot, with the jobs' history",
        "mkdir -p /var/log/journal && systemctl restart systemd-journald",
    )


def check_disk() -> Iterator[Finding]:
    use, files = shutil.disk_usage(STATE_ROOT), os.statvfs(STATE_ROOT)
    free = f"{use.free / 2**20:,.0f} MiB free for {STATE_ROOT}"
    advice = f"du -sh {STATE_ROOT}/*/* shows what takes room; jobs cannot keep what they read"
    if use.free < _TOO_FEW_BYTES:
        yield Finding(PROBLEM, f"only {free}", advice)
    elif use.free < min(_FEW_BYTES, use.total * _SMALL_SHARE):
        yield Finding(WARNING, f"only {free}", advice)
    elif files.f_files and files.f_favail < _FEW_FILES:  # some file systems do not count them
        words = f"only {files.f_favail} more files can be made in {STATE_ROOT}"
        yield Finding(PROBLEM, words, "find what makes so many files: du --inodes")
    else:
        yield Finding(OK, free)


def check_run() -> Iterator[Finding]:
    if words := describe_full_run():
        yield Finding(PROBLEM, words, "du -sh /run/* /run/sja-units/*/* shows what takes room")
    else:
        yield Finding(OK, "/run has room for what jobs report")


def check_limits() -> Iterator[Finding]:
    try:
        with open("/sys/fs/cgroup/cgroup.controllers", encoding="ascii") as file:
            there = file.read().split()
    except FileNotFoundError:
        words = "cgroup v1: limits and figures of jobs may be missing"
        yield Finding(WARNING, words, "boot without systemd.unified_cgroup_hierarchy=0")
        return
    missing = [name for name in ("memory", "pids") if name not in there]
    if missing:
        yield Finding(
            WARNING,
            f"the kernel does not count {' and '.join(missing)}: a job's limits do not hold",
            "boot with cgroup_enable=memory; inside a container that is its host's business",
        )
    else:
        yield Finding(OK, "memory and processes of jobs are counted and limited")
