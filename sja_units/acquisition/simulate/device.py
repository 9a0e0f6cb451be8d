"""A device that answers as a configuration expects it, with values that move plausibly. Pure."""

import math
from collections.abc import Sequence

from sja_units.acquisition.points.point import Point
from sja_units.acquisition.points.types import FLOATS, RegisterTable, find_limits
from sja_units.acquisition.simulate.encode import encode, mask, round_raw

STEPS_PER_SECOND = 10
_LOW, _HIGH = 0.0, 100.0
"""Within these, values move where the type can hold them."""
_SHORTEST_SECONDS = 20.0

Images = dict[str, dict[int, int]]
"""By table, then by address: a register's or a bit's content."""


class SimulatedUnit:
    """What one Modbus unit would answer. Points that overlap show the last of them."""

    def __init__(self, points: Sequence[Point]) -> None:
        self._points = points
        self._images: Images = {}
        self._step = -1

    def read(
        self, table: RegisterTable, address: int, count: int, seconds: float
    ) -> list[int] | None:
        """Return registers or bits at a moment, None where the device has no such address.

        It has all addresses from the first of a table's points to the last.
        """
        step = int(seconds * STEPS_PER_SECOND)
        if step != self._step:
            self._images = _make_images(self._points, step / STEPS_PER_SECOND)
            self._step = step
        image = self._images.get(table)
        if not image or address < min(image) or address + count - 1 > max(image):
            return None
        return [image.get(a, 0) for a in range(address, address + count)]


def _make_images(points: Sequence[Point], seconds: float) -> Images:
    images: Images = {}
    for index, point in enumerate(points):
        image = images.setdefault(point.table, {})
        raw = make_raw(point, index, seconds)
        if point.is_bits:
            image[point.address] = int(bool(raw))
            continue
        own = mask(point)
        for address, word in enumerate(encode(point, raw), point.address):
            image[address] = image.get(address, 0) & ~own | word
    return images


def make_raw(point: Point, index: int, seconds: float) -> float | str:
    """Return what a point holds at a moment, before scale and offset: each point moves by itself.

    index: its number among the device's points.
    """
    if point.write_as == "nothing":
        return 0.0  # the power of ten of others
    period = _SHORTEST_SECONDS * (1 + index % 7 / 3)
    phase = (seconds / period + index * 0.618) % 1
    if point.type == "string":
        characters = point.size * 2 if point.byte == "both" else point.size
        return f"SIM{int(seconds):05}"[-characters:]
    if point.is_bits or point.type in ("bool", "bit"):
        return float(phase < 0.5)
    low, high = _find_range(point)
    raw = round_raw(point, low + (high - low) * (0.5 - 0.5 * math.cos(2 * math.pi * phase)))
    if raw == point.no_value:
        step = max(1.0, (high - low) / 50) if point.type not in FLOATS else (high - low) / 50
        raw = round_raw(point, raw + step if raw < (low + high) / 2 else raw - step)
    return raw


def _find_range(point: Point) -> tuple[float, float]:
    """Return between which raw numbers a point moves."""
    ends = sorted((end - point.offset) / point.scale for end in (_LOW, _HIGH))
    least, most = _limits(point)
    low, high = max(ends[0], least), min(ends[1], most)
    wide_enough = 10.0 if point.type not in FLOATS else 0.0
    return (low, high) if high - low > wide_enough else (_LOW, _HIGH)


def _limits(point: Point) -> tuple[float, float]:
    if point.type in FLOATS:
        return -60000.0, 60000.0  # what the smallest of them, float16, can hold
    least, most = find_limits(point.type)
    return float(least), float(most)
