"""One request after another, and how the database is: well, failing, or refusing all."""

import time
from collections.abc import Callable
from typing import Literal

from sja_units.acquisition.backoff import BackOff
from sja_units.acquisition.influxdb.api import Rejected, Result, Retry, Written
from sja_units.acquisition.influxdb.client import Uploader
from sja_units.runtime import log
from sja_units.text import count

State = Literal["unknown", "healthy", "error", "refused"]
"""unknown: not asked yet; error: it is tried again; refused: a person has to act."""
_FAILED = ("error", "refused")


class StoppedError(Exception):
    """The time to send is over; nothing is acknowledged that was not written."""


class Sender:
    """Sends and waits; only the sink's thread calls it, others look at its public fields."""

    def __init__(
        self,
        uploader: Uploader,
        due_within: Callable[[float], None],
        count_unsent: Callable[[], int],
    ) -> None:
        """due_within: is told how long the next step may take."""
        self.state: State = "unknown"
        self.message = ""
        self.last_success_ns: int | None = None
        self.stop_at: float | None = None
        self._uploader = uploader
        self._due_within = due_within
        self._count_unsent = count_unsent
        self._back_off = BackOff(15.0)

    def send(self, lines: list[bytes]) -> Result:
        """Send lines once and return what comes back. Raises StoppedError."""
        if self.stop_at is not None and time.monotonic() >= self.stop_at:
            raise StoppedError
        self._due_within(self._uploader.longest_seconds)
        has_packed = self._uploader.packs
        result = self._uploader.send(b"".join(line + b"\n" for line in lines))
        if has_packed and not self._uploader.packs:
            log.notice("database: it does not know gzip, and gets plain text from now on")
        if isinstance(result, Written) and lines:
            self.last_success_ns = time.time_ns()
        return result

    def recover(self) -> None:
        """Take note that the database decides about lines."""
        if self.state in _FAILED:
            log.notice(f"database: back, {count(self._count_unsent(), 'line')} to catch up")
        self.state, self.message = "healthy", ""
        self._back_off.reset()

    def fail(self, result: Retry | Rejected) -> None:
        """Say it once, and wait; raise StoppedError if it failed after the order to end.

        An order that comes while it waits ends the waiting: there is one last try.
        """
        if self.state not in _FAILED:
            log.warning(f"database: {result.message}; everything is kept and sent later")
        self.state = "refused" if isinstance(result, Rejected) else "error"
        self.message = result.message
        wait = result.wait if isinstance(result, Retry) else 0.0
        until = time.monotonic() + max(self._back_off.fail(), wait)
        if self.stop_at is not None:
            raise StoppedError
        while self.stop_at is None and (left := until - time.monotonic()) > 0:
            self._due_within(1)
            time.sleep(min(left, 0.2))

    def close(self) -> None:
        self._uploader.close()
