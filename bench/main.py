"""Runs the groups and prints the table. `python -m bench.main [--short] [GROUP...]`."""

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

from bench.bed import Bed, booted
from bench.table import Row, render_markdown, show

# Each is a module with a function `measure`, and gets a machine of its own.
GROUPS = (
    *("acquisition", "loss", "modbus", "sessions", "commands"),
    *("recovery", "starts", "verbs", "door"),
)
_RESULTS = Path(__file__).with_name("RESULTS.md")


def main(argv: list[str]) -> int:
    """Return the exit status: 1 where a target is missed."""
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__.splitlines()[0])
    parser.add_argument("groups", nargs="*", metavar="GROUP")
    parser.add_argument("--list", action="store_true", help="tell the groups")
    parser.add_argument("--short", action="store_true", help="fewer and shorter, to try it out")
    options = parser.parse_args(argv)
    if unknown := set(options.groups) - set(GROUPS):
        parser.error(f"unknown group: {', '.join(sorted(unknown))}")
    if options.list:
        print("\n".join(GROUPS))
        return 0
    rows: list[Row] = []
    show()
    for group in options.groups or GROUPS:
        for row in run_group(group, is_short=options.short):
            show(row.cells())
            rows.append(row)
    if not options.groups and not options.short:
        _RESULTS.write_text(f"{describe_run()}\n{render_markdown(rows)}")
    return int(any(row.is_missed for row in rows))


def run_group(group: str, *, is_short: bool) -> Iterator[Row]:
    measure: Callable[[Bed], Iterator[Row]] = import_module(f"bench.{group}").measure
    with booted(is_short=is_short) as bed:
        yield from measure(bed)


def describe_run() -> str:
    """Return the head of bench/RESULTS.md: when it was measured, and on what."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    model = models[0] if models else platform.machine()
    return (
        "# Results of `bench/run`\n\n"
        f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores ({model}), Linux"
        f" {platform.release()}, a booted Debian 12 (systemd 252, Python 3.11). Times move by a"
        " third from run to run, memory by a hundredth; a ratio is of what ran beside it.\n"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
