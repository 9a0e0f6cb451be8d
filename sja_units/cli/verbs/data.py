"""`sjactl data`: what an acquisition job holds on this host."""

import sys
import time
from collections import deque
from collections.abc import Iterable
from itertools import chain
from typing import TypeVar

import click

from sja_units.actions.last_cycle import find_last_values, find_version, select_point
from sja_units.actions.resend import read_refused
from sja_units.actions.samples import (
    Row,
    find_refused_rows,
    find_rows,
    open_snapshot,
    read_names,
    select_lines,
)
from sja_units.cli.output.last_values import LAST_FORMATS
from sja_units.cli.output.samples import FORMATS, write
from sja_units.cli.params import example
from sja_units.errors import SjaError, UsageError
from sja_units.job import Job
from sja_units.jobs import inventory
from sja_units.kinds import is_acquisition
from sja_units.times import parse_moment

_LAST_NS = 2**63
_FOLLOW_SECONDS = 0.2

T = TypeVar("T")


@click.command("data", epilog=example("sjactl data line1 --since -1h --format csv"))
@click.argument("job")
@click.option("--point", metavar="POINT", help="Only POINT, or DEVICE.POINT.")
@click.option("--since", metavar="T", help='Not older than T: "-1h", "2026-01-31 08:00".')
@click.option("--until", metavar="T", help="Not newer than T.")
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    default="table",
    show_default=True,
    help="line is what the database gets.",
)
@click.option("-n", "--lines", type=click.IntRange(min=1), metavar="N", help="Only the last N.")
@click.option("--last", is_flag=True, help="The last cycle, each point with its raw registers.")
@click.option("--follow", is_flag=True, help="The same, again and again as values come.")
@click.option("--refused", is_flag=True, help="What the database has refused, with the reasons.")
def data_command(
    job: str,
    point: str | None,
    since: str | None,
    until: str | None,
    form: str,
    lines: int | None,
    last: bool,
    follow: bool,
    refused: bool,
) -> None:
    """Show the samples that an acquisition job holds on this host.

    With type = "local" in [sink] these are all that it has read, as far as [spool] keeps them;
    otherwise those that the database has not accepted yet. The job is not disturbed. --last and
    --follow show what any acquisition job that runs reads now.
    """
    now = time.time()
    begin = parse_moment(since, now) if since else 0
    end = parse_moment(until, now) if until else _LAST_NS
    chosen = select_acquisition(job)
    if last or follow:
        if refused or since or until or lines:
            raise UsageError("--last and --follow show the present alone")
        show_last(chosen, point, form, follow=follow)
        return
    names = read_names(chosen)
    if refused:
        rows = find_refused_rows(read_refused(chosen), names, begin, end, point)
        _show(_take_last(rows, lines), form, f"{chosen}: its database has refused nothing of that")
        return
    with open_snapshot(chosen) as snapshot:
        kept = select_lines(snapshot.read_lines(sent_too=names.is_local), begin, end)
        if form == "line" and point is None:
            for line in _take_last(kept, lines):
                write(line)
            return
        sent = "" if names.is_local else "; the database has what it read before"
        if point is not None and not names.know(point):
            sent = f": its file has no point {point!r}"
        rows = find_rows(kept, names, point)
        _show(_take_last(rows, lines), form, f"{chosen} holds no such samples on this host{sent}")


def show_last(job: Job, point: str | None, form: str, *, follow: bool) -> None:
    """Print the last values of a job, with `follow` again and again those that are new."""
    if form not in LAST_FORMATS:
        raise UsageError(f"--last has no format {form!r}: {', '.join(LAST_FORMATS)}")
    shown: dict[tuple[str, str], str] = {}
    version = find_version(job)
    values = select_point(find_last_values(job), point)
    if not values:
        raise SjaError(f"{job} reads no point {point!r}")
    while True:
        news = [v for v in values if shown.get((v.device, v.point)) != v.time]
        if news:
            LAST_FORMATS[form](news, heads=not shown)
            sys.stdout.flush()
        shown |= {(value.device, value.point): value.time for value in news}
        if not follow:
            return
        while (found := find_version(job)) in (None, version):
            time.sleep(_FOLLOW_SECONDS)
        version = found
        values = select_point(find_last_values(job), point)


def _show(rows: Iterable[Row], form: str, if_none: str) -> None:
    """Print rows, and say so where there are none."""
    left = iter(rows)
    first = next(left, None)
    if first is None:
        click.echo(if_none, err=True)
    FORMATS[form](chain([first] if first else [], left))


def select_acquisition(words: str) -> Job:
    """Return the one acquisition job that is meant. Raises UsageError, NoSuchJob."""
    chosen = inventory.select_one(words)
    if not is_acquisition(chosen):
        raise UsageError(f"{chosen} is not an acquisition job: it has no samples")
    return chosen


def _take_last(items: Iterable[T], most: int | None) -> Iterable[T]:
    return deque(items, maxlen=most) if most else items
