"""From answers to lines of the database. Pure, but for the time stamps it remembers."""

from typing import NamedTuple

from sja_units.acquisition.config import Device
from sja_units.acquisition.influxdb.line_protocol import (
    format_key,
    format_line,
    format_series,
    format_value,
)
from sja_units.acquisition.points.decode import REPLACEMENT, Decoder, make_decoder
from sja_units.acquisition.points.point import Point
from sja_units.acquisition.poll.device import Answer
from sja_units.acquisition.timestamps import Timestamps


class Lines(NamedTuple):
    """What one reading became."""

    lines: list[str]
    samples: int
    time_ns: int  # of its newest value


class _Column(NamedTuple):
    """How one point is written."""

    decode: Decoder
    address: int
    key: str  # with its equals sign
    series: str  # of the narrow layout
    uncertain: str  # the same, where the value is not all that the device sent
    is_unsigned: bool


class LineEncoder:
    """Turns what one device answered into lines.

    Narrow lines have the tags device, point, unit, cn_name, quality and the device's own ones; the
    one field is named by the point. quality is "good", or "uncertain" for a text with bytes that
    are none and had to be replaced. What cannot be trusted (not read, refused, "no value", not a
    number, out of range) has no line: nothing "bad" is ever written, and health says why.
    """

    def __init__(self, device: Device, layout: str) -> None:
        self._is_wide = layout == "wide"
        self._series = format_series(device.measurement, device.tags)
        self._columns = [_make_column(device, point) for point in device.points]
        self._stamps = Timestamps()

    def make_lines(self, answers: tuple[Answer, ...], offset_ns: int) -> Lines:
        """Return the lines of one cycle.

        offset_ns: by how much the wall clock is ahead of the monotonic one.
        """
        if self._is_wide:
            return self._make_wide(answers, offset_ns)
        lines: list[str] = []
        stamp = 0
        for answer in answers:
            stamp = self._stamps.make(answer.monotonic_ns, offset_ns)
            lines += [
                format_line(series, (field,), stamp) for series, field in self._fields(answer)
            ]
        return Lines(lines, len(lines), stamp)

    def _make_wide(self, answers: tuple[Answer, ...], offset_ns: int) -> Lines:
        """All values of a device and cycle stand in one line, at the time of the last answer."""
        stamp = self._stamps.make(answers[-1].monotonic_ns, offset_ns)
        fields = [field for answer in answers for _, field in self._fields(answer)]
        lines = [format_line(self._series, fields, stamp)] if fields else []
        return Lines(lines, len(fields), stamp)

    def _fields(self, answer: Answer) -> list[tuple[str, str]]:
        """Return series and KEY=VALUE of each point in an answer that has a value."""
        fields = []
        for index in answer.block.points:
            column = self._columns[index]
            value = column.decode(answer.data, column.address - answer.block.address)
            if value is not None:
                text = format_value(value, unsigned=column.is_unsigned)
                is_whole = not (isinstance(value, str) and REPLACEMENT in value)
                series = column.series if is_whole else column.uncertain
                fields.append((series, column.key + text))
        return fields


def _make_column(device: Device, point: Point) -> _Column:
    tags = {"device": device.name, **device.tags}
    tags |= {"point": point.name, "unit": point.unit, "cn_name": point.cn_name}
    return _Column(
        make_decoder(point),
        point.address,
        f"{format_key(point.name)}=",
        format_series(device.measurement, tags | {"quality": "good"}),
        format_series(device.measurement, tags | {"quality": "uncertain"}),
        point.write_as == "unsigned",
    )
