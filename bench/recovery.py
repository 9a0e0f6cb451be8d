"""How soon a job works again, as one table on stdout. `python -m bench.recovery SUPERVISOR`.

Working again is the first visit to the site, the same for all; each job is hurt once, so that no
back-off counts.
"""

import json
import statistics
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench.figures import Row
from bench.run import show
from bench.site import SITE
from tests.machines.images import installation
from tests.machines.machine import Machine
from tests.machines.trees import tree

_KILLED, _HUNG = 9, 3
# A worker asks for more where its own work may take longer: its time-out and 5 s.
_WATCHDOG = 10
_PATIENCE = 60.0
_FILE = """url = "http://127.0.0.1:8001/{0}"
interval = "12h"
timeout = "3s"
[service]
WatchdogSec = "{1}"
"""
_SUPERVISORD = """[supervisord]
logfile=/run/supervisord.log
pidfile=/run/supervisord.pid
"""
_PROGRAM = """[program:{0}]
command=/opt/sja-units/bin/python -I -m sja_units.worker keepalive {0}
environment=STATE_DIRECTORY=/run/{0},RUNTIME_DIRECTORY=/run/{0}
autorestart=true
"""
# Sends a signal, and prints when.
_HURT = """
import os, sys, time
pid, signal = map(int, sys.argv[1:])
print(time.time())
os.kill(pid, signal)
"""
_KILL, _STOP = "9", "19"


def main(supervisor: str) -> None:
    """Print the table; SUPERVISOR is a folder with the package of this name."""
    show([Row("what", "figure", "ratio", "target")])
    layers = [installation("bookworm") / "upper", tree("bookworm")]
    binds = {"/supervisor": Path(supervisor)}
    with Machine(layers, name="recovery", binds=binds) as machine:
        machine.boot()
        machine.spawn("site", "python3", "-c", SITE, "8001", "/run/visits")
        machine.wait_for(lambda: machine.exists("/run/visits"), what="the site")
        ours = list(_hurt_ours(machine, [f"killed{n}" for n in range(_KILLED)], _KILL))
        theirs = list(_hurt_theirs(machine, [f"theirs{n}" for n in range(_KILLED)]))
        hung = list(_hurt_ours(machine, [f"hung{n}" for n in range(_HUNG)], _STOP))
    mine, other = statistics.median(ours), statistics.median(theirs)
    ratio = f"{mine / other:.2f} of supervisord"
    show(
        [
            Row("kill -9 to working again", f"{mine * 1000:.0f} ms", ratio, "<= 0.20"),
            Row("kill -9 to working again, supervisord", f"{other * 1000:.0f} ms"),
            Row(
                f"hang to working again, WatchdogSec={_WATCHDOG}",
                f"{max(hung):.2f} s at most",
                f"{max(hung) / _WATCHDOG:.2f} x the watchdog's time",
                "<= 2",
            ),
        ]
    )


def _hurt_ours(machine: Machine, jobs: list[str], signal: str) -> Iterator[float]:
    for job in jobs:
        machine.write(f"/etc/sja-units/keepalive/{job}.toml", _FILE.format(job, _WATCHDOG))
    machine.run("sjactl", "apply")
    machine.run("sjactl", "start", *jobs)
    for job in jobs:
        pid = machine.show(f"sja-keepalive@{job}.service", "MainPID")["MainPID"]
        yield _hurt(machine, job, pid, signal)


def _hurt_theirs(machine: Machine, jobs: list[str]) -> Iterator[float]:
    for job in jobs:
        machine.write(f"/run/{job}/config", _FILE.format(job, _WATCHDOG))
    programs = "".join(map(_PROGRAM.format, jobs))
    machine.write("/run/supervisord.conf", _SUPERVISORD + programs)
    start = "import sys; from supervisor.supervisord import main; main(sys.argv[1:])"
    path = {"PYTHONPATH": "/supervisor"}
    words = ["python3", "-c", start, "--nodaemon", "--configuration=/run/supervisord.conf"]
    machine.spawn("supervisord", *words, env=path)
    for job in jobs:
        what = f"{job} to work"
        machine.wait_for(partial(_visits, machine, job), _PATIENCE, what=what)
        pid = json.loads(machine.read(f"/run/{job}/health.json"))["pid"]
        yield _hurt(machine, job, str(pid), _KILL)


def _hurt(machine: Machine, job: str, pid: str, signal: str) -> float:
    """Return after how many seconds the job worked again."""
    before = len(_visits(machine, job))
    began = float(machine.run("python3", "-c", _HURT, pid, signal).stdout)
    machine.wait_for(
        lambda: len(_visits(machine, job)) > before, _PATIENCE, what=f"{job} to work again"
    )
    return _visits(machine, job)[before] - began


def _visits(machine: Machine, job: str) -> list[float]:
    """Return when this job came to the site."""
    visits = map(str.split, machine.read("/run/visits").splitlines())
    return [float(at) for at, path in visits if path == f"/{job}"]


if __name__ == "__main__":
    main(sys.argv[1])
