"""What was read, on disk until the database has it: append-only segments within bounds.

The main thread puts and flushes, the sink's thread reads and acknowledges.
"""

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
from sja_units.acquisition.spool_folder import Cursor, SpoolFolder

PENDING_BYTES = 8 * 2**20
_READ_BYTES = 2**20
_CURSOR_SECONDS = 1.0
_BOUND_SECONDS = 1.0


class SpoolState(NamedTuple):
    """Figures for health: of what is not acknowledged, and what was dropped."""

    bytes: int
    batches: int
    lines: int
    oldest_ns: int | None
    dropped: int  # lines, since the spool was made
    is_dropping: bool
    fault: str  # why the disk takes nothing, "" while it does
    write_errors: int


class _Segment:
    """A file of the spool."""

    __slots__ = ("batches", "is_closed", "lines", "number", "opened", "size")

    def __init__(self, number: int) -> None:
        self.number = number
        self.size = 0  # what is surely on the disk
        self.batches = 0  # not acknowledged
        self.lines = 0
        self.opened = time.monotonic()
        self.is_closed = False  # never to be appended to again


class Spool:
    """A folder of segments. Raises OSError, or WorkerEnd if another worker holds it."""

    def __init__(self, folder: str, bounds: SpoolConfig, *, keeps_all: bool = False) -> None:
        """keeps_all: nothing is ever acknowledged, only the bounds remove (sink `local`)."""
        self._folder = SpoolFolder(folder)
        self._bounds = bounds
        self._keeps_all = keeps_all
        self._segment_bytes = max(64 * 1024, min(bounds.max_bytes // 8, 8 * 2**20))
        self._news = Condition()  # guards segments and position
        self._segments: list[_Segment] = []
        self._position = (0, 0)  # segment number and byte of what comes next to be sent
        self._taken = (0, 0)  # where `read` last took from
        self._pending: deque[tuple[bytes, int]] = deque()  # batches and their numbers of lines
        self._pending_bytes = 0
        self._fd = -1
        self._fault = ""
        self._write_errors = 0
        self._is_dropping = False
        self._dropped = 0
        self._cursor_due = 0.0
        self._bound_due = 0.0
        self._load()

    def _load(self) -> None:
        cursor = self._folder.read_cursor()
        self._dropped = cursor.dropped
        if not self._keeps_all:
            self._position = (cursor.number, cursor.offset)
        numbers = self._folder.numbers()
        for number in numbers:
            if number < self._position[0]:
                self._folder.remove(number)  # sent, but killed before it was let go
            else:
                self._load_segment(number, is_last=number == numbers[-1])
        self._move_to_existing()

    def _load_segment(self, number: int, *, is_last: bool) -> None:
        data = self._folder.read(number)
        if is_last and (end := segments.find_end(data)) < len(data):
            self._folder.quarantine(number, end, data[end:])
            self._folder.truncate(number, end)
            data = data[:end]
        segment = _Segment(number)
        segment.size = len(data)
        unsent = data[self._position[1] :] if number == self._position[0] else data
        segment.batches, segment.lines = segments.count_batches(unsent)
        self._segments.append(segment)

    # Writing: the main thread.

    def put(self, body: bytes, lines: int, time_ns: int) -> None:
        """Put lines on the disk; they wait in memory where the disk takes nothing."""
        record = segments.format_batch(body, lines, time_ns)
        self._pending.append((record, lines))
        self._pending_bytes += len(record)
        self.flush()

    def flush(self) -> None:
        """Try to put on the disk what waits in memory, and keep within the bounds."""
        try:
            while self._pending:
                self._write_some()
        except OSError as error:
            self._note_fault(error)
            self._bound_pending()
        else:
            if self._fault:
                journal.notice("spool: the disk takes data again")
                self._fault = ""
        if time.monotonic() >= self._bound_due:
            self._bound_due = time.monotonic() + _BOUND_SECONDS
            self._bound_disk()

    def _write_some(self) -> None:
        """Append as much as a segment holds, with one sync."""
        segment = self._open_segment()
        taken = size = 0
        while taken < len(self._pending) and size < self._segment_bytes:
            size += len(self._pending[taken][0])
            taken += 1
        data = b"".join(self._pending[i][0] for i in range(taken))
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
            segment.batches += taken
            segment.lines += sum(self._pending.popleft()[1] for _ in range(taken))
            self._pending_bytes -= len(data)
            self._news.notify_all()

    def _open_segment(self) -> _Segment:
        """Return the segment to append to, a new one where the last is full, old or damaged."""
        last = self._segments[-1] if self._segments else None
        if last is not None and self._is_fit(last):
            if self._fd < 0:
                self._fd = self._folder.open(last.number)
            return last
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        number = max(last.number if last else 0, self._position[0]) + 1
        self._fd = self._folder.create(number)
        segment = _Segment(number)
        with self._news:
            self._segments.append(segment)
        return segment

    def _is_fit(self, segment: _Segment) -> bool:
        limit = self._segment_bytes
        if not segment.batches and not self._keeps_all:
            limit //= 16  # all of it is sent: a new one lets it go
        is_young = time.monotonic() - segment.opened < self._bounds.max_age / 8
        return not segment.is_closed and segment.size < limit and is_young

    def _abandon(self, segment: _Segment) -> None:
        """Close a segment for good, cut to what is surely on the disk."""
        with suppress(OSError):
            os.ftruncate(self._fd, segment.size)
        with suppress(OSError):
            os.close(self._fd)
        self._fd = -1
        segment.is_closed = True
        if not segment.size:
            with self._news:
                self._segments.remove(segment)
            self._folder.remove(segment.number)

    def _note_fault(self, error: OSError) -> None:
        self._write_errors += 1
        reason = error.strerror or str(error)
        if reason != self._fault:
            self._fault = reason
            journal.error(f"spool: the disk takes nothing: {reason}; values wait in memory")

    # Bounds: the main thread.

    def count_dropped(self, lines: int, why: str) -> None:
        """Take note of lines that are lost, and say so once until the spool is empty again."""
        if lines and not self._is_dropping:
            journal.error(f"spool: {why}: the oldest values are dropped from now on")
        self._is_dropping = bool(lines) or (self._is_dropping and self._holds_something())
        self._dropped += lines

    def _holds_something(self) -> bool:
        with self._news:
            return bool(self._pending) or any(segment.batches for segment in self._segments)

    def _bound_pending(self) -> None:
        lost = 0
        while self._pending_bytes > PENDING_BYTES and len(self._pending) > 1:
            record, lines = self._pending.popleft()
            self._pending_bytes -= len(record)
            lost += lines
        self.count_dropped(lost, "the memory for values that wait for the disk is full")

    def _bound_disk(self) -> None:
        lost = 0
        while (number := self._find_excess()) is not None:
            with self._news:
                segment = self._segments[0]
                if segment.number != number:
                    continue  # the sink was done with it
                del self._segments[0]
                self._move_to_existing()
            lost += segment.lines
            self._folder.remove(number)
        if self._keeps_all:
            self._dropped += lost  # its ordinary life, nothing to be told
        else:
            self.count_dropped(lost, "it is full")
        if lost:
            self._write_cursor()

    def _find_excess(self) -> int | None:
        """Return the number of the oldest segment if the bounds want it gone."""
        with self._news:
            if len(self._segments) < 2:
                return None
            number = self._segments[0].number
            total = sum(segment.size for segment in self._segments)
        if total > self._bounds.max_bytes:
            return number
        with suppress(FileNotFoundError):
            if time.time() - self._folder.last_change(number) > self._bounds.max_age:
                return number
        return None

    # Reading: the sink's thread.

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
                segment = self._find(number)
                size = segment.size if segment else 0
                is_last = segment is None or segment is self._segments[-1]
            if offset < size:
                if batches := self._read_batches(number, offset, size, max_lines):
                    return batches
                self._skip_damage(number, offset, size)
            elif is_last:
                return []
            else:
                self._advance()

    def _find(self, number: int) -> _Segment | None:
        return next((s for s in self._segments if s.number == number), None)

    def _read_batches(self, number: int, offset: int, size: int, max_lines: int) -> list[Batch]:
        data = self._folder.read(number, offset, min(_READ_BYTES, size - offset))
        claimed = segments.measure_batch(data)
        if claimed and len(data) < claimed[0] <= size - offset:
            data = self._folder.read(number, offset, claimed[0])
        batches: list[Batch] = []
        at = lines = 0
        while at < len(data) and lines < max_lines:
            batch = segments.parse_batch(data, at, offset)
            if batch is None:
                break
            batches.append(batch)
            at = batch.end - offset
            lines += batch.lines
        return batches

    def _skip_damage(self, number: int, offset: int, size: int) -> None:
        data = self._folder.read(number, offset, size - offset)
        # A file that is shorter than it was is at its end.
        at = segments.find_next(data, 0) if data else size - offset
        if data:
            self._folder.quarantine(number, offset, data[:at])
        batches, lines = segments.count_batches(data[at:])
        with self._news:
            segment = self._find(number)
            if segment is None or self._position != self._taken:
                return  # the bounds dropped it meanwhile
            self._dropped += max(0, segment.lines - lines)
            self._position = (number, offset + at)
            segment.batches, segment.lines = batches, lines

    def acknowledge(self, batches: list[Batch]) -> None:
        """Let go of what `read` gave last: the database has it."""
        with self._news:
            segment = self._find(self._position[0])
            if segment is None or self._position != self._taken:
                return  # the bounds dropped it meanwhile
            segment.batches -= len(batches)
            segment.lines -= sum(batch.lines for batch in batches)
            self._position = (segment.number, batches[-1].end)
        if time.monotonic() >= self._cursor_due:
            self._write_cursor()

    def _advance(self) -> None:
        """Go to the next segment and let those that are done go."""
        with self._news:
            done = [s for s in self._segments if s.number <= self._position[0]]
            self._segments = [s for s in self._segments if s.number > self._position[0]]
            self._move_to_existing()
        self._write_cursor()
        for segment in done:
            self._folder.remove(segment.number)

    # Both threads.

    def _move_to_existing(self) -> None:
        if self._segments and self._position[0] < self._segments[0].number:
            self._position = (self._segments[0].number, 0)

    def _write_cursor(self) -> None:
        self._cursor_due = time.monotonic() + _CURSOR_SECONDS
        with self._news:
            cursor = Cursor(*self._position, self._dropped)
        self._folder.write_cursor(cursor)

    def state(self) -> SpoolState:
        with self._news:
            number, offset = self._position
            size = sum(s.size for s in self._segments if s.number >= number)
            batches = sum(s.batches for s in self._segments)
            lines = sum(s.lines for s in self._segments)
        return SpoolState(
            max(0, size - offset) if batches else 0,
            batches + len(self._pending),
            lines + sum(lines for _, lines in self._pending),
            self._find_oldest(number, offset) if batches else None,
            self._dropped,
            self._is_dropping,
            self._fault,
            self._write_errors,
        )

    def _find_oldest(self, number: int, offset: int) -> int | None:
        try:
            header = self._folder.read(number, offset, segments.MAX_HEADER)
        except OSError:
            return None
        claimed = segments.measure_batch(header)
        return claimed[2] if claimed else None

    def close(self) -> None:
        """Write the cursor and let go of the folder."""
        self._write_cursor()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        self._folder.close()
