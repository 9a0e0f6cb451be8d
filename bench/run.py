"""All measurements of acquisition, as one table on stdout. `python -m bench.run SCRATCH`."""

import sys
from pathlib import Path

from bench.figures import (
    Row,
    measure_catch_up,
    measure_cpu,
    measure_grid,
    measure_requests,
    measure_start_and_memory,
)
from bench.processes import Database, Device

_NOTES = """
[1] 1/600 of the older system's 2,007 ms. That was taken on another machine, for it does not run
    here: so this one target is no ratio of this run, and moves with the speed of the machine.
[2] Our side alone: the database here takes everything at once. InfluxDB 1.6 was measured at
    400,000 points/s, which is then what limits."""


def main(scratch: Path) -> None:
    """Print the table; SCRATCH holds libmodbus, and whatever the measurements write."""
    (library,) = map(str, scratch.glob("usr/lib/*/libmodbus.so.5"))
    show([Row("what", "figure", "ratio", "target")])
    show(measure_requests(library))
    with Device(library) as device:
        show(measure_cpu(scratch, device))
        with Database() as database:
            show(measure_start_and_memory(scratch, device, database))
        show(measure_grid(scratch, device))
        show(measure_catch_up(scratch, device))
    print(_NOTES)


def show(rows: list[Row]) -> None:
    for what, figure, ratio, target in rows:
        print(f"{what:<54}{figure:<30}{ratio:<42}{target}".rstrip(), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
