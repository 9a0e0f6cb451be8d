"""Line protocol read back into samples, for people who look at what a job holds. Pure.

Source: the same as lineprotocol.py, which writes what is read here.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from sja_units.acquisition.points.decode import Value

_LINE = re.compile(r"((?:\\.|[^ \\])+) (.+) (-?[0-9]+)")
_FIELD = re.compile(r'((?:\\.|[^=\\])+)=("(?:\\.|[^"\\])*"|[^,"]+)(?:,|$)')
_TAG = re.compile(r"((?:\\.|[^,=\\])+)=((?:\\.|[^,\\])+)")
_ESCAPED = re.compile(r"\\([,= ])")
_ESCAPED_IN_TEXT = re.compile(r'\\(["\\])')


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
    match = _LINE.fullmatch(line)
    if match is None:
        return
    series = _parse_series(match[1])
    for field in _FIELD.finditer(match[2]):
        point = series.tags.get("point") or _ESCAPED.sub(r"\1", field[1])
        yield Sample(int(match[3]), series, point, _parse_value(field[2]), field[0].rstrip(","))


@lru_cache(maxsize=10_000)
def _parse_series(text: str) -> Series:
    measurement, *_ = re.split(r"(?<!\\),", text, maxsplit=1)
    pairs = _TAG.findall(text[len(measurement) :])
    tags = {_ESCAPED.sub(r"\1", key): _ESCAPED.sub(r"\1", value) for key, value in pairs}
    return Series(text, _ESCAPED.sub(r"\1", measurement), tags)


def _parse_value(text: str) -> Value:
    if text.startswith('"'):
        return _ESCAPED_IN_TEXT.sub(r"\1", text[1:-1])
    if text in ("true", "false"):
        return text == "true"
    return int(text[:-1]) if text[-1] in "iu" else float(text)
