"""What the file of an acquisition job says, checked as a whole."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sja_units.acquisition.modbus.endpoint import SERIAL_TRANSPORTS, Endpoint, Pacing, read_endpoint
from sja_units.acquisition.points.point import (
    Point,
    is_unsafe_name,
    list_scale_points,
    read_name,
    read_point,
)
from sja_units.acquisition.sink_config import SinkConfig, read_sink
from sja_units.toml.reader import TableReader

_UNREAD_TABLE = (
    "names a table, which a worker cannot read: run `sjactl apply JOB`, which puts its points "
    "into the job's file"
)
_NARROW_TAGS = ("point", "unit", "cn_name", "quality")  # of a line itself
_BESIDE = "stands beside points of the file itself: give one of the two"
_MAX_ENDPOINTS = 200  # serial lines and look-ups have threads, of which TasksMax= allows 256


class SpoolConfig(NamedTuple):
    """The bounds of what is kept on disk."""

    max_bytes: int
    max_age: float  # seconds


class Device(NamedTuple):
    """One Modbus unit and its points."""

    name: str
    endpoint: Endpoint
    unit_id: int
    connect_delay: float  # seconds, from the connection to the first request
    request_delay: float  # seconds, from an answer to the next request
    close_after_cycle: bool
    timeout: float  # seconds, for one request
    retries: int
    max_registers: int
    max_gap: int
    measurement: str
    tags: Mapping[str, str]
    points: tuple[Point, ...]

    def count_written(self) -> int:
        """Return how many points have values; others are only read along."""
        return sum(point.write_as != "nothing" for point in self.points)


def find_pacing(devices: Sequence[Device]) -> Pacing:
    """Return what the devices of one endpoint need, the slowest of them as well."""
    return Pacing(
        max(device.connect_delay for device in devices),
        max(device.request_delay for device in devices),
    )


class AcquisitionConfig(NamedTuple):
    """All settings of an acquisition job."""

    interval: float  # seconds
    sink: SinkConfig
    spool: SpoolConfig
    devices: tuple[Device, ...]

    def list_files(self) -> list[str]:
        """Return the paths of all files that it names, each once."""
        paths = [self.sink.ca_file]
        for device in self.devices:
            if tls := device.endpoint.tls:
                paths += [tls.ca_file, tls.cert_file, tls.key_file]
        return list(dict.fromkeys(filter(None, paths)))


def read_acquisition(table: TableReader) -> AcquisitionConfig:
    """Return the settings of an acquisition job; faults go into the table."""
    interval = table.seconds("interval", "1s", low="10ms", high="1d")
    sink = read_sink(table.table("sink"))
    spool = table.table("spool")
    bounds = SpoolConfig(
        spool.size("max_bytes", "256MiB", low="1MiB", high="1024GiB"),
        spool.seconds("max_age", "7d", low="1min", high="3650d"),
    )
    if table.has("point"):
        table.raw("point")
        table.fault("point", "belongs to a device: write [[device.point]] below its [[device]]")
    tables = table.tables("device", required=True)
    devices = tuple(_read_device(item, sink.layout) for item in tables)
    _check_distinct(tables, devices, sink.layout)
    if (endpoints := len({device.endpoint.key for device in devices})) > _MAX_ENDPOINTS:
        table.fault(
            "device",
            f"has {endpoints} endpoints, but a job polls {_MAX_ENDPOINTS} at the most: "
            "split the file into several jobs",
        )
    return AcquisitionConfig(interval, sink, bounds, devices)


def _read_device(table: TableReader, layout: str) -> Device:
    name = read_name(table, "name")
    endpoint = read_endpoint(table)
    # On a serial line 0 is for all at once, which nobody answers, and 248 to 255 are reserved.
    units = (1, 247) if endpoint.transport in SERIAL_TRANSPORTS else (0, 255)
    measurement = read_name(table, "measurement", name)
    if measurement.startswith("#"):
        key = "measurement" if table.has("measurement") else "name"
        table.fault(key, "begins with '#', which a database takes for a comment")
    limit = table.integer("max_registers", 125, low=1, high=125)
    return Device(
        name,
        endpoint,
        unit_id=table.integer("unit_id", 1, low=units[0], high=units[1]),
        connect_delay=table.seconds("connect_delay", "0s", low="0s", high="30s"),
        request_delay=table.seconds("request_delay", "0s", low="0s", high="30s"),
        close_after_cycle=table.flag("close_after_cycle", False),
        timeout=table.seconds("timeout", "1s", low="10ms", high="30s"),
        retries=table.integer("retries", 3, low=0, high=10),
        max_registers=limit,
        max_gap=table.integer("max_gap", 8, low=0, high=124),
        measurement=measurement,
        tags=_read_tags(table.table("tags"), layout),
        points=_read_points(table, limit),
    )


def _read_tags(table: TableReader, layout: str) -> dict[str, str]:
    tags = {key: read_name(table, key, "") for key in table.names()}
    for key in tags:
        if layout == "narrow" and key in _NARROW_TAGS:
            table.fault(key, "is a tag that the narrow layout gives to each line itself")
        if (
            is_unsafe_name(key)
            or key in ("", "time", "_field", "_measurement")
            or re.search(r"[\x00-\x1f\x7f]", key)
        ):
            table.fault(key, "cannot be the name of a tag")
    return {key: value for key, value in sorted(tags.items()) if value}


def _read_points(table: TableReader, max_registers: int) -> tuple[Point, ...]:
    if table.has("points") and isinstance(table.raw("points"), list):
        table.fault("points", "names a file; a point of this file is [[device.point]]")
        return ()
    if table.has("points") and table.text("points"):
        table.fault("points", _BESIDE if table.has("point") else _UNREAD_TABLE)
    tables = table.tables("point", required=not table.has("points"))
    points = tuple(read_point(item, max_registers) for item in tables)
    seen: set[str] = set()
    for item, point in zip(tables, points, strict=True):
        if point.name in seen:
            item.fault("name", f"is {point.name!r}, as another point of this device")
        seen.add(point.name)
    return (*points, *list_scale_points(points))


def _check_tags(table: TableReader, device: Device) -> None:
    for name in device.tags.keys() & {point.name for point in device.points}:
        table.fault("tags", f"has {name!r}, which is also the name of a point")


def _check_distinct(tables: list[TableReader], devices: tuple[Device, ...], layout: str) -> None:
    names: set[str] = set()
    lines: dict[str, Device] = {}
    fields: dict[tuple[object, ...], str] = {}
    for table, device in zip(tables, devices, strict=True):
        if device.name in names:
            table.fault("name", f"is {device.name!r}, as another device")
        names.add(device.name)
        _check_tags(table, device)
        first = lines.setdefault(device.endpoint.tty or device.name, device)
        if first.endpoint.tty and first.endpoint != device.endpoint:
            table.fault("port", f"is that of {first.name!r}, which uses it with other settings")
        tags = ({"device": device.name} if layout == "narrow" else {}) | dict(device.tags)
        for point in device.points:
            if point.write_as == "nothing":
                continue
            series = (device.measurement, *sorted(tags.items()), point.name)
            other = fields.setdefault(series, device.name)
            if other != device.name:
                table.fault(
                    "measurement",
                    f"and tags are those of {other!r}: both would write {point.name!r} "
                    "into one series",
                )
                break
