"""What very many jobs cost, as one table on stdout. `python -m bench.fleet [JOBS]`."""

import statistics
import sys
import time
from collections.abc import Callable

from bench.figures import Row
from bench.run import show
from bench.site import SITE
from tests.machines.images import installed_machine
from tests.machines.machine import Machine

_PATIENCE = 900.0
_UNITS = "sja-keepalive@*.service"
_SEVEN = "Id,ActiveState,SubState,MainPID,NRestarts,StatusText,ActiveEnterTimestamp"
_FILES = """
for i in $(seq "$1"); do
    printf 'url = "http://127.0.0.1:8001/"\\ninterval = "12h"\\n' >/etc/sja-units/keepalive/j$i.toml
    printf 'Wants=sja-keepalive@j%s.service\\n' "$i"
done >/run/wants
chown root:sja /etc/sja-units/keepalive/*; chmod 0640 /etc/sja-units/keepalive/*
{ echo '[Unit]'; cat /run/wants; } >/run/systemd/system/by-target.target
{ echo '[Unit]'; sed 's/sja-keepalive@j/sleep@/' /run/wants; } >/run/systemd/system/sleeps.target
printf '[Service]\\nExecStart=/usr/bin/sleep infinity\\n' >/run/systemd/system/sleep@.service
systemctl daemon-reload
"""


def main(jobs: int) -> None:
    """Print the table."""
    show([Row("what", "figure", "ratio", "target")])
    with installed_machine("bookworm", "fleet") as machine:
        machine.boot()
        machine.spawn("site", "python3", "-c", SITE, "8001")
        machine.run("sh", "-euc", _FILES, "sh", str(jobs))
        show(_measure_boot(machine, jobs))
        show(_measure_list(machine, jobs))
        machine.run("systemctl", "kill", "--signal=KILL", _UNITS, check=False)


def _measure_boot(machine: Machine, jobs: int) -> list[Row]:
    """Each start from nothing: the same jobs by one target, and by what runs at a boot."""
    sleeps = _time(machine, "systemctl", "start", "sleeps.target")
    _await(machine, jobs, "sleep@*.service")
    machine.run("systemctl", "stop", "sleep@*.service", timeout=_PATIENCE)
    began = time.monotonic()
    machine.run("systemctl", "start", "by-target.target", timeout=_PATIENCE)
    _await(machine, jobs, _UNITS)
    by_target = time.monotonic() - began
    _stop(machine)
    began = time.monotonic()
    machine.run("systemctl", "start", "--no-block", "sja-jobs.target")
    _await(machine, jobs, _UNITS)
    relaunched = time.monotonic() - began
    return [
        Row(f"{jobs} jobs ready, by one target", f"{by_target:.1f} s", "", ""),
        Row(
            f"{jobs} wanted jobs ready, as at a boot",
            f"{relaunched:.1f} s",
            f"{relaunched / by_target:.2f} of the same by one target",
            "1.10",
        ),
        Row(
            f"{jobs} jobs beside {jobs} sleeps",
            f"{by_target:.1f} s, {sleeps:.1f} s",
            f"{by_target / sleeps:.1f}",
            "15",
        ),
    ]


def _measure_list(machine: Machine, jobs: int) -> list[Row]:
    ours = _median(lambda: _time(machine, "sjactl", "list"))
    plain = _median(lambda: _time(machine, "systemctl", "show", f"--property={_SEVEN}", _UNITS))
    what = f"sjactl list of {jobs} jobs that run"
    figure = f"{ours * 1000:.0f} ms, {plain * 1000:.0f} ms"
    return [Row(what, figure, f"{ours / plain:.2f} of systemctl show", "0.20")]


def _stop(machine: Machine) -> None:
    """A maintenance stop: all stay wanted."""
    machine.run("systemctl", "start", "--job-mode=ignore-dependencies", "sja-jobs.target")
    machine.run("systemctl", "stop", "sja-jobs.target", timeout=_PATIENCE)
    _await(machine, 0, _UNITS)


def _await(machine: Machine, count: int, units: str) -> None:
    words = ["systemctl", "list-units", "--no-legend", "--plain", "--state=active", units]

    def are_there() -> bool:
        return len(machine.run(*words).stdout.splitlines()) == count

    machine.wait_for(are_there, _PATIENCE, what=f"{count} of {units}")


def _median(measure: Callable[[], float]) -> float:
    return statistics.median(measure() for _ in range(5))


def _time(machine: Machine, *words: str) -> float:
    began = time.monotonic()
    machine.run(*words, timeout=_PATIENCE)
    return time.monotonic() - began


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
