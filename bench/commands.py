"""What a small program costs beside itself, under each manager: memory, and CPU while it rests."""

import time
from collections.abc import Iterator

from bench.bed import Bed
from bench.managers import MANAGERS
from bench.table import Row

_COPIES = 20


def measure(bed: Bed) -> Iterator[Row]:
    """Yield the rows of each manager, with 20 sleeps."""
    copies = 5 if bed.is_short else _COPIES
    programs = {f"p{n}": "/usr/bin/sleep infinity" for n in range(copies)}
    bare = 0.0
    for name, run in MANAGERS.items():
        bed.stop("bare.service")
        units = run(bed, programs)
        bed.wait_for(lambda: _count_sleeps(bed) >= copies, f"the programs of {name}")
        time.sleep(5)
        before, began = bed.figures(*units), time.monotonic()
        time.sleep(10 if bed.is_short else 60)
        after, took = bed.figures(*units), time.monotonic() - began
        if not bare:
            bare = _measure_bare(bed)
        memory = sum(each.pss for each in after.values()) / copies - bare
        cpu = sum(after[u].cpu - before[u].cpu for u in units) / took * 60_000 / copies
        bed.stop(*units)
        bed.sh("systemctl reset-failed")
        is_ours = name == "ours"
        what = f"memory beside each program, {name}"
        yield Row(what, f"{memory:.2f} MiB", round(memory, 1), "MiB", 0 if is_ours else None)
        what = f"CPU of each program at rest, {name}"
        yield Row(what, f"{cpu:.1f} ms/min", round(cpu, 1), "ms/min", 0 if is_ours else None)


def _count_sleeps(bed: Bed) -> int:
    return int(bed.sh("pgrep -c -x sleep || true"))


def _measure_bare(bed: Bed) -> float:
    """Return the PSS of one more sleep, while all the others run."""
    bed.spawn("bare", "/usr/bin/sleep", "infinity")
    return bed.figures("bare.service")["bare.service"].pss
