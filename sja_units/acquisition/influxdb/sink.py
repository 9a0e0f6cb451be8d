"""The thread that brings what is in the spool to the database, in order."""

from collections.abc import Callable
from contextlib import suppress

from sja_units.acquisition.influxdb.api import Retry
from sja_units.acquisition.influxdb.client import Uploader
from sja_units.acquisition.influxdb.dead_letter import DeadLetter
from sja_units.acquisition.influxdb.delivery import Delivery, ReadAgainError
from sja_units.acquisition.influxdb.refusal import Refused
from sja_units.acquisition.influxdb.refusals import RECENT_SECONDS, RecentRefusals
from sja_units.acquisition.influxdb.request_size import MAX_LINES
from sja_units.acquisition.influxdb.sender import Sender, StoppedError
from sja_units.acquisition.spool.reader import SpoolReader
from sja_units.acquisition.spool.segment import Batch
from sja_units.acquisition.worker_thread import WorkerThread
from sja_units.runtime import log
from sja_units.text import count, describe_os_error

_WAIT_SECONDS = 5.0


class Sink(WorkerThread):
    """Sends batches as they come; larger ones the more wait."""

    def __init__(self, spool: SpoolReader, uploader: Uploader, dead_letter: DeadLetter) -> None:
        super().__init__("sink")
        self.sender = Sender(uploader, self.due_within, spool.count_lines)
        self.dead_letter = dead_letter
        self.recent_refusals = RecentRefusals()
        self._spool = spool
        self._delivery = Delivery(self.sender)
        for parked in dead_letter.list_recent(RECENT_SECONDS):
            self.recent_refusals.add(parked.line, parked.reason)

    def stop(self, deadline: float) -> None:
        """Ask the thread to end once all is sent, at the first failure, or at that time."""
        self.sender.stop_at = deadline
        self._spool.wake()

    def work(self) -> None:
        with suppress(StoppedError):
            while True:
                self.due_within(_WAIT_SECONDS)
                if batches := self._read():
                    with suppress(ReadAgainError):
                        self._send(batches)
                elif self.sender.stop_at is not None:
                    break
                else:
                    self._spool.wait(_WAIT_SECONDS)
                for path in self.dead_letter.list_resends():
                    with suppress(ReadAgainError):
                        self._resend(path)
        self.sender.close()

    def _read(self) -> list[Batch]:
        while True:
            try:
                return self._spool.read(self._delivery.size.lines)
            except OSError as error:
                self.sender.fail(Retry(f"the spool: {describe_os_error(error)}"))

    def _send(self, batches: list[Batch]) -> None:
        lines = [line for batch in batches for line in batch.body.split(b"\n") if line]
        self._park(self._delivery.deliver(lines))
        self._spool.acknowledge(batches)

    def _resend(self, path: str) -> None:
        """Send the lines of a file that were refused; what is refused again is parked again."""
        lines = self.dead_letter.read_resend(path)
        self._delivery.forget_refusals()
        self.recent_refusals.clear()
        refused = 0
        for at in range(0, len(lines), MAX_LINES):
            again = self._delivery.deliver(lines[at : at + MAX_LINES])
            self._park(again)
            refused += len(again)
        self._persist(lambda: self.dead_letter.remove_resend(path, len(lines)))
        done = f"database: {count(len(lines) - refused, 'refused line')} brought in by resend"
        log.notice(done + (f", {refused:,} refused again" if refused else ""))

    def _park(self, refused: list[Refused]) -> None:
        """Put what the database refuses into the dead-letter file."""
        if not refused:
            return
        self._persist(lambda: self._spool.count_dropped(self.dead_letter.park(refused)))
        for line, reason in refused:
            self.recent_refusals.add(line, reason)

    def _persist(self, change: Callable[[], None]) -> None:
        """Change the files of what is refused, however long the disk does not take it."""
        has_failed = False
        while True:
            try:
                change()
            except OSError as error:
                has_failed = True
                self.sender.fail(Retry(f"the dead-letter file: {describe_os_error(error)}"))
            else:
                break
        if has_failed:
            self.sender.recover()
