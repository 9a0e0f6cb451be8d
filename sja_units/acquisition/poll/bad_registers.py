"""What a device refuses: points that are left out, and gaps that are not read along."""

import time
from collections.abc import Iterable, Sequence
from math import inf

from sja_units.acquisition.points.point import Point
from sja_units.acquisition.points.types import RegisterTable
from sja_units.runtime import log

RETRY_REFUSED_SECONDS = 60.0
RETRY_CUT_SECONDS = 600.0
_NAMED_AT_MOST = 5


class BadRegisters:
    """Keeps what is refused, and when it is to be tried again; nothing is left out for ever."""

    def __init__(self, device: str, points: Sequence[Point]) -> None:
        self._device = device
        self._points = points
        self._refused: dict[int, tuple[str, float]] = {}  # point -> why, when to try again
        self._cuts: dict[
            tuple[RegisterTable, int], float
        ] = {}  # where a block has to begin, until when
        self._told: set[int] = set()
        self._planned: tuple[set[int], set[tuple[RegisterTable, int]]] = (set(), set())

    def __len__(self) -> int:
        return len(self._refused)

    @property
    def points(self) -> set[int]:
        return set(self._refused)

    @property
    def boundaries(self) -> set[tuple[RegisterTable, int]]:
        return set(self._cuts)

    def take_change(self) -> bool:
        """Tell whether something has changed since the last time."""
        before, self._planned = self._planned, (self.points, self.boundaries)
        return before != self._planned

    def refuse(self, point: int, why: str) -> None:
        self._refused.pop(point, None)  # those that wait for longer come first
        self._refused[point] = (why, time.monotonic() + RETRY_REFUSED_SECONDS)

    def take_back(self, points: Iterable[int]) -> None:
        """Take note that these have been read."""
        for point in points:
            self._refused.pop(point, None)

    def cut(self, table: RegisterTable, address: int) -> None:
        if self._cuts.get((table, address)) != inf:
            self._cuts[table, address] = time.monotonic() + RETRY_CUT_SECONDS

    def cut_for_good(self, table: RegisterTable, address: int) -> None:
        """Begin a request there from now on: to try it as a whole again would cost values."""
        self._cuts[table, address] = inf

    def drop_old_cut(self) -> None:
        """Forget a cut that is old: if nothing is refused there any more, it costs a request."""
        now = time.monotonic()
        # One a cycle: where it was right, what it parted is refused and divided anew.
        place = next((place for place, until in self._cuts.items() if until <= now), None)
        if place:
            del self._cuts[place]

    def take_due(self) -> int | None:
        """Return a point whose turn it is to be tried again, None if there is none."""
        now = time.monotonic()
        for point, (why, again) in self._refused.items():
            if again <= now:
                self.refuse(point, why)
                return point
        return None

    def describe(self) -> list[str]:
        """Return what is refused, each with its place, its point and the reason."""
        refused = sorted(self._refused.copy().items())
        return [f"{describe_point(self._points[point])}: {why}" for point, (why, _) in refused]

    def tell(self) -> None:
        """Tell what is refused since the last time, and what answers again: a line for each."""
        new = [
            f"{describe_point(self._points[point])}: {why}"
            for point, (why, _) in sorted(self._refused.items())
            if point not in self._told
        ]
        back = [describe_point(self._points[i]) for i in sorted(self._told - self.points)]
        self._told = self.points
        if new:
            log.warning(
                f"{self._device}: left out, tried again every {RETRY_REFUSED_SECONDS:.0f} s: "
                + _shorten(new)
            )
        if back:
            log.notice(f"{self._device}: answers again: {_shorten(back)}")


def describe_point(point: Point) -> str:
    last = f"-{point.end - 1}" if point.size > 1 else ""
    return f"{point.table} {point.address}{last} ({point.name})"


def _shorten(names: list[str]) -> str:
    more = len(names) - _NAMED_AT_MOST
    return ", ".join(names[:_NAMED_AT_MOST]) + (f" and {more} more" if more > 0 else "")
