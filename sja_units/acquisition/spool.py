"""What was read, on disk until the database has it: append-only segments, a cursor, bounds.

The main thread puts, the sink's thread reads and acknowledges.
"""

import fcntl
import os
import time
from collections import deque
from contextlib import suppress
from threading import Condition
from typing import NamedTuple

from sja_units import journal
from sja_units.acquisition import segments
from sja_units.acquisition.config import SpoolConfig
from sja_units.acquisition.segments import Batch
from sja_units.durable import replace_file, sync_folder
from sja_units.errors import WorkerEnd

PENDING_BYTES = 8 * 2**20
_CHUNK = 2**20
_CURSOR_SECONDS = 1.0


class SpoolState(NamedTuple):
    """Figures for health: of what is not acknowledged, and what was dropped."""

    bytes: int
    batches: int
    lines: int
    oldest_ns: int | None
    dropped: int  # lines, since the spool was made
    is_dropping: bool
    fault: str  # why the disk takes nothing, "" while it does


class _Segment:
    """A file of the spool; `size` is what is surely on the disk."""

    __slots__ = ("batches", "lines", "number", "opened", "size")

    def __init__(self, number: int) -> None:
        self.number = number
        self.size = 0
        self.batches = 0  # not acknowledged
        self.lines = 0
        self.opened = time.monotonic()


class Spool:
    """A folder of segments. Raises WorkerEnd if another worker holds it."""

    def __init__(self, folder: str, bounds: SpoolConfig, *, keeps_all: bool = False) -> None:
        """keeps_all: nothing is ever acknowledged, only the bounds remove (sink `local`)."""
        self._folder = folder
        self._bounds = bounds
        self._keeps_all = keeps_all
        self._segment_bytes = max(64 * 1024, min(bounds.max_bytes // 8, 8 * 2**20))
        self._news = Condition()
        self._segments: deque[_Segment] = deque()
        self._position = (0, 0)  # segment number and byte of what comes next to be sent
        self._taken = (0, 0)  # where `read` last took from
        self._pending: deque[tuple[bytes, int]] = deque()
        self._pending_bytes = 0
        self._fd = -1
        self._fault = ""
        self._is_full = False
        self._dropped = 0
        self._cursor_due = 0.0
        os.makedirs(folder, mode=0o700, exist_ok=True)
        self._lock_fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._lock()
        self._load()

    # --- opening

    def _lock(self) -> None:
        try:
            fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WorkerEnd(f"another worker of this job holds {self._folder}") from None

    def _path(self, name: str) -> str:
        return f"{self._folder}/{name}"

    def _load(self) -> None:
        found = (segments.parse_segment_name(entry) for entry in os.listdir(self._folder))
        numbers = sorted(number for number in found if number is not None)
        self._position = self._read_cursor()
        for number in numbers:
            segment = self._load_segment(number, is_last=number == numbers[-1])
            if number < self._position[0]:
                self._unlink(segment)  # done with, but killed before it was let go
            else:
                self._segments.append(segment)
        self._move_to_existing()

    def _read_cursor(self) -> tuple[int, int]:
        try:
            with open(self._path("cursor"), "rb") as file:
                number, offset, dropped = (int(word) for word in file.read(100).split())
        except FileNotFoundError:
            return 0, 0
        except ValueError:
            journal.warning("spool: the cursor is not readable; what is kept is sent once more")
            return 0, 0
        self._dropped = dropped
        return (0, 0) if self._keeps_all else (number, offset)

    def _load_segment(self, number: int, *, is_last: bool) -> _Segment:
        segment = _Segment(number)
        path = self._path(segments.name_segment(number))
        with open(path, "rb") as file:
            data = file.read()
        if is_last and (end := segments.find_end(data)) < len(data):
            self._quarantine(number, end, data[end:])
            with open(path, "r+b") as file:
                file.truncate(end)
                os.fsync(file.fileno())
            data = data[:end]
        segment.size = len(data)
        if number == self._position[0]:
            data = data[self._position[1] :]
        segment.batches, segment.lines = segments.count_batches(data)
        return segment

    def _quarantine(self, number: int, offset: int, data: bytes) -> None:
        """Keep bytes that are no batch in a dated file, and say so."""
        moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        name = f"torn-{moment}-{number}-{offset}"
        journal.warning(
            f"spool: {len(data)} bytes of segment {number} are not whole (a kill or a power cut "
            f"in the middle of a write, or a damaged disk); they are kept in {name}"
        )
        try:
            replace_file(self._path(name), data)
        except OSError as error:
            journal.error(f"spool: {name} could not be written: {error.strerror}")

    # --- writing: the main thread

    def put(self, body: bytes, lines: int, time_ns: int) -> bool:
        """Put lines on the disk and return True; False if they wait in memory for the disk."""
        record = segments.format_batch(body, lines, time_ns)
        self._pending.append((record, lines))
        self._pending_bytes += len(record)
        return self.flush()

    def flush(self) -> bool:
        """Try to put on the disk what waits in memory; True if nothing waits any more."""
        if not self._pending:
            return True
        try:
            self._write_pending()
        except OSError as error:
            self._note_fault(error)
            self._bound_pending()
            return False
        if self._fault:
            journal.notice("spool: the disk takes data again")
            self._fault = ""
        self._bound_disk()
        return True

    def _write_pending(self) -> None:
        segment = self._current()
        data = b"".join(record for record, _ in self._pending)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._fd, view) :]
            os.fdatasync(self._fd)
        except OSError:
            # After a failed write or sync the file is not trusted with anything new.
            self._abandon(segment)
            raise
        with self._news:
            segment.size += len(data)
            segment.batches += len(self._pending)
            segment.lines += sum(lines for _, lines in self._pending)
            self._news.notify_all()
        self._pending.clear()
        self._pending_bytes = 0

    def _current(self) -> _Segment:
        """Return the segment to append to, a new one where the last is full, old or not ours."""
        last = self._segments[-1] if self._segments else None
        if last is not None and self._fd < 0 and self._is_fit(last):
            path = self._path(segments.name_segment(last.number))
            self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
        if last is not None and self._fd >= 0:
            if self._is_fit(last):
                return last
            os.close(self._fd)
            self._fd = -1
        number = max(last.number if last else 0, self._position[0]) + 1
        path = self._path(segments.name_segment(number))
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._fd = os.open(path, flags, 0o600)
        segment = _Segment(number)
        with self._news:
            self._segments.append(segment)
        try:
            sync_folder(self._folder)
        except OSError:
            self._abandon(segment)
            raise
        return segment

    def _is_fit(self, segment: _Segment) -> bool:
        limit = self._segment_bytes
        if not segment.batches and not self._keeps_all:
            limit //= 16  # all of it is sent: a new one lets it go
        age = time.monotonic() - segment.opened
        return segment.size < limit and age < self._bounds.max_age / 8

    def _abandon(self, segment: _Segment) -> None:
        """Close a segment for good, cut to what is surely on the disk."""
        with suppress(OSError):
            os.ftruncate(self._fd, segment.size)
        with suppress(OSError):
            os.close(self._fd)
        self._fd = -1
        segment.opened = -1e9  # never appended to again
        if not segment.size:
            with self._news:
                self._segments.remove(segment)
            self._unlink(segment)

    def _note_fault(self, error: OSError) -> None:
        reason = error.strerror or str(error)
        if reason != self._fault:
            self._fault = reason
            journal.error(f"spool: the disk takes nothing: {reason}; values wait in memory")

    # --- bounds

    def _bound_pending(self) -> None:
        lost = 0
        while self._pending_bytes > PENDING_BYTES and len(self._pending) > 1:
            record, lines = self._pending.popleft()
            self._pending_bytes -= len(record)
            lost += lines
        self._count_dropped(lost, "the memory for values that wait for the disk is full")

    def _bound_disk(self) -> None:
        lost = 0
        total = sum(segment.size for segment in self._segments)
        while len(self._segments) > 1 and (
            total > self._bounds.max_bytes or self._is_too_old(self._segments[0])
        ):
            with self._news:
                segment = self._segments.popleft()
                self._move_to_existing()
            total -= segment.size
            lost += segment.lines
            self._unlink(segment)
        if self._keeps_all:
            self._dropped += lost  # its ordinary life, nothing to be told
        else:
            self._count_dropped(lost, "the spool is full")
        if lost:
            self._write_cursor()

    def _is_too_old(self, segment: _Segment) -> bool:
        try:
            changed = os.stat(self._path(segments.name_segment(segment.number))).st_mtime
        except OSError:
            return False
        return time.time() - changed > self._bounds.max_age

    def _count_dropped(self, lines: int, why: str) -> None:
        if lines and not self._is_full:
            journal.error(f"spool: {why}: the oldest values are dropped from now on")
        self._is_full = bool(lines) or (self._is_full and not self._is_empty())
        self._dropped += lines

    def _is_empty(self) -> bool:
        return not self._pending and not any(segment.batches for segment in self._segments)

    # --- reading: the sink's thread

    def wait(self, seconds: float) -> None:
        """Sleep until something is put or `wake` is called, at most that long."""
        with self._news:
            if not any(segment.batches for segment in self._segments):
                self._news.wait(seconds)

    def wake(self) -> None:
        with self._news:
            self._news.notify_all()

    def read(self, max_lines: int) -> list[Batch]:
        """Return the next batches to be sent, of one segment, up to about that many lines."""
        while True:
            with self._news:
                self._move_to_existing()
                number, offset = self._taken = self._position
                segment = next((s for s in self._segments if s.number == number), None)
                size = segment.size if segment else 0
                is_last = segment is None or segment is self._segments[-1]
            if offset < size:
                return self._read_batches(number, offset, size, max_lines)
            if is_last:
                return []
            self._advance()

    def _read_batches(self, number: int, offset: int, size: int, max_lines: int) -> list[Batch]:
        data = self._read_bytes(number, offset, min(_CHUNK, size - offset))
        claimed = segments.measure_batch(data)
        if claimed and len(data) < claimed[0] <= size - offset:
            data = self._read_bytes(number, offset, claimed[0])
        batches: list[Batch] = []
        at = lines = 0
        while at < len(data) and lines < max_lines:
            batch = segments.parse_batch(data, at, offset)
            if batch is None:
                break
            batches.append(batch)
            at = batch.end - offset
            lines += batch.lines
        if not batches:
            self._skip_damage(number, offset, size)
        return batches

    def _read_bytes(self, number: int, offset: int, count: int) -> bytes:
        fd = os.open(self._path(segments.name_segment(number)), os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.pread(fd, count, offset)
        finally:
            os.close(fd)

    def _skip_damage(self, number: int, offset: int, size: int) -> None:
        data = self._read_bytes(number, offset, size - offset)
        at = segments.find_next(data, 0)
        self._quarantine(number, offset, data[:at])
        with self._news:
            if self._position == (number, offset):
                self._position = (number, offset + at)
            for segment in self._segments:
                if segment.number == number:
                    segment.batches, segment.lines = segments.count_batches(data[at:])

    def acknowledge(self, batches: list[Batch]) -> None:
        """Let go of batches that `read` gave: the database has them."""
        with self._news:
            if not batches or self._position != self._taken:
                return  # the bounds dropped them meanwhile
            number = self._position[0]
            for segment in self._segments:
                if segment.number == number:
                    segment.batches -= len(batches)
                    segment.lines -= sum(batch.lines for batch in batches)
            self._position = (number, batches[-1].end)
        if time.monotonic() >= self._cursor_due:
            self._write_cursor()

    def _advance(self) -> None:
        """Go to the next segment and let the one that is done go."""
        with self._news:
            done = [s for s in self._segments if s.number <= self._position[0]]
            for segment in done:
                self._segments.remove(segment)
            self._move_to_existing()
        self._write_cursor()
        for segment in done:
            self._unlink(segment)

    def _move_to_existing(self) -> None:
        number, _ = self._position
        if self._segments and number < self._segments[0].number:
            self._position = (self._segments[0].number, 0)

    def _write_cursor(self) -> None:
        self._cursor_due = time.monotonic() + _CURSOR_SECONDS
        text = f"{self._position[0]} {self._position[1]} {self._dropped}\n"
        # It may lag behind: what is sent twice has the same series and time.
        with suppress(OSError):
            replace_file(self._path("cursor"), text.encode(), sync=False)

    def _unlink(self, segment: _Segment) -> None:
        with suppress(OSError):
            os.unlink(self._path(segments.name_segment(segment.number)))

    # --- both

    def state(self) -> SpoolState:
        with self._news:
            number, offset = self._position
            size = sum(s.size for s in self._segments if s.number >= number)
            batches = sum(s.batches for s in self._segments)
            lines = sum(s.lines for s in self._segments)
        oldest = self._find_oldest(number, offset) if batches else None
        waiting = sum(lines for _, lines in self._pending)
        return SpoolState(
            max(0, size - offset) if batches else 0,
            batches + len(self._pending),
            lines + waiting,
            oldest,
            self._dropped,
            self._is_full,
            self._fault,
        )

    def _find_oldest(self, number: int, offset: int) -> int | None:
        try:
            claimed = segments.measure_batch(self._read_bytes(number, offset, segments.MAX_HEADER))
        except OSError:
            return None
        return claimed[2] if claimed else None

    def close(self) -> None:
        """Write the cursor and let go of the folder."""
        self._write_cursor()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        os.close(self._lock_fd)
