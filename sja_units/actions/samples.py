"""What an acquisition job holds on this host, with the names that people know it by."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sja_units.acquisition.influxdb.dead_letter import Parked
from sja_units.acquisition.influxdb.line_protocol import format_series
from sja_units.acquisition.influxdb.parser import Sample, parse_samples, read_time
from sja_units.acquisition.spool.snapshot import SpoolSnapshot
from sja_units.errors import ConfigError, NotAllowed, SjaError
from sja_units.job import Job
from sja_units.jobs.files import read_job
from sja_units.kinds import as_acquisition
from sja_units.times import format_moment


class Row(NamedTuple):
    """A sample with the names that people know it by."""

    sample: Sample
    device: str
    unit: str
    quality: str
    reason: str = ""  # why the database refused it

    def as_json(self) -> dict[str, Any]:
        """Return the object that `sjactl data --format jsonl` prints."""
        refused = {"reason": self.reason} if self.reason else {}
        return {
            "time": format_moment(self.sample.time_ns),
            "device": self.device,
            "point": self.sample.point,
            "value": self.sample.value,
            "unit": self.unit,
            "quality": self.quality,
            "measurement": self.sample.series.measurement,
            "tags": self.sample.series.tags,
            **refused,
        }


class Names(NamedTuple):
    """What the job's file knows of its samples and they do not tell themselves."""

    devices: dict[str, str]  # by series
    units: dict[tuple[str, str], str]  # by device and point
    is_local: bool

    def know(self, point: str) -> bool:
        """Tell whether there is such a point; where the file is faulty nobody knows."""
        return not self.units or any(
            point in (name, f"{device}.{name}") for device, name in self.units
        )


def open_snapshot(job: Job) -> SpoolSnapshot:
    """Open what a job holds, for a `with` block. Raises SjaError."""
    try:
        return SpoolSnapshot(job.state_dir)
    except FileNotFoundError:
        raise SjaError(f"{job} holds nothing: it has never run") from None
    except PermissionError:
        raise NotAllowed(f"not allowed: {job.state_dir}", "try sudo") from None


def read_names(job: Job) -> Names:
    """Return what the job's file knows, nothing where it is faulty."""
    devices: dict[str, str] = {}
    units: dict[tuple[str, str], str] = {}
    try:
        settings = as_acquisition(read_job(job).settings)
    except ConfigError:
        return Names(devices, units, is_local=False)
    assert settings is not None
    for device in settings.devices:
        devices[format_series(device.measurement, device.tags)] = device.name
        units |= {(device.name, point.name): point.unit for point in device.points}
    return Names(devices, units, is_local=settings.sink.type == "local")


def select_lines(lines: Iterable[bytes], begin: int, end: int) -> Iterator[str]:
    """Yield the lines of those moments, in ns since 1970."""
    for line in lines:
        at = read_time(line)
        if at is not None and begin <= at <= end:
            yield line.decode("utf-8", "replace")


def find_refused_rows(
    parked: Iterable[Parked], names: Names, begin: int, end: int, point: str | None = None
) -> Iterator[Row]:
    """Yield refused samples of those moments, each with the reason; `point` as in `find_rows`."""
    for item in parked:
        lines = select_lines([item.line], begin, end)
        for row in find_rows(lines, names, point):
            yield row._replace(reason=item.reason or "unknown")


def find_rows(lines: Iterable[str], names: Names, point: str | None = None) -> Iterator[Row]:
    """Yield the samples of lines; point: only those of DEVICE.POINT or POINT."""
    for line in lines:
        for sample in parse_samples(line):
            tags = sample.series.tags
            device = tags.get("device") or names.devices.get(sample.series.text)
            device = device or sample.series.measurement
            if point in (None, sample.point, f"{device}.{sample.point}"):
                unit = tags.get("unit") or names.units.get((device, sample.point), "")
                yield Row(sample, device, unit, tags.get("quality", "good"))
