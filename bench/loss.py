"""How many samples are lost while the database is away, with a kill -9 in it, by whom."""

import time
from collections.abc import Iterator

from bench.acquisition import COLLECTORS, Start, read_lines, serve
from bench.bed import Bed
from bench.table import Row

_DEVICES = 10
_BEFORE, _AWAY, _AFTER = 5, 20, 25


def measure(bed: Bed) -> Iterator[Row]:
    """Yield a row for each collector: all read ten devices each second."""
    serve(bed)
    for name, start in COLLECTORS.items():
        lost, expected = _count_lost(bed, start)
        target = 0.0 if name == "ours" else None
        what = f"samples lost, database away {_AWAY} s with a kill in it, {name}"
        yield Row(what, f"{lost} of {expected}", lost, "samples", target)


def _count_lost(bed: Bed, start: Start) -> tuple[int, int]:
    """Return how many seconds of devices have no sample, and how many there were.

    Each comes back by itself after the kill, and after what it does without its database.
    """
    unit = start(bed, _DEVICES)
    bed.wait_for(lambda: read_lines(bed), "values in the database", 60)
    read_lines(bed)
    time.sleep(_BEFORE)
    lines = read_lines(bed)
    bed.stop("database")
    time.sleep(_AWAY / 2)
    # Between two cycles: what is on the wire at that moment is nobody's.
    phase = lines[-1].time / 1e9
    time.sleep((phase + 0.5 - time.time()) % 1)
    bed.machine.run("systemctl", "kill", "--signal=KILL", "--kill-who=all", unit, check=False)
    time.sleep(_AWAY / 2)
    bed.spawn("database", "/usr/bin/python3", "-m", "bench.database", "8086")
    time.sleep(_AFTER)
    lines += read_lines(bed)
    bed.stop(unit)
    time.sleep(1)
    read_lines(bed)
    seconds = {(line.series, round(line.time / 1e9 - phase)) for line in lines}
    first = min(second for _, second in seconds)
    last = max(second for _, second in seconds)
    series = len({name for name, _ in seconds})
    expected = (last - first + 1) * series
    return expected - len(seconds), expected
