"""The data of one request written as fields or lines: what is the same each time is made once."""

from collections.abc import Callable
from math import isfinite
from typing import Any, NamedTuple

from sja_units.acquisition.config import Device
from sja_units.acquisition.influxdb.line_protocol import format_key, format_series, format_value
from sja_units.acquisition.points.decode import (
    REPLACEMENT,
    Decoder,
    Value,
    make_decoder,
    make_finish,
)
from sja_units.acquisition.points.plan import ReadRequest
from sja_units.acquisition.points.point import Point
from sja_units.acquisition.points.scaling import make_scaled_decoder
from sja_units.acquisition.points.types import FLOATS
from sja_units.acquisition.points.unpack import Unpacker

STAMP = "\0"
"""Stands in narrow lines for the time stamp; no name and no value holds it."""


class Columns:
    """How each point of a device is written. Little is kept: there may be very many points."""

    def __init__(self, device: Device, *, is_wide: bool) -> None:
        self.is_wide = is_wide
        self.points = device.points
        self.scales: dict[tuple[str, int], int | None] = {}  # by the place of their register
        self._device = device
        self._decoders: dict[int, Decoder] = {}

    def find_decoder(self, index: int) -> Decoder:
        decoder = self._decoders.get(index)
        if decoder is None:
            decoder = self._decoders[index] = self._make_decoder(self.points[index])
        return decoder

    def _make_decoder(self, point: Point) -> Decoder:
        if point.scale_register is None:
            return make_decoder(point)
        place = (point.table, point.scale_register)
        return make_scaled_decoder(point, lambda: self.scales.get(place))

    def format_head(self, index: int, *, quality: str = "good") -> str:
        """Return what stands before a point's value: of a wide line its key, else series and key.

        It ends with the equals sign.
        """
        point = self.points[index]
        key = f"{format_key(point.name)}="
        if self.is_wide:
            return key
        tags = {"device": self._device.name, **self._device.tags}
        tags |= {"point": point.name, "unit": point.unit, "cn_name": point.cn_name}
        return f"{format_series(self._device.measurement, tags | {'quality': quality})} {key}"


class Encoded(NamedTuple):
    """The data of a request as text: fields with commas between, or lines with STAMP in each."""

    text: str
    samples: int
    without: tuple[int, ...] = ()  # indices of points that have no value


class RequestEncoder:
    """Writes what comes as the answer to one request."""

    def __init__(self, request: ReadRequest, columns: Columns) -> None:
        written = [i for i in request.points if columns.points[i].write_as != "nothing"]
        request = request._replace(points=tuple(written))
        self._request = request
        self._columns = columns
        self._unpacker = Unpacker(columns.points, request)
        self._scales: list[tuple[int, float, float]] = []
        self._finishes: list[tuple[int, Callable[[float], float | None]]] = []
        self._others: list[tuple[int, Decoder, int, bool]] = []
        tail = "" if columns.is_wide else f" {STAMP}"
        parts = [
            columns.format_head(index).replace("%", "%%") + self._add(slot, index) + tail
            for slot, index in enumerate(request.points)
        ]
        self._template = ("," if columns.is_wide else "\n").join(parts)

    def _add(self, slot: int, index: int) -> str:
        """Take note how a point is found; return how the template writes it."""
        point = self._columns.points[index]
        is_unsigned = point.write_as == "unsigned"
        if slot not in self._unpacker.slots:
            decode = self._columns.find_decoder(index)
            distance = point.address - self._request.address
            self._others.append((slot, decode, distance, is_unsigned))
            return "%s"
        if is_scaled_only(point):
            self._scales.append((slot, point.scale, point.offset))
            return "%.15g"  # what a double keeps: 234 * 0.1 is then 23.4, not 23.400000000000002
        if not is_plain(point):
            self._finishes.append((slot, make_finish(point)))
        if point.is_float:
            return "%r"
        return "%du" if is_unsigned else "%di"

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
        for slot, decode, distance, is_unsigned in self._others:
            found = decode(data, distance)
            if found is None or (not self._columns.is_wide and is_damaged(found)):
                return self._encode_singly(data)
            values[slot] = format_value(found, unsigned=is_unsigned)
        return Encoded(self._template % tuple(values), len(values))

    def _encode_singly(self, data: bytes) -> Encoded:
        """Return the same, point by point, where one of them has no value or a doubtful one."""
        columns = self._columns
        parts, without = [], []
        for index in self._request.points:
            point = columns.points[index]
            value = columns.find_decoder(index)(data, point.address - self._request.address)
            if value is None:
                without.append(index)
                continue
            quality = "uncertain" if is_damaged(value) else "good"
            text = format_value(value, unsigned=point.write_as == "unsigned")
            tail = "" if columns.is_wide else f" {STAMP}"
            parts.append(columns.format_head(index, quality=quality) + text + tail)
        return Encoded(("," if columns.is_wide else "\n").join(parts), len(parts), tuple(without))


def is_damaged(value: Value) -> bool:
    """Tell whether a text held bytes that are no characters."""
    return isinstance(value, str) and REPLACEMENT in value


def is_scaled_only(point: Point) -> bool:
    """Tell whether a number becomes its value by scale and offset alone."""
    is_scaled = point.scale != 1 or point.offset != 0
    return is_scaled and point.no_value is None and point.precision is None


def is_plain(point: Point) -> bool:
    """Tell whether a number is written as it was read, and is never out of range."""
    return (
        point.scale == 1
        and point.offset == 0
        and point.no_value is None
        and point.precision is None
        and (point.is_float == (point.type in FLOATS))
        and (point.type != "uint64" or point.write_as == "unsigned")
        and (point.write_as != "unsigned" or point.type.startswith("u"))
    )
