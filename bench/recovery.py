"""How soon a job works again after a kill or a hang; each is hurt once, so that no pause counts."""

import json
import statistics
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from bench.bed import Bed
from bench.managers import MANAGERS, Run, run_systemd
from bench.table import Row

# A worker asks for more where its own work may take longer: its time-out and 5 s.
_WATCHDOG = 10
_JOB = """url = "http://127.0.0.1:8001/{0}"
interval = "12h"
timeout = "3s"
[service]
WatchdogSec = "{1}"
"""
_WORKER = """#!/bin/sh
export STATE_DIRECTORY=/run/w/{0} RUNTIME_DIRECTORY=/run/w/{0}
exec /opt/sja-units/bin/python -I -m sja_units.worker keepalive {0}
"""
# Notes when it starts, and does nothing.
_PROGRAM = """#!/bin/sh
echo "$$ $(date +%s.%N)" >>"/run/started/$1"
exec sleep infinity
"""
_HURT = """
import os, sys, time
pid, signal = map(int, sys.argv[1:])
print(time.time())
os.kill(pid, signal)
"""
_KILL, _STOP = "9", "19"


class _Start(NamedTuple):
    pid: str
    at: float


def measure(bed: Bed) -> Iterator[Row]:
    """Yield the rows of programs under each manager, then those of our own workers."""
    yield from _measure_programs(bed)
    yield from _measure_workers(bed)


def _measure_programs(bed: Bed) -> Iterator[Row]:
    bed.machine.write("/usr/local/bin/note-start", _PROGRAM, mode=0o755)
    bed.sh("mkdir -m 1777 /run/started")
    runs: dict[str, Run] = {
        **MANAGERS,
        "systemd, RestartSec=0": lambda b, p: run_systemd(b, p, "RestartSec=0"),
    }
    found = {name: _kill_programs(bed, run) for name, run in runs.items()}
    theirs = found["supervisord"]
    for name, seconds in found.items():
        what = f"kill -9 of a program to running again, {name}"
        target = 0.10 if name == "ours" else None
        yield Row(what, f"{seconds * 1000:.0f} ms", seconds / theirs, "of supervisord", target)


def _kill_programs(bed: Bed, run: Run) -> float:
    """Return the median of the seconds until each has been started again."""
    bed.sh("rm -f /run/started/*")
    names = [f"r{n}" for n in range(3 if bed.is_short else 9)]
    units = run(bed, {name: f"/usr/local/bin/note-start {name}" for name in names})
    for name in names:
        bed.wait_for(partial(_read_starts, bed, name), f"{name} to start")
    bed.sh("sleep 2")  # supervisord, for one, wants a program to live for a second first
    took = [_hurt_program(bed, name) for name in names]
    bed.stop(*units)
    bed.sh("systemctl reset-failed")
    return statistics.median(took)


def _hurt_program(bed: Bed, name: str) -> float:
    runs = _read_starts(bed, name)
    began = float(bed.machine.run("python3", "-c", _HURT, runs[-1].pid, _KILL).stdout)
    bed.wait_for(lambda: len(_read_starts(bed, name)) > len(runs), f"{name} to be started again")
    return _read_starts(bed, name)[len(runs)].at - began


def _read_starts(bed: Bed, name: str) -> list[_Start]:
    lines = bed.sh(f"cat /run/started/{name} 2>/dev/null || true").splitlines()
    return [_Start(pid, float(at)) for pid, at in map(str.split, lines)]


def _measure_workers(bed: Bed) -> Iterator[Row]:
    """Working again is the next visit to the site."""
    bed.spawn("site", "/usr/bin/python3", "-m", "bench.site", "8001", "/run/visits")
    bed.wait_for(lambda: bed.machine.exists("/run/visits"), "the site")
    killed, hung = (2, 1) if bed.is_short else (9, 3)
    ours = list(_hurt_ours(bed, [f"killed{n}" for n in range(killed)], _KILL))
    theirs = list(_hurt_theirs(bed, [f"theirs{n}" for n in range(killed)]))
    waited = max(_hurt_ours(bed, [f"hung{n}" for n in range(hung)], _STOP))
    mine, other = statistics.median(ours), statistics.median(theirs)
    what = "kill -9 of a keep-alive worker to its next look"
    yield Row(what, f"{mine * 1000:.0f} ms", mine / other, "of supervisord", 0.10)
    yield Row("the same worker under supervisord", f"{other * 1000:.0f} ms")
    what = f"hang to working again, WatchdogSec={_WATCHDOG}, at most"
    yield Row(what, f"{waited:.2f} s", waited / _WATCHDOG, "x the watchdog's time", 2)


def _hurt_ours(bed: Bed, jobs: list[str], signal: str) -> Iterator[float]:
    for job in jobs:
        bed.write_job(f"keepalive/{job}", _JOB.format(job, _WATCHDOG))
    bed.machine.run("sjactl", "apply")
    bed.machine.run("sjactl", "start", *jobs)
    for job in jobs:
        pid = bed.machine.show(f"sja-keepalive@{job}.service", "MainPID")["MainPID"]
        yield _hurt_worker(bed, job, pid, signal)


def _hurt_theirs(bed: Bed, jobs: list[str]) -> Iterator[float]:
    for job in jobs:
        bed.machine.write(f"/run/w/{job}/config", _JOB.format(job, _WATCHDOG))
        bed.machine.write(f"/run/w/{job}/run", _WORKER.format(job), mode=0o755)
    MANAGERS["supervisord"](bed, {job: f"/run/w/{job}/run" for job in jobs})
    for job in jobs:
        bed.wait_for(partial(_read_visits, bed, job), f"{job} to work")
    for job in jobs:
        pid = json.loads(bed.machine.read(f"/run/w/{job}/health.json"))["pid"]
        yield _hurt_worker(bed, job, str(pid), _KILL)


def _hurt_worker(bed: Bed, job: str, pid: str, signal: str) -> float:
    """Return after how many seconds the job worked again."""
    before = len(_read_visits(bed, job))
    began = float(bed.machine.run("python3", "-c", _HURT, pid, signal).stdout)
    bed.wait_for(lambda: len(_read_visits(bed, job)) > before, f"{job} to work again")
    return _read_visits(bed, job)[before] - began


def _read_visits(bed: Bed, job: str) -> list[float]:
    """Return when this job came to the site."""
    visits = map(str.split, bed.machine.read("/run/visits").splitlines())
    return [float(at) for at, path in visits if path == f"/{job}"]
