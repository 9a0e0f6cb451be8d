"""What was read, on disk until the database has it: append-only segments within bounds.

The main thread owns it; `reader` is for the sink's thread.
"""

import os
import time
from contextlib import suppress
from typing import NamedTuple

from sja_units.acquisition.config import SpoolConfig
from sja_units.acquisition.spool import segment as segments
from sja_units.acquisition.spool.folder import SpoolFolder
from sja_units.acquisition.spool.index import Place, Segment, SpoolIndex
from sja_units.acquisition.spool.overflow import Waiting
from sja_units.acquisition.spool.reader import SpoolReader
from sja_units.runtime import log

WAITING_BYTES = 8 * 2**20
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
    pending: int  # lines that wait, because the disk takes nothing
    unkept: int  # how many of these a kill would lose


class Spool:
    """A folder of segments. Raises OSError, or WorkerError if another worker holds it."""

    def __init__(
        self, folder: str, bounds: SpoolConfig, waiting: str = "", *, keeps_all: bool = False
    ) -> None:
        """waiting: a folder of tmpfs for what waits while the disk takes nothing, "" for none.

        keeps_all: nothing is ever acknowledged, only the bounds remove (sink `local`).
        """
        self._folder = SpoolFolder(folder, waiting)
        self._bounds = bounds
        self._keeps_all = keeps_all
        self._segment_bytes = max(64 * 1024, min(bounds.max_bytes // 8, 8 * 2**20))
        self._waiting = Waiting(waiting)
        self._fd = -1
        self._fault = ""
        self._write_errors = 0
        self._is_dropping = False
        self._bound_due = 0.0
        cursor = self._folder.read_cursor()
        place = Place(0, 0) if keeps_all else Place(cursor.number, cursor.offset)
        self._index = SpoolIndex(place, cursor.dropped)
        self._load(place)
        self.reader = SpoolReader(self._folder, self._index)

    def _load(self, place: Place) -> None:
        numbers = self._folder.numbers()
        for number in numbers:
            if number < place.number:
                self._folder.remove(number)  # sent, but killed before it was let go
                continue
            try:
                data = self._folder.read(number)
            except OSError as error:
                self._folder.set_aside(number, error)
                continue
            if number == numbers[-1] and (end := segments.find_end(data)) < len(data):
                self._folder.quarantine(number, end, data[end:])
                self._folder.truncate(number, end)
                data = data[:end]
            if number == place.number and place.offset > len(data):
                self._index.place = place = Place(number, 0)  # damaged: rather send it once more
            segment = Segment(number)
            unsent = data[place.offset :] if number == place.number else data
            self._index.add(segment)
            self._index.grow(segment, len(data), *segments.count_batches(unsent))
        self._waiting.load(self._list_last_records)

    def _list_last_records(self) -> set[bytes]:
        last = self._index.last()
        data = self._folder.read(last.number) if last else b""
        return {data[batch.start : batch.end] for batch in segments.find_batches(data)}

    def put(self, body: bytes, lines: int, time_ns: int) -> None:
        """Put lines on the disk; they wait where the disk takes nothing."""
        self._waiting.add(segments.format_batch(body, lines, time_ns), lines)
        if self._fault:
            self._waiting.keep()
        self.flush()

    def flush(self) -> None:
        """Try to put on the disk what waits, and keep within the bounds."""
        try:
            while self._waiting:
                self._write_some()
        except OSError as error:
            self._note_fault(error)
            self._bound_waiting()
            self._waiting.keep()
        else:
            if self._fault:
                log.notice("spool: the disk takes data again")
                self._fault = ""
        if time.monotonic() >= self._bound_due:
            self._bound_due = time.monotonic() + _BOUND_SECONDS
            self._bound_disk()

    def _write_some(self) -> None:
        """Append what has waited longest, with one sync."""
        segment = self._open_segment()
        chunk = self._waiting.first()
        try:
            view = memoryview(bytes(chunk.data))
            while view:
                view = view[os.write(self._fd, view) :]
            os.fdatasync(self._fd)
        except OSError:
            # After a failed write or sync the file is not trusted with anything new.
            self._abandon(segment)
            raise
        with self._index.news:
            if segment.is_closed:
                return  # the reader has given up the file meanwhile: once more, into a new one
            # Before the sink can send it: what is sent must not wait any more.
            self._waiting.let_go()
            self._index.grow(segment, len(chunk.data), chunk.batches, chunk.lines)

    def _open_segment(self) -> Segment:
        """Return the segment to append to, a new one where the last is full, old or damaged."""
        last = self._index.last()
        if last is not None and self._is_fit(last) and self._is_there(last):
            return last
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        number = max(last.number if last else 0, self._index.place.number) + 1
        self._fd = self._folder.create(number)
        segment = Segment(number)
        self._index.add(segment)
        return segment

    def _is_fit(self, segment: Segment) -> bool:
        limit = self._segment_bytes
        if not segment.batches and not self._keeps_all:
            limit //= 16  # all of it is sent: a new one lets it go
        is_young = time.monotonic() - segment.opened < self._bounds.max_age / 8
        return not segment.is_closed and segment.size < limit and is_young

    def _is_there(self, segment: Segment) -> bool:
        """Open a segment's file, and return whether what is appended to it will be found there."""
        try:
            if self._fd < 0:
                self._fd = self._folder.open(segment.number)
            return self._folder.holds(segment.number, self._fd, segment.size)
        except OSError:
            return False

    def _abandon(self, segment: Segment) -> None:
        """Close a segment for good, cut to what is surely on the disk."""
        with suppress(OSError):
            os.ftruncate(self._fd, segment.size)
        with suppress(OSError):
            os.close(self._fd)
        self._fd = -1
        segment.is_closed = True
        if not segment.size:
            self._index.remove(segment.number)
            self._folder.remove(segment.number)

    def _note_fault(self, error: OSError) -> None:
        self._write_errors += 1
        reason = error.strerror or str(error)
        if reason != self._fault:
            self._fault = reason
            log.error(f"spool: the disk takes nothing: {reason}; values wait until it does")

    def count_dropped(self, lines: int, why: str) -> None:
        """Take note of lines that are lost, and say so once until the spool is empty again."""
        if lines and not self._is_dropping:
            log.error(f"spool: {why}: the oldest values are dropped from now on")
        holds_some = bool(self._waiting) or self._index.has_batches()
        self._is_dropping = bool(lines) or (self._is_dropping and holds_some)
        self._index.dropped += lines
        if lines:
            self.reader.write_cursor()

    def _bound_waiting(self) -> None:
        lost = 0
        while self._waiting.size > WAITING_BYTES and len(self._waiting) > 1:
            lost += self._waiting.let_go().lines
        self.count_dropped(lost, f"{WAITING_BYTES >> 20} MiB wait for the disk")

    def _bound_disk(self) -> None:
        lost = 0
        while (segment := self._find_excess()) is not None:
            if self._index.remove(segment.number):
                lost += segment.lines
                self._folder.remove(segment.number)
        if not self._keeps_all:
            self.count_dropped(lost, "it is full")
        elif lost:
            self._index.dropped += lost  # its ordinary life, nothing to be told
            self.reader.write_cursor()

    def _find_excess(self) -> Segment | None:
        """Return the oldest segment, never the last one, if the bounds want it gone."""
        with self._index.news:
            if len(self._index.segments) < 2:
                return None
            oldest = self._index.segments[0]
        if self._index.total_size() > self._bounds.max_bytes:
            return oldest
        try:
            age = time.time() - self._folder.last_change(oldest.number)
        except FileNotFoundError:
            # Somebody removed it. The sink finds that out; where there is none, nobody else does.
            return oldest if self._keeps_all else None
        return oldest if age > self._bounds.max_age else None

    def state(self) -> SpoolState:
        size, batches, lines = self._index.unsent()
        waiting = self._waiting
        return SpoolState(
            size + waiting.size,
            batches + waiting.batches,
            lines + waiting.lines,
            self._find_oldest() if batches else None,
            self._index.dropped,
            self._is_dropping,
            self._fault,
            self._write_errors,
            waiting.lines,
            waiting.lines - waiting.kept_lines,
        )

    def _find_oldest(self) -> int | None:
        place, _, _ = self._index.current()
        try:
            header = self._folder.read(*place, segments.MAX_HEADER)
        except OSError:
            return None
        claimed = segments.measure_batch(header)
        return claimed[2] if claimed else None

    def close(self) -> None:
        """Write the cursor and let go of the folder."""
        self.reader.write_cursor()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        self._folder.close()
