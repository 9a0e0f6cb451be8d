"""What sjactl takes, with one job and with a thousand, with many that are wrong."""

import statistics
from collections.abc import Iterator

from bench.bed import OTHERS, Bed
from bench.managers import run_pm2, run_supervisord
from bench.table import Row

_UNITS = "sja-command@*.service"
_SEVEN = "Id,ActiveState,SubState,MainPID,NRestarts,StatusText,ActiveEnterTimestamp"
_SHOW = ("systemctl", "show", f"--property={_SEVEN}", _UNITS)
_GOOD = 'command = ["/usr/bin/sleep", "infinity"]\n'
_BAD = 'command = "no list"\n'
_WRITE = """
for i in $(seq "$1" "$2"); do
    printf '%s' "$3" >/etc/sja-units/command/j$i.toml
done
chown root:sja /etc/sja-units/command/*; chmod 0640 /etc/sja-units/command/*
"""
_ORDER = """for i in $(seq "$2" "$3"); do echo "sja-command@j$i.service"; done |
    xargs -n 50 systemctl "$1" || true"""


def measure(bed: Bed) -> Iterator[Row]:
    """Yield the rows of what is fixed, then those of one, 200 and 1,000 jobs."""
    ms = _take(bed, "sjactl", "--help")
    yield Row("sjactl --help", f"{ms:.0f} ms", ms, "ms", 50)
    ms = _take(bed, "sjactl", "list")
    yield Row("sjactl list of no job: the fixed start of a verb", f"{ms:.0f} ms", ms, "ms", 60)
    yield Row("systemctl list-units", f"{_take(bed, 'systemctl', 'list-units'):.0f} ms")
    yield from _measure_others(bed)
    few, many, wrong = (20, 50, 10) if bed.is_short else (200, 1000, 200)
    _start(bed, 1, 1)
    alone = _take_verbs(bed)
    for jobs, before, target in ((few, 1, 0.35), (many, few, 0.20)):
        _start(bed, before + 1, jobs)
        ours, theirs = _take(bed, "sjactl", "list"), _take(bed, *_SHOW)
        of = f"of systemctl show ({theirs:.0f} ms)"
        yield Row(f"sjactl list of {jobs} that run", f"{ours:.0f} ms", ours / theirs, of, target)
        if jobs == few:
            yield from _measure_wrong(bed, few, ours)
    _break(bed, many - wrong + 1, many)
    among = _take_verbs(bed)
    for verb, ms in among.items():
        what = f"sjactl {verb} of one, among {many}, {wrong} of them failed"
        yield Row(what, f"{ms:.0f} ms", ms / alone[verb], f"of alone ({alone[verb]:.0f} ms)", 1.2)


def _measure_others(bed: Bed) -> Iterator[Row]:
    """What others take to list ten programs."""
    programs = {f"p{n}": "/usr/bin/sleep infinity" for n in range(10)}
    units = run_supervisord(bed, programs) + run_pm2(bed, programs)
    bed.sh("sleep 5")
    ctl = "import sys; from supervisor.supervisorctl import main; main(sys.argv[1:])"
    words = ["env", *(f"{k}={v}" for k, v in OTHERS.items()), "HOME=/run/pm2", "PM2_HOME=/run/pm2"]
    asks = {
        "supervisorctl status": ["python3", "-c", ctl, "-c", "/run/supervisord.conf", "status"],
        "pm2 ls": ["node", "/node/node_modules/pm2/bin/pm2", "ls"],
    }
    for what, argv in asks.items():
        yield Row(f"{what} of 10", f"{_take(bed, *words, *argv):.0f} ms")
    bed.stop(*units)


def _measure_wrong(bed: Bed, jobs: int, before: float) -> Iterator[Row]:
    """As many again fail."""
    _break(bed, 5001, 5000 + jobs)
    ms = _take(bed, "sjactl", "list")
    what = f"sjactl list of {jobs} that run and {jobs} that failed"
    yield Row(what, f"{ms:.0f} ms", ms / before, f"of none failed ({before:.0f} ms)", 2)
    bed.sh('for i in $(seq 5001 "$1"); do echo j$i; done | xargs sjactl remove', str(5000 + jobs))


def _take_verbs(bed: Bed) -> dict[str, float]:
    """Return the ms of each verb about one job."""
    found: dict[str, list[float]] = {"status": [], "stop": [], "start": []}
    for _ in range(3 if bed.is_short else 7):
        for verb, times in found.items():
            times.append(bed.time("sjactl", verb, "j1") * 1000)
    return {verb: statistics.median(times) for verb, times in found.items()}


def _take(bed: Bed, *argv: str) -> float:
    """Return the median of ms that a command takes."""
    bed.time(*argv)
    return statistics.median(bed.time(*argv) for _ in range(3 if bed.is_short else 7)) * 1000


def _start(bed: Bed, first: int, last: int) -> None:
    bed.sh(_WRITE, str(first), str(last), _GOOD)
    bed.sh(_ORDER, "start", str(first), str(last))
    bed.wait_for(lambda: bed.count_active(_UNITS) >= last, f"{last} jobs to run")


def _break(bed: Bed, first: int, last: int) -> None:
    """Let these jobs have failed for good."""
    bed.sh(_WRITE, str(first), str(last), _BAD)
    bed.sh(_ORDER, "restart", str(first), str(last))
    failed = f"systemctl list-units --plain --no-legend --state=failed '{_UNITS}' | wc -l"
    bed.wait_for(lambda: int(bed.sh(failed)) >= last - first + 1, "jobs to fail")
