"""Time stamps that people can trust: from the monotonic clock, never of an unset one. Pure."""

EARLIEST = 1_704_067_200 * 10**9
"""2024-01-01 in ns since 1970: a clock before it has not been set since the machine started."""
_FEW_SECONDS = 2 * 10**9
"""A step of the wall clock up to here is one of ordinary time-keeping."""


def is_plausible(wall_ns: int) -> bool:
    """Tell whether the system's clock has been set."""
    return wall_ns >= EARLIEST


class ClockStepDetector:
    """Notes when the wall clock jumps."""

    def __init__(self) -> None:
        self._offset: int | None = None

    def note(self, offset_ns: int) -> str:
        """Return what there is to tell, "" as long as the wall clock keeps its pace.

        offset_ns: by how much it is ahead of the monotonic one now.
        """
        step = 0 if self._offset is None else offset_ns - self._offset
        self._offset = offset_ns
        if abs(step) <= _FEW_SECONDS:
            return ""
        way = "ahead" if step > 0 else "back"
        return f"the clock went {way} by {abs(step) / 1e9:,.1f} s: from now on values have its time"


class Timestamps:
    """Time stamps of one device, no two in a row the same."""

    def __init__(self) -> None:
        self._stamp = 0
        self._monotonic = 0

    def make(self, monotonic_ns: int, offset_ns: int) -> int:
        """Return the Unix time in ns of a moment of the monotonic clock.

        offset_ns: by how much the wall clock is ahead of the monotonic one now. Where the wall
        clock was set back by a few seconds, stamps go on at half speed until it has caught up, so
        that values stay in their order. Where it was wrong by more, stamps go back with it: what
        it gave before was no true time.
        """
        stamp = monotonic_ns + offset_ns
        if self._stamp:
            slowed = self._stamp + max(1, (monotonic_ns - self._monotonic) // 2)
            if stamp < slowed <= stamp + _FEW_SECONDS:
                stamp = slowed
            elif stamp == self._stamp:
                stamp += 1
        self._stamp, self._monotonic = stamp, monotonic_ns
        return stamp
