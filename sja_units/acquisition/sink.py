"""The thread that brings what is in the spool to the database, in order."""

import os
import time
from contextlib import suppress

from sja_units import journal
from sja_units.acquisition.backoff import BackOff
from sja_units.acquisition.influx import Verdict
from sja_units.acquisition.modbus import RESOLVE_SECONDS
from sja_units.acquisition.segments import Batch
from sja_units.acquisition.spool import Spool
from sja_units.acquisition.upload import REQUEST_SECONDS, Uploader
from sja_units.acquisition.words import count, describe_os_error
from sja_units.acquisition.worker_thread import WorkerThread

MAX_LINES = 5000
DEAD_LETTER_BYTES = 16 * 2**20
_STATES = {"later": "error", "refused": "refused"}


class _Stopped(Exception):
    """The time to send is over; nothing is acknowledged that was not written."""


class Sink(WorkerThread):
    """Sends batches as they come; larger ones the more wait."""

    def __init__(self, spool: Spool, uploader: Uploader, dead_letter: str) -> None:
        """dead_letter: path of the file for lines that the database will never take."""
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
        self._stop_at: float | None = None

    def stop(self, deadline: float) -> None:
        """Ask the thread to end once all is sent, at the first failure, or at that time."""
        self._stop_at = deadline
        self._spool.wake()

    def work(self) -> None:
        while True:
            try:
                batches = self._spool.read(self._max_lines)
            except OSError as error:
                self._fail(Verdict("later", f"the spool: {describe_os_error(error)}"))
                continue
            if batches:
                try:
                    self._send_all(batches)
                except _Stopped:
                    break
            elif self._stop_at is not None:
                break
            else:
                self.due_within(5)
                self._spool.wait(5)
        self._uploader.close()

    def _send_all(self, batches: list[Batch]) -> None:
        lines = [line for batch in batches for line in batch.body.splitlines()]
        at = 0
        while at < len(lines):
            part = lines[at : at + self._max_lines]
            self._deliver(part)
            at += len(part)
        self._spool.acknowledge(batches)

    def _deliver(self, lines: list[bytes]) -> None:
        """Return once each line is either written or parked; raise _Stopped if told to end."""
        verdict = self._send(lines)
        if verdict.kind == "written":
            return
        if len(lines) == 1:
            self._park(lines[0], verdict.message)
            return
        middle = len(lines) // 2
        if verdict.kind == "halve":
            self._max_lines = middle
        self._deliver(lines[:middle])
        self._deliver(lines[middle:])

    def _send(self, lines: list[bytes]) -> Verdict:
        """Send until the database has decided about these very lines."""
        body = b"\n".join(lines) + b"\n"
        while True:
            self._check_time()
            self.due_within(RESOLVE_SECONDS + REQUEST_SECONDS * 3)
            verdict = self._uploader.send(body)
            if verdict.kind not in ("later", "refused"):
                self._succeed()
                return verdict
            self._fail(verdict)

    def _check_time(self) -> None:
        if self._stop_at is not None and time.monotonic() >= self._stop_at:
            raise _Stopped

    def _succeed(self) -> None:
        if self.state != "healthy":
            waiting = count(self._spool.state().lines, "line")
            journal.notice(f"database: back, {waiting} to catch up")
        self.state, self.message = "healthy", ""
        self.last_success_ns = time.time_ns()
        self._back_off.reset()

    def _fail(self, verdict: Verdict) -> None:
        if self.state == "healthy":
            journal.warning(f"database: {verdict.message}; everything is kept and sent later")
        self.state = "refused" if verdict.kind == "refused" else "error"
        self.message = verdict.message
        until = time.monotonic() + max(self._back_off.fail(), verdict.wait)
        while (left := until - time.monotonic()) > 0:
            if self._stop_at is not None:
                raise _Stopped
            self.due_within(1)
            time.sleep(min(left, 0.2))

    def _park(self, line: bytes, reason: str) -> None:
        """Put a line that the database refuses for good into the dead-letter file."""
        while True:
            try:
                self._append_dead_letter(line, reason)
                break
            except OSError as error:
                self._fail(Verdict("later", f"the dead-letter file: {describe_os_error(error)}"))
        if not self.parked:
            journal.warning(f"database: a line is refused and parked in dead-letter.lp: {reason}")
        self.parked += 1

    def _append_dead_letter(self, line: bytes, reason: str) -> None:
        with suppress(FileNotFoundError):
            if os.stat(self._dead_letter).st_size > DEAD_LETTER_BYTES:
                os.replace(self._dead_letter, f"{self._dead_letter}.old")
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(self._dead_letter, flags, 0o600)
        try:
            os.write(fd, b"# %b\n%b\n" % (reason.encode(), line))
            os.fsync(fd)
        finally:
            os.close(fd)
