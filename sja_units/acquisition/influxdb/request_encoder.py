"""The data of one request written as fields or lines: what is the same each time is made once."""

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any, NamedTuple

from sja_units.acquisition.influxdb.line_protocol import format_value
from sja_units.acquisition.points.decode import REPLACEMENT, Decoder, Value, make_finish
from sja_units.acquisition.points.plan import ReadRequest
from sja_units.acquisition.points.point import FLOATS, Point
from sja_units.acquisition.points.unpack import Unpacker

STAMP = "\0"
"""Stands in narrow lines for the time stamp; no name and no value holds it."""


class Column(NamedTuple):
    """How one point is written."""

    decode: Decoder
    address: int
    key: str  # with its equals sign
    series: str  # of the narrow layout
    uncertain: str  # the same, where the value is not all that the device sent
    is_unsigned: bool


class Encoded(NamedTuple):
    """The data of a request as text: fields with commas between, or lines with STAMP in each."""

    text: str
    samples: int
    without: tuple[int, ...] = ()  # indices of points that have no value


class RequestEncoder:
    """Writes what comes as the answer to one request."""

    def __init__(
        self,
        request: ReadRequest,
        points: Sequence[Point],
        columns: Sequence[Column],
        *,
        is_wide: bool,
    ) -> None:
        self._request = request
        self._columns = columns
        self._is_wide = is_wide
        self._unpacker = Unpacker(points, request)
        self._scales: list[tuple[int, float, float]] = []
        self._finishes: list[tuple[int, Callable[[float], float | None]]] = []
        self._others: list[tuple[int, Column, int]] = []
        parts = []
        for slot, index in enumerate(request.points):
            column, form = columns[index], self._add(slot, points[index], columns[index])
            part = f"{column.key}\0" if is_wide else f"{column.series} {column.key}\0 {STAMP}"
            parts.append(part.replace("%", "%%").replace("\0", form, 1))
        self._template = ("," if is_wide else "\n").join(parts)

    def _add(self, slot: int, point: Point, column: Column) -> str:
        """Take note how a point is found; return how the template writes it."""
        if slot not in self._unpacker.slots:
            self._others.append((slot, column, column.address - self._request.address))
            return "%s"
        if is_scaled_only(point):
            self._scales.append((slot, point.scale, point.offset))
            return "%.15g"  # what a double keeps: 234 * 0.1 is then 23.4, not 23.400000000000002
        if not is_plain(point):
            self._finishes.append((slot, make_finish(point)))
        if is_float(point):
            return "%r"
        return "%du" if column.is_unsigned else "%di"

    def encode(self, data: bytes) -> Encoded:
        """Return the text of an answer."""
        values: list[Any] = [None] * len(self._request.points)
        if not self._unpacker.unpack(data, values):
            return self._encode_singly(data)
        total = 0.0
        for slot, scale, offset in self._scales:
            values[slot] = scaled = values[slot] * scale + offset
            total += scaled
        if not isfinite(total):
            return self._encode_singly(data)
        for slot, finish in self._finishes:
            value = finish(values[slot])
            if value is None:
                return self._encode_singly(data)
            values[slot] = value
        for slot, column, distance in self._others:
            found = column.decode(data, distance)
            if found is None or (not self._is_wide and is_damaged(found)):
                return self._encode_singly(data)
            values[slot] = format_value(found, unsigned=column.is_unsigned)
        return Encoded(self._template % tuple(values), len(values))

    def _encode_singly(self, data: bytes) -> Encoded:
        """Return the same, point by point, where one of them has no value or a doubtful one."""
        parts, without = [], []
        for index in self._request.points:
            column = self._columns[index]
            value = column.decode(data, column.address - self._request.address)
            if value is None:
                without.append(index)
                continue
            field = column.key + format_value(value, unsigned=column.is_unsigned)
            series = column.uncertain if is_damaged(value) else column.series
            parts.append(field if self._is_wide else f"{series} {field} {STAMP}")
        text = ("," if self._is_wide else "\n").join(parts)
        return Encoded(text, len(parts), tuple(without))


def is_damaged(value: Value) -> bool:
    """Tell whether a text held bytes that are no characters."""
    return isinstance(value, str) and REPLACEMENT in value


def is_float(point: Point) -> bool:
    """Tell whether a number is written as a float."""
    scaled = point.scale != 1 or point.offset != 0
    return scaled or point.write_as == "float" or point.type in FLOATS


def is_scaled_only(point: Point) -> bool:
    """Tell whether a number becomes its value by scale and offset alone."""
    return (point.scale != 1 or point.offset != 0) and point.no_value is None


def is_plain(point: Point) -> bool:
    """Tell whether a number is written as it was read, and is never out of range."""
    return (
        point.scale == 1
        and point.offset == 0
        and point.no_value is None
        and (is_float(point) == (point.type in FLOATS))
        and (point.type != "uint64" or point.write_as == "unsigned")
        and (point.write_as != "unsigned" or point.type.startswith("u"))
    )
