"""The last cycle of an acquisition job, as its worker has published it, point by point."""

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from sja_units.acquisition.config import AcquisitionConfig
from sja_units.acquisition.influxdb.parser import Sample, parse_samples
from sja_units.acquisition.points.decode import Value
from sja_units.acquisition.points.point import Point
from sja_units.errors import ConfigError, SjaError
from sja_units.fs.safe_open import read_regular
from sja_units.job import RUN_ROOT, Job
from sja_units.jobs.files import read_job
from sja_units.jobs.health import read_health
from sja_units.kinds import as_acquisition

_MOST_BYTES = 64 * 2**20
_MOST_BITS = 2000  # in one request


class LastValue(NamedTuple):
    """What one point held when it was read last."""

    device: str
    point: str
    time: str  # RFC 3339, of its read; "" where it was never read
    value: Value | None
    unit: str
    quality: str
    registers: tuple[int, ...]  # raw; bits of the tables coil and discrete; () if not read
    message: str  # why there is no value

    def as_json(self) -> dict[str, Any]:
        return {**self._asdict(), "registers": list(self.registers)}


class LastRequest(NamedTuple):
    """A request that was answered."""

    table: str
    address: int
    size: int
    time: str
    data: bytes

    @property
    def is_whole(self) -> bool:
        """Whether its data are all that was asked for."""
        bits = self.table in ("coil", "discrete")
        needed = (self.size + 7) // 8 if bits else self.size * 2
        return self.address >= 0 and 0 < self.size <= _MOST_BITS and len(self.data) >= needed

    def holds(self, point: Point) -> bool:
        """Return whether all registers or bits of a point are in it."""
        return self.table == point.table and (
            self.address <= point.address and point.end <= self.address + self.size
        )

    def words(self) -> dict[tuple[str, int], int]:
        """Return its registers or bits by their places."""
        data = self.data
        if self.table in ("coil", "discrete"):
            values = [data[i >> 3] >> (i & 7) & 1 for i in range(self.size)]
        else:
            values = [int.from_bytes(data[i * 2 : i * 2 + 2], "big") for i in range(self.size)]
        return {(self.table, self.address + i): value for i, value in enumerate(values)}

    def find(self, point: Point) -> tuple[int, ...]:
        """Return the raw registers or bits of a point, () if they are not in it."""
        if not self.holds(point):
            return ()
        words = self.words()
        return tuple(words[point.table, at] for at in range(point.address, point.end))


def find_last_file(job: Job) -> str:
    """Return where a job's last cycle is published."""
    return f"{RUN_ROOT}/last/{job.name}/last.json"


class LastCycle(NamedTuple):
    """What a job read last."""

    interval: float  # seconds between cycles, 0 if unknown
    values: list[LastValue]  # of each point, in the order of the job's file


def find_last_values(job: Job) -> list[LastValue]:
    """Return what each point held when it was read last; raise as `read_last_cycle`."""
    return read_last_cycle(job).values


def read_last_cycle(job: Job) -> LastCycle:
    """Return a job's last cycle. Raises SjaError where there is none, PermissionError."""
    said = _read(job)
    interval = said.get("interval")
    why = read_health(job).get("no_value")
    reasons = why if isinstance(why, dict) else {}
    settings = _read_settings(job)
    found: list[LastValue] = []
    for name, reading in _list_devices(said).items():
        found += _read_device(name, reading, settings, reasons)
    return LastCycle(interval if isinstance(interval, int | float) else 0.0, found)


def read_requests(job: Job) -> dict[str, list[LastRequest]]:
    """Return what came as the answer to each request, by device; raise as `read_last_cycle`."""
    devices = _list_devices(_read(job))
    return {
        name: list(_list_requests(reading.get("requests"))) for name, reading in devices.items()
    }


def _read(job: Job) -> dict[str, Any]:
    try:
        said = json.loads(read_regular(find_last_file(job), _MOST_BYTES))
    except FileNotFoundError:
        raise SjaError(f"{job} has not read anything since it was started") from None
    except (ValueError, RecursionError):
        raise SjaError(f"{find_last_file(job)} makes no sense") from None
    return said if isinstance(said, dict) else {}


def _list_devices(said: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    devices = said.get("devices")
    readings = devices.items() if isinstance(devices, dict) else ()
    return {name: reading for name, reading in readings if isinstance(reading, dict)}


def select_point(values: list[LastValue], point: str | None) -> list[LastValue]:
    """Return the values of POINT or DEVICE.POINT, all for None."""
    return [v for v in values if point in (None, v.point, f"{v.device}.{v.point}")]


def _read_settings(job: Job) -> AcquisitionConfig | None:
    try:
        return as_acquisition(read_job(job).settings)
    except (ConfigError, OSError):
        return None


def _read_device(
    name: str,
    reading: Mapping[str, Any],
    settings: AcquisitionConfig | None,
    reasons: Mapping[str, Any],
) -> Iterator[LastValue]:
    """Yield the points of a device; without a file that can be read those that had a value."""
    requests = list(_list_requests(reading.get("requests")))
    samples = {sample.point: sample for sample in _list_samples(reading.get("lines"))}
    points = next((d.points for d in settings.devices if d.name == name), ()) if settings else ()
    for point in points:
        sample = samples.pop(point.name, None)
        pairs = ((request.time, request.find(point)) for request in requests)
        at, registers = next((pair for pair in pairs if pair[1]), ("", ()))
        message = "" if sample else str(reasons.get(f"{name}.{point.name}", "not read"))
        yield _make(name, point.name, at, sample, point.unit, registers, message)
    for sample in samples.values():
        at = str(reading.get("time") or "")
        yield _make(name, sample.point, at, sample, sample.series.tags.get("unit", ""), (), "")


def _make(
    device: str,
    point: str,
    at: str,
    sample: Sample | None,
    unit: str,
    registers: tuple[int, ...],
    message: str,
) -> LastValue:
    value = sample.value if sample else None
    quality = sample.series.tags.get("quality", "good") if sample else ""
    return LastValue(device, point, at, value, unit, quality, registers, message)


def _list_requests(listed: object) -> Iterator[LastRequest]:
    for entry in listed if isinstance(listed, list) else ():
        try:
            data = bytes.fromhex(entry["data"])
            address, size = int(entry["address"]), int(entry["size"])
        except (KeyError, TypeError, ValueError):
            continue
        request = LastRequest(str(entry.get("table")), address, size, str(entry.get("time")), data)
        if request.is_whole:
            yield request


def _list_samples(lines: object) -> Iterator[Sample]:
    for line in lines if isinstance(lines, list) else ():
        if isinstance(line, str):
            yield from parse_samples(line)


def find_version(job: Job) -> tuple[int, int] | None:
    """Return what changes with each cycle that is published, None where there is none."""
    try:
        status = os.stat(find_last_file(job), follow_symlinks=False)
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns
