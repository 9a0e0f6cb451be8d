"""Time stamps that people can trust: from the monotonic clock, never of an unset one. Pure."""

EARLIEST = 1_704_067_200 * 10**9
"""2024-01-01 in ns since 1970: a clock before it has not been set since the machine started."""


def is_plausible(wall_ns: int) -> bool:
    """Tell whether the system's clock has been set."""
    return wall_ns >= EARLIEST


class Stamps:
    """Time stamps of one device, each later than the one before."""

    def __init__(self) -> None:
        self._stamp = 0
        self._monotonic = 0

    def make(self, monotonic_ns: int, offset_ns: int) -> int:
        """Return the Unix time in ns of a moment of the monotonic clock.

        offset_ns: by how much the wall clock is ahead of the monotonic one now. Where the wall
        clock was set back, stamps go on at half speed until it has caught up: no value that is
        stored already is overwritten, and none gets a time far from its neighbours.
        """
        stamp = monotonic_ns + offset_ns
        if self._stamp:
            slowed = (monotonic_ns - self._monotonic) // 2
            stamp = max(stamp, self._stamp + max(1, slowed))
        self._stamp, self._monotonic = stamp, monotonic_ns
        return stamp
