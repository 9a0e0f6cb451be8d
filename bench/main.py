"""Runs the groups and prints the table. `python -m bench.main [--short] [GROUP...]`."""

import argparse
import sys
from collections.abc import Callable, Iterator
from importlib import import_module

from bench.bed import Bed, booted
from bench.results import keep
from bench.table import Row, show

# Each is a module with a function `measure`, and gets a machine of its own.
GROUPS = (
    *("acquisition", "loss", "modbus", "sessions", "commands"),
    *("recovery", "starts", "verbs", "door"),
)


def main(argv: list[str]) -> int:
    """Return the exit status: 1 where a target is missed."""
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__.splitlines()[0])
    parser.add_argument("groups", nargs="*", metavar="GROUP")
    parser.add_argument("--list", action="store_true", help="tell the groups")
    parser.add_argument("--short", action="store_true", help="fewer and shorter, kept nowhere")
    options = parser.parse_args(argv)
    if unknown := set(options.groups) - set(GROUPS):
        parser.error(f"unknown group: {', '.join(sorted(unknown))}")
    if options.list:
        print("\n".join(GROUPS))
        return 0
    is_missed = False
    show()
    for group in options.groups or GROUPS:
        rows: list[Row] = []
        for row in run_group(group, is_short=options.short):
            show(row.cells())
            rows.append(row)
        if not options.short:
            keep(group, rows, GROUPS)
        is_missed |= any(row.is_missed for row in rows)
    return int(is_missed)


def run_group(group: str, *, is_short: bool) -> Iterator[Row]:
    measure: Callable[[Bed], Iterator[Row]] = import_module(f"bench.{group}").measure
    with booted(is_short=is_short) as bed:
        yield from measure(bed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
