"""From answers to lines of the database. Pure, but for the time stamps it remembers."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sja_units.acquisition.config import Device
from sja_units.acquisition.influxdb.line_protocol import format_series
from sja_units.acquisition.influxdb.request_encoder import STAMP, Columns, Encoded, RequestEncoder
from sja_units.acquisition.points.decode import explain
from sja_units.acquisition.points.plan import ReadRequest
from sja_units.acquisition.points.point import Point
from sja_units.acquisition.points.scaling import explain_scaled, read_scale
from sja_units.acquisition.poll.device import Answer
from sja_units.acquisition.timestamps import Timestamps

_WINDOW_NS = (10**8, 10**9)  # at least, at most: within it, answers are of one time
_WINDOW_SHARE = 10  # of the interval
_SPARE_ENCODERS = 64


class Lines(NamedTuple):
    """What one reading became."""

    lines: list[str]
    samples: int
    time_ns: int  # of its newest value
    no_value: tuple[tuple[str, str], ...] = ()  # points: why they have none, "" if they have again


class LineEncoder:
    """Turns what one device answered into lines.

    A wide line holds the answers that came within a window, at the time of the first of them.
    Narrow lines have the tags device, point, unit, cn_name, quality and the device's own ones; the
    one field is named by the point. quality is "good", or "uncertain" for a text with bytes that
    are none and had to be replaced. What cannot be trusted (not read, refused, "no value", not a
    number, out of range) has no line: nothing "bad" is ever written, and health says why.
    """

    def __init__(self, device: Device, layout: str, interval: float = 1.0) -> None:
        self._is_wide = layout == "wide"
        self._series = format_series(device.measurement, device.tags)
        self._points = device.points
        self._columns = Columns(device, is_wide=self._is_wide)
        self._has_scales = any(p.scale_register is not None for p in device.points)
        self._encoders: dict[ReadRequest, RequestEncoder] = {}
        self._stamps = Timestamps()
        self._without: dict[int, str] = {}  # points that had no value, and why
        self._changes: list[tuple[str, str]] = []
        least, most = _WINDOW_NS
        self._window_ns = min(most, max(least, int(interval * 1e9) // _WINDOW_SHARE))

    def make_lines(self, answers: tuple[Answer, ...], offset_ns: int) -> Lines:
        """Return the lines of one cycle.

        offset_ns: by how much the wall clock is ahead of the monotonic one.
        """
        lines: list[str] = []
        samples = stamp = 0
        if self._has_scales:
            for answer in answers:
                self._note_scales(answer)
        for group in self._group(answers):
            stamp = self._stamps.make(group[0].monotonic_ns, offset_ns)
            found = [each for each in map(self._encode, group) if each.samples]
            samples += sum(each.samples for each in found)
            if found and self._is_wide:
                fields = ",".join([each.text for each in found])
                lines.append(f"{self._series} {fields} {stamp}")
            elif found:
                lines += found[0].text.replace(STAMP, str(stamp)).split("\n")
        changes, self._changes = self._changes, []
        return Lines(lines, samples, stamp, tuple(changes))

    def _group(self, answers: tuple[Answer, ...]) -> Iterator[Sequence[Answer]]:
        """Yield the answers that share a time stamp: of a narrow line each its own."""
        begin = 0
        for i, answer in enumerate(answers):
            late = answer.monotonic_ns - answers[begin].monotonic_ns > self._window_ns
            if i > begin and (late or not self._is_wide):
                yield answers[begin:i]
                begin = i
        yield answers[begin:]

    def _encode(self, answer: Answer) -> Encoded:
        encoder = self._encoders.get(answer.block)
        if encoder is None:
            if len(self._encoders) > len(self._points) + _SPARE_ENCODERS:
                self._encoders.clear()  # the plan has changed often, and these are of older ones
            encoder = RequestEncoder(answer.block, self._columns)
            self._encoders[answer.block] = encoder
        encoded = encoder.encode(answer.data)
        if encoded.without or self._without:
            self._note_without(answer, encoded)
        return encoded

    def _note_scales(self, answer: Answer) -> None:
        """Keep what scale registers hold: they may stand in another answer than the values."""
        for index in answer.block.points:
            point = self._points[index]
            if point.write_as == "nothing":
                power = read_scale(answer.data, point.address - answer.block.address)
                self._columns.scales[point.table, point.address] = power

    def _explain(self, point: Point, answer: Answer) -> str:
        distance = point.address - answer.block.address
        why = ""
        if point.scale_register is not None:
            power = self._columns.scales.get((point.table, point.scale_register))
            why = explain_scaled(point, answer.data, distance, power)
        return why or explain(point, answer.data, distance)

    def _note_without(self, answer: Answer, encoded: Encoded) -> None:
        """Take note of points that have no value, and of those that have one again."""
        for index in encoded.without:
            point = self._points[index]
            why = self._explain(point, answer)
            if self._without.get(index) != why:
                self._without[index] = why
                self._changes.append((point.name, why))
        for index in self._without.keys() & set(answer.block.points) - set(encoded.without):
            del self._without[index]
            self._changes.append((self._points[index].name, ""))
