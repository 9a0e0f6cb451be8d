"""Waiting longer after each failure, never in step with others, never too long to be back soon."""

import os
import time


class BackOff:
    """Says when to try again: 0.5 s after the first failure, then 1 s, 2 s … `longest`."""

    def __init__(self, longest: float = 10.0) -> None:
        self._longest = longest
        self._failures = 0
        self._due = 0.0

    def fail(self) -> float:
        """Take note of a failure; return the seconds to wait."""
        # Not from `random`, which costs a worker more memory than all else here.
        jitter = 0.8 + 0.4 * os.urandom(1)[0] / 255
        wait = min(self._longest, 2.0 ** min(self._failures, 30) / 2) * jitter
        self._failures += 1
        self._due = time.monotonic() + wait
        return wait

    def reset(self) -> None:
        self._failures = 0
        self._due = 0.0

    def is_due(self) -> bool:
        return time.monotonic() >= self._due
