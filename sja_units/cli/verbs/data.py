"""`sjactl data`: what an acquisition job holds on this host."""

import time
from collections import deque
from collections.abc import Iterable
from itertools import chain
from typing import TypeVar

import click

from sja_units.actions.samples import find_rows, open_snapshot, read_names, select_lines
from sja_units.cli.output.samples import FORMATS, write
from sja_units.errors import UsageError
from sja_units.job import Job
from sja_units.jobs import inventory
from sja_units.kinds import is_acquisition
from sja_units.times import parse_moment

_LAST_NS = 2**63

T = TypeVar("T")


@click.command("data")
@click.argument("job")
@click.option("--point", metavar="POINT", help="Only DEVICE.POINT or POINT.")
@click.option("--since", metavar="T", help='From then on: "-1h", "15min", or RFC 3339.')
@click.option("--until", metavar="T", help="Up to then.")
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    default="table",
    show_default=True,
    help="line: as the database gets it; plot: one point over time.",
)
@click.option("-n", "--lines", type=click.IntRange(min=1), help="Only the last N.")
def data_command(
    job: str, point: str | None, since: str | None, until: str | None, form: str, lines: int | None
) -> None:
    """Show what an acquisition job holds on this host.

    That is all that it has read, within the bounds of [spool], where type = "local" stands in
    [sink]; else what the database has not taken yet. The job goes on undisturbed.
    """
    now = time.time()
    begin = parse_moment(since, now) if since else 0
    end = parse_moment(until, now) if until else _LAST_NS
    chosen = _select(job)
    names = read_names(chosen)
    with open_snapshot(chosen) as snapshot:
        kept = select_lines(snapshot.read_lines(sent_too=names.is_local), begin, end)
        if form == "line" and point is None:
            for line in _take_last(kept, lines):
                write(line)
            return
        rows = iter(_take_last(find_rows(kept, names, point), lines))
        first = next(rows, None)
        if first is None:
            sent = "" if names.is_local else "; what it has read before, the database has"
            if point is not None and not names.know(point):
                sent = f", and its file names no point {point!r}"
            click.echo(f"{chosen} holds nothing of that on this host{sent}", err=True)
        FORMATS[form](chain([first] if first else [], rows))


def _select(words: str) -> Job:
    chosen = inventory.select_one(words)
    if not is_acquisition(chosen):
        raise UsageError(f"{chosen} is not an acquisition job: it has no samples")
    return chosen


def _take_last(items: Iterable[T], most: int | None) -> Iterable[T]:
    return deque(items, maxlen=most) if most else items
