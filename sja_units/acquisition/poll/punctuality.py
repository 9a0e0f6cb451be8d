"""Whether the interval is kept: of the cycles of the last minute, how many never came. Pure."""

from collections import deque

_WINDOW_SECONDS = 60.0
_WINDOW_CYCLES = 12  # at least: a minute says nothing of an interval that is as long
_BUCKETS = 60
_FEW = 3
_SHARE = 4  # a quarter


class Punctuality:
    """Counts cycles and those of the grid that were left out because one took too long."""

    def __init__(self, interval: float) -> None:
        self.seconds = 0.0  # that the last cycle took
        self.cycles = 0  # of the grid, within the window
        self.missed = 0
        self._bucket_seconds = max(_WINDOW_SECONDS, _WINDOW_CYCLES * interval) / _BUCKETS
        self._buckets: deque[list[int]] = deque()  # when, cycles, missed

    def note(self, moment: float, seconds: float, missed: int) -> None:
        """Take note of a cycle that ended at that moment, and how many of the grid it has cost."""
        self.seconds = seconds
        number = int(moment / self._bucket_seconds)
        if not self._buckets or self._buckets[-1][0] != number:
            self._buckets.append([number, 0, 0])
        self._buckets[-1][1] += 1 + missed
        self._buckets[-1][2] += missed
        self.cycles += 1 + missed
        self.missed += missed
        while self._buckets[0][0] <= number - _BUCKETS:
            _, cycles, missed_then = self._buckets.popleft()
            self.cycles -= cycles
            self.missed -= missed_then

    def describe(self) -> str:
        """Return what there is to say where the interval is not kept, else ""."""
        if self.missed < _FEW or self.missed * _SHARE < self.cycles:
            return ""
        return (
            f"{self.missed} of the last {self.cycles} cycles were skipped, "
            f"because one takes {self.seconds:.2g} s"
        )
