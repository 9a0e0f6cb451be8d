"""What the door for applications costs, beside sjactl as a subprocess and raw D-Bus."""

import json
from collections.abc import Iterator

from bench.bed import PYTHON, Bed
from bench.table import Row
from tests.system.door import put, write_idle_template

_JOBS = 20


def measure(bed: Bed) -> Iterator[Row]:
    """Yield the rows of a listing, an order, a cold start and memory."""
    machine = bed.machine
    write_idle_template(machine, "bench")
    for number in range(_JOBS):
        job = f"acquisition/bench-{number}"
        assert put(machine, "root", job, "bench", start=number == 0).status == 201
    said = machine.run(PYTHON, "-I", "/src/bench/door_inside.py", timeout=300).stdout
    found: dict[str, float] = json.loads(said)
    ms = {name: f"{seconds * 1000:.1f} ms" for name, seconds in found.items()}
    of = "of sjactl's"
    what = f"list of {_JOBS} jobs by the door"
    yield Row(what, ms["list"], found["list"] / found["list_sjactl"], of, 0.05)
    yield Row("the same, sjactl list --json as a subprocess", ms["list_sjactl"])
    yield Row("the same, raw D-Bus: one listing by a new connection", ms["list_bus"])
    yield Row("one job with all about it by the door", ms["get"])
    yield Row("restart by the door", ms["order"], found["order"] / found["order_sjactl"], of, 1.0)
    yield Row("the same, sjactl restart as a subprocess", ms["order_sjactl"])
    yield Row("the same, raw D-Bus by a new connection", ms["order_bus"])
    cold = found["cold"] * 1000
    yield Row("the door's cold start to its first answer", ms["cold"], cold, "ms", 300)
    yield Row("PSS of the door's processes, none when idle", f"{found['pss'] / 2**20:.1f} MiB")
