"""Line protocol read back into samples, for people who look at what a job holds. Pure.

Source: the same as line_protocol.py, which writes what is read here. Whatever else stands in a file
has no samples, and costs no more time than its length.
"""

import math
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from sja_units.acquisition.influxdb.fields import split_line, unescape
from sja_units.acquisition.points.decode import Value

_MEASUREMENT = re.compile(rb"(?:\\.|[^,\\])++", re.DOTALL)
_TAG = re.compile(rb",((?:\\.|[^,=\\])++)=((?:\\.|[^,=\\])++)", re.DOTALL)
_ESCAPED_IN_TEXT = re.compile(r'\\(["\\])')
_INTEGER = re.compile(rb"(-?[0-9]{1,20})[iu]")
_FLOAT = re.compile(rb"[-+]?[0-9.]{1,400}(?:[eE][-+]?[0-9]{1,4})?")


class Series(NamedTuple):
    """The first part of a line."""

    text: str  # as it stands there
    measurement: str
    tags: dict[str, str]


class Sample(NamedTuple):
    """One value of one point."""

    time_ns: int
    series: Series
    point: str
    value: Value
    field: str  # KEY=VALUE as it stands in the line

    @property
    def line(self) -> str:
        """Return a line of this value alone."""
        return f"{self.series.text} {self.field} {self.time_ns}"


def read_time(line: bytes) -> int | None:
    """Return a line's time in ns since 1970, None if it has none."""
    try:
        return int(line[line.rindex(b" ") + 1 :])
    except ValueError:
        return None


def parse_samples(line: str) -> Iterator[Sample]:
    """Yield the values of a line, none if it is not one."""
    parts = split_line(line.encode("utf-8", "replace"))
    if parts is None:
        return
    series = _parse_series(parts.series)
    for key, field, raw in zip(parts.keys, parts.fields, parts.values, strict=True):
        value = _parse_value(raw)
        if value is not None:
            point = series.tags.get("point") or key.field
            yield Sample(int(parts.time), series, point, value, field.decode("utf-8", "replace"))


@lru_cache(maxsize=1000)
def _parse_series(text: bytes) -> Series:
    start = _MEASUREMENT.match(text)
    at = start.end() if start else 0
    tags = {}
    while tag := _TAG.match(text, at):
        tags[unescape(tag[1])] = unescape(tag[2])
        at = tag.end()
    return Series(text.decode("utf-8", "replace"), unescape(start[0]) if start else "", tags)


def _parse_value(raw: bytes) -> Value | None:
    """Return a value, None if it is none that a database would take."""
    if raw.startswith(b'"'):
        return _ESCAPED_IN_TEXT.sub(r"\1", raw[1:-1].decode("utf-8", "replace"))
    if raw in (b"true", b"false"):
        return raw == b"true"
    if match := _INTEGER.fullmatch(raw):
        return int(match[1])
    if not _FLOAT.fullmatch(raw):
        return None
    try:
        value = float(raw)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
