"""What was read and not yet written, from the threads that poll to the one that writes."""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from sja_units.acquisition.config import Device
from sja_units.acquisition.poll.device import Answer

INBOX_READINGS = 20_000


class Reading(NamedTuple):
    """What a device answered in one cycle."""

    device: Device
    answers: tuple[Answer, ...]


class Inbox:
    """A queue with a bound: where it is full, the oldest reading gives way."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._readings: deque[Reading] = deque(maxlen=INBOX_READINGS)
        self._wake = wake
        self._dropped = 0
        self._dropped_told = 0

    def __len__(self) -> int:
        return len(self._readings)

    def put(self, reading: Reading) -> None:
        """Add a reading; `announce` tells of it."""
        if len(self._readings) == INBOX_READINGS:
            self._dropped += 1
        self._readings.append(reading)

    def announce(self) -> None:
        """Wake the thread that takes what has come."""
        self._wake()

    def take(self) -> list[Reading]:
        """Return all that has come since the last time, oldest first."""
        return [self._readings.popleft() for _ in range(len(self._readings))]

    def take_dropped(self) -> int:
        """Return how many readings had no room since the last time."""
        dropped = self._dropped - self._dropped_told
        self._dropped_told += dropped
        return dropped
