"""The database asked whether it would take values, without giving it any."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from sja_units.acquisition.config import Device
from sja_units.acquisition.influxdb.api import Result, Retry, would_take_lines
from sja_units.acquisition.influxdb.client import Uploader
from sja_units.acquisition.influxdb.fields import type_of
from sja_units.acquisition.influxdb.line_protocol import format_value
from sja_units.acquisition.points.decode import make_decoder
from sja_units.acquisition.points.point import Point
from sja_units.acquisition.sink_config import SinkConfig

_ASKED_MEASUREMENTS = 50
_NAMED_CONFLICTS = 5
_SAMPLES = (b"\0", b"\1", b"A")  # bytes of registers, of which one is no "no value"


class SinkProbe(NamedTuple):
    """What came of it."""

    is_fine: bool
    message: str
    hint: str  # what a person can do, "" if all is well
    seconds: float | None


def probe_sink(sink: SinkConfig, devices: Sequence[Device] = ()) -> SinkProbe:
    """Send no lines to where the lines of a job will go, and compare the types of its fields.

    That needs the same address, database and rights as a job's lines, and leaves nothing behind.
    """
    if sink.type == "local":
        return SinkProbe(True, "values are kept on this host", "", None)
    try:
        uploader = Uploader(sink)
    except OSError as error:
        return SinkProbe(False, str(error.strerror), "is it a file with certificates (PEM)?", None)
    try:
        began = time.monotonic()
        result = uploader.send(b"")
        seconds = time.monotonic() - began
        if not would_take_lines(result):
            return SinkProbe(False, result.message, _find_hint(sink, result), seconds)
        conflicts = list(_find_conflicts(uploader.ask_types, devices))
    finally:
        uploader.close()
    if conflicts:
        more = f" and {len(conflicts) - _NAMED_CONFLICTS} more"
        message = "it would refuse " + ", ".join(conflicts[:_NAMED_CONFLICTS])
        message += more if len(conflicts) > _NAMED_CONFLICTS else ""
        hint = "give the point another name, or send the type that the database has"
        return SinkProbe(False, message, hint, seconds)
    return SinkProbe(True, "it takes what this job would send", "", seconds)


def _find_conflicts(
    ask_types: Callable[[str], dict[str, set[str]]], devices: Sequence[Device]
) -> Iterator[str]:
    """Yield the fields that the database has with another type, as far as it tells."""
    measurements = list(dict.fromkeys(device.measurement for device in devices))
    known = {name: ask_types(name) for name in measurements[:_ASKED_MEASUREMENTS]}
    for device in devices:
        types = known.get(device.measurement, {})
        for point in device.points:
            if point.write_as == "nothing":
                continue
            has, sends = types.get(point.name), find_type(point)
            if has and sends and sends not in has:
                words = f"it has {' or '.join(sorted(has))}, this job sends {sends}"
                yield f"{point.name} of {device.measurement} ({words})"


def find_type(point: Point) -> str:
    """Return the type of field that a point is written as, "" where that depends on its data."""
    decode = make_decoder(point)
    for sample in _SAMPLES:
        value = decode(sample * point.size * 2, 0)
        if value is not None:
            return type_of(format_value(value, unsigned=point.write_as == "unsigned").encode())
    return ""


def _find_hint(sink: SinkConfig, result: Result) -> str:
    if isinstance(result, Retry):
        if result.message[:1].isdigit():
            return "it is there, but unwell or busy: a job would try again"
        return f"does a database listen at {sink.url}? A job would keep its values meanwhile"
    status = result.message[:3]
    if status in ("401", "403"):
        keys = "token" if sink.token else "username and password"
        return f"look at {keys} in [sink]: whose are they, and may they write there?"
    if sink.api == "2" and status in ("400", "404"):
        return "look at org and bucket in [sink]; InfluxDB 1.x wants `database` instead of them"
    if sink.api == "3" and status == "404":
        return "`database` with `token` is for InfluxDB 3.x; 2.x wants `org` and `bucket` instead"
    if status == "404":
        return f"is there a database {sink.database!r}? (CREATE DATABASE makes it)"
    return f"is {sink.url} a database, and the right one?"
