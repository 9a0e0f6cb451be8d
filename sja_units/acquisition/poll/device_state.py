"""How a device is, and what the journal is told of it: once when it changes, and rarely after."""

import time
from typing import Literal

from sja_units.acquisition.backoff import BackOff
from sja_units.acquisition.modbus.link import LinkCondition
from sja_units.runtime import log

TELL_LOST_SECONDS = 3600.0

DeviceCondition = Literal["healthy"] | LinkCondition


class DeviceState:
    """Its poller changes it; others only look at its public fields."""

    def __init__(self, device: str) -> None:
        self.condition: DeviceCondition = "disconnected"
        self.message = "not read yet"
        self.consecutive_failures = 0
        self.has_answered = False
        self.is_silent = False  # the device itself, not the way to it
        self._device = device
        self._back_off = BackOff()
        self._lost_at = 0.0
        self._tell_at = 0.0

    def is_due(self) -> bool:
        """Tell whether a device that was lost is to be tried again."""
        return self._back_off.is_due()

    def note_lost(self, condition: DeviceCondition, message: str) -> None:
        """Take note of a cycle that has brought nothing."""
        now = time.monotonic()
        if not self.consecutive_failures:
            self._lost_at, self._tell_at = now, now + TELL_LOST_SECONDS
            log.warning(f"{self._device}: lost: {message}; it is tried again and again")
        elif now >= self._tell_at:
            self._tell_at = now + TELL_LOST_SECONDS
            log.warning(
                f"{self._device}: lost for {(now - self._lost_at) / 3600:.0f} h, "
                f"{self.consecutive_failures} cycles failed: {message}"
            )
        self.consecutive_failures += 1
        self.condition, self.message = condition, message
        self._back_off.fail()

    def note_refusing(self, message: str) -> None:
        """Take note of a cycle in which it has refused everything."""
        self.note_lost("error", message)
        self.has_answered = True
        self.is_silent = False
        self._back_off.reset()  # it does answer: asking again costs nobody anything

    def note_answer(self, message: str) -> None:
        """Take note of a cycle that has brought values; message: what else there is to say."""
        if self.consecutive_failures:
            away = time.monotonic() - self._lost_at
            log.notice(
                f"{self._device}: back after {away:.0f} s "
                f"({self.consecutive_failures} cycles failed)"
            )
        self.condition = "error" if message else "healthy"
        self.message = message
        self.consecutive_failures = 0
        self.has_answered = True
        self.is_silent = False
        self._back_off.reset()
