"""The thread that brings what is in the spool to the database, in order."""

import time
from contextlib import suppress

from sja_units.acquisition.backoff import BackOff
from sja_units.acquisition.influxdb.api import Verdict, is_same_refusal, would_take_lines
from sja_units.acquisition.influxdb.client import Uploader
from sja_units.acquisition.influxdb.dead_letter import DeadLetter
from sja_units.acquisition.spool.reader import SpoolReader
from sja_units.acquisition.spool.segment import Batch
from sja_units.acquisition.worker_thread import WorkerThread
from sja_units.runtime import log
from sja_units.text import count, describe_os_error

MAX_LINES = 5000
_WAIT_SECONDS = 5.0


class _Stopped(Exception):
    """The time to send is over; nothing is acknowledged that was not written."""


class _ReadAgain(Exception):
    """Newer lines may have come, of which one may be taken."""


class Sink(WorkerThread):
    """Sends batches as they come; larger ones the more wait."""

    def __init__(self, spool: SpoolReader, uploader: Uploader, dead_letter: DeadLetter) -> None:
        super().__init__("sink")
        self.state = "healthy"
        self.message = ""
        self.last_success_ns: int | None = None
        self.parked = 0
        self._spool = spool
        self._uploader = uploader
        self._dead_letter = dead_letter
        self._back_off = BackOff(15.0)
        self._max_lines = MAX_LINES
        self._refused: list[tuple[bytes, str]] = []  # lines with the database's reason
        self._is_request_fine = False  # so that a refusal is about the lines; known once a batch
        self._said_of_lines: Verdict | None = None  # what it says of bad lines, and of no lines too
        self._doubts = 0
        self._stop_at: float | None = None

    def stop(self, deadline: float) -> None:
        """Ask the thread to end once all is sent, at the first failure, or at that time."""
        self._stop_at = deadline
        self._spool.wake()

    def work(self) -> None:
        with suppress(_Stopped):
            while True:
                self.due_within(_WAIT_SECONDS)
                if batches := self._read():
                    with suppress(_ReadAgain):
                        self._send_all(batches)
                elif self._stop_at is not None:
                    break
                else:
                    self._spool.wait(_WAIT_SECONDS)
        self._uploader.close()

    def _read(self) -> list[Batch]:
        while True:
            try:
                return self._spool.read(self._max_lines)
            except OSError as error:
                self._fail("error", f"the spool: {describe_os_error(error)}", 0.0)

    def _send_all(self, batches: list[Batch]) -> None:
        lines = [line for batch in batches for line in batch.body.split(b"\n") if line]
        self._refused.clear()
        self._is_request_fine = False
        at = 0
        while at < len(lines):
            part = lines[at : at + self._max_lines]
            self._deliver(part)
            at += len(part)
        self._park()
        self._spool.acknowledge(batches)

    def _deliver(self, lines: list[bytes]) -> None:
        """Return once each line is either written or refused; raise _Stopped if told to end."""
        verdict = self._send(lines)
        if verdict.kind == "written":
            return
        if len(lines) == 1:
            self._refused.append((lines[0], verdict.message))
            return
        middle = len(lines) // 2
        if verdict.kind == "halve":
            self._max_lines = middle
        self._deliver(lines[:middle])
        self._deliver(lines[middle:])

    def _send(self, lines: list[bytes]) -> Verdict:
        """Send until the database has decided about these very lines."""
        body = b"\n".join(lines) + b"\n"
        is_doubted = False
        while True:
            if self._stop_at is not None and time.monotonic() >= self._stop_at:
                raise _Stopped
            self.due_within(self._uploader.longest_seconds)
            verdict = self._uploader.send(body)
            if verdict.kind == "written":
                self._is_request_fine = True
                self.last_success_ns = time.time_ns()
            elif verdict.kind == "split" and not (self._is_request_fine or is_doubted):
                is_doubted = True
                verdict = self._doubt(verdict, lines)
                if verdict.kind == "split":
                    continue  # the database may have been mended between the two answers
            if verdict.kind not in ("later", "refused"):
                self._recover()
                return verdict
            state = "refused" if verdict.kind == "refused" else "error"
            self._fail(state, verdict.message, verdict.wait)
            is_doubted = False
            if verdict.kind == "refused":
                raise _ReadAgain

    def _doubt(self, verdict: Verdict, lines: list[bytes]) -> Verdict:
        """Return what a refusal of lines means: one that no lines get, too, is of the request."""
        self._is_request_fine = True
        if self._said_of_lines and is_same_refusal(verdict, self._said_of_lines):
            return verdict
        self.due_within(2 * self._uploader.longest_seconds)
        without = self._uploader.send(b"")
        if not is_same_refusal(without, verdict) or would_take_lines(without):
            # Any other answer, such as a 500 to a body that nobody ever sends, holds up no lines.
            self._is_request_fine = without.kind != "later"
            return verdict
        # Where a server says the same to all that it refuses, it may still take a line: the last
        # one first, another one each time.
        self._doubts += 1
        line = lines[-self._doubts % len(lines)]
        if self._uploader.send(line + b"\n").kind == "written":
            self._said_of_lines = verdict
            return verdict
        self._is_request_fine = False
        return Verdict("refused", without.message)

    def _recover(self) -> None:
        if self.state != "healthy":
            waiting = count(self._spool.count_lines(), "line")
            log.notice(f"database: back, {waiting} to catch up")
        self.state, self.message = "healthy", ""
        self._back_off.reset()

    def _fail(self, state: str, message: str, wait: float) -> None:
        """Say it once, and wait; raise _Stopped if it failed after the order to end.

        An order that comes while it waits ends the waiting: there is one last try.
        """
        if self.state == "healthy":
            log.warning(f"database: {message}; everything is kept and sent later")
        self.state, self.message = state, message
        until = time.monotonic() + max(self._back_off.fail(), wait)
        if self._stop_at is not None:
            raise _Stopped
        while self._stop_at is None and (left := until - time.monotonic()) > 0:
            self.due_within(1)
            time.sleep(min(left, 0.2))

    def _park(self) -> None:
        """Put what the database refuses for good into the dead-letter file."""
        while self._refused:
            try:
                self._dead_letter.park(self._refused)
            except OSError as error:
                self._fail("error", f"the dead-letter file: {describe_os_error(error)}", 0.0)
            else:
                self.parked += len(self._refused)
                self._refused.clear()
