"""`sjactl data`: what an acquisition job holds on this host."""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple, TypeVar

import click

from sja_units.acquisition.influxdb.line_protocol import format_series
from sja_units.acquisition.influxdb.parser import parse_samples, read_time
from sja_units.acquisition.spool.snapshot import SpoolSnapshot
from sja_units.cli.output.samples import FORMATS, Row, write
from sja_units.cli.output.times import parse_moment
from sja_units.errors import ConfigError, SjaError, UsageError
from sja_units.job import Job
from sja_units.jobs import inventory, manager
from sja_units.kinds import as_acquisition, is_acquisition

_LAST_NS = 2**63

T = TypeVar("T")


class _Names(NamedTuple):
    """What the job's file knows of its samples and they do not tell themselves."""

    devices: dict[str, str]  # by series
    units: dict[tuple[str, str], str]  # by device and point
    is_local: bool

    def know(self, point: str) -> bool:
        """Tell whether there is such a point; where the file is faulty nobody knows."""
        return not self.units or any(
            point in (name, f"{device}.{name}") for device, name in self.units
        )


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
    names = _read_names(chosen)
    with _open(chosen) as snapshot:
        kept = _within(snapshot.read_lines(sent_too=names.is_local), begin, end)
        if form == "line" and point is None:
            for line in _take_last(kept, lines):
                write(line)
            return
        rows = iter(_take_last(_find_rows(kept, names, point), lines))
        first = next(rows, None)
        if first is None:
            sent = "" if names.is_local else "; what it has read before, the database has"
            if point is not None and not names.know(point):
                sent = f", and its file names no point {point!r}"
            click.echo(f"{chosen} holds nothing of that on this host{sent}", err=True)
        FORMATS[form](chain([first] if first else [], rows))


def _select(words: str) -> Job:
    chosen = inventory.select_configured([words])
    if len(chosen) != 1 or not is_acquisition(chosen[0]):
        raise UsageError(f"{words!r} must be one acquisition job")
    return chosen[0]


def _open(job: Job) -> SpoolSnapshot:
    try:
        return SpoolSnapshot(job.state_dir)
    except FileNotFoundError:
        raise SjaError(f"{job} holds nothing: it has never run") from None
    except PermissionError:
        raise PermissionError(13, "Permission denied", job.state_dir) from None


def _read_names(job: Job) -> _Names:
    devices: dict[str, str] = {}
    units: dict[tuple[str, str], str] = {}
    try:
        settings = as_acquisition(manager.read_job_file(job).settings)
    except ConfigError:
        return _Names(devices, units, is_local=False)
    assert settings is not None
    for device in settings.devices:
        devices[format_series(device.measurement, device.tags)] = device.name
        units |= {(device.name, point.name): point.unit for point in device.points}
    return _Names(devices, units, is_local=settings.sink.type == "local")


def _within(lines: Iterable[bytes], begin: int, end: int) -> Iterator[str]:
    for line in lines:
        at = read_time(line)
        if at is not None and begin <= at <= end:
            yield line.decode("utf-8", "replace")


def _take_last(items: Iterable[T], most: int | None) -> Iterable[T]:
    return deque(items, maxlen=most) if most else items


def _find_rows(lines: Iterable[str], names: _Names, point: str | None) -> Iterator[Row]:
    for line in lines:
        for sample in parse_samples(line):
            tags = sample.series.tags
            device = tags.get("device") or names.devices.get(sample.series.text)
            device = device or sample.series.measurement
            if point in (None, sample.point, f"{device}.{sample.point}"):
                unit = tags.get("unit") or names.units.get((device, sample.point), "")
                yield Row(sample, device, unit, tags.get("quality", "good"))
