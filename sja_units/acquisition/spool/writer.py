"""What was read, on disk until the database has it: append-only segments within bounds.

The main thread owns it; `reader` is for the sink's thread.
"""

import os
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from sja_units.acquisition.config import SpoolConfig
from sja_units.acquisition.spool import segment as segments
from sja_units.acquisition.spool.append import Appender
from sja_units.acquisition.spool.clock import RunningClock
from sja_units.acquisition.spool.cursor import CursorFiles
from sja_units.acquisition.spool.folder import SpoolFolder
from sja_units.acquisition.spool.index import Position, Segment, SpoolIndex
from sja_units.acquisition.spool.load import load_segments
from sja_units.acquisition.spool.overflow import Overflow
from sja_units.acquisition.spool.reader import SpoolReader
from sja_units.runtime import log

OVERFLOW_BYTES = 8 * 2**20
_BOUND_SECONDS = 1.0
_CLOCK_SECONDS = 60


class SpoolState(NamedTuple):
    """Figures for health: of what is unsent, and what was dropped."""

    bytes: int
    batches: int
    lines: int
    oldest_ns: int | None
    dropped: int  # lines, since the spool was made
    is_dropping: bool
    fault: str  # why nothing can be written to the disk, "" while it can
    write_errors: int
    overflow_lines: int  # that are not on the disk
    volatile_lines: int  # how many of these a kill would lose
    damaged: int  # parts of it that this worker has put aside


class Spool:
    """A folder of segments. Raises OSError, or WorkerError if another worker holds it."""

    def __init__(
        self, folder: str, bounds: SpoolConfig, overflow: str = "", *, keeps_all: bool = False
    ) -> None:
        """overflow: a folder of tmpfs for what cannot be written to the disk, "" for none.

        keeps_all: nothing is ever acknowledged, only the bounds remove (sink `local`).
        """
        self._folder = SpoolFolder(folder)
        self._bounds = bounds
        self._keeps_all = keeps_all
        self._fault = ""
        self._write_errors = 0
        self._is_dropping = False
        self._bound_due = 0.0
        folders = [folder, overflow] if overflow else [folder]
        self._cursors = CursorFiles([f"{path}/cursor" for path in folders])
        saved = self._cursors.load()
        start = Position(0, 0) if keeps_all else Position(*saved.cursor[:2])
        loaded = load_segments(self._folder, start)
        reached = max(saved.clock, loaded.clock)
        self._clock = RunningClock(f"{overflow}/clock" if overflow else "", reached)
        self._clock_due = self._clock.now() + _CLOCK_SECONDS
        save = partial(self._cursors.save, clock=self._clock)
        self._index = SpoolIndex(loaded.segments, loaded.position, saved.cursor.dropped, save)
        self._appender = Appender(
            self._folder, self._index, self._clock, bounds, keeps_all=keeps_all
        )
        self._overflow = Overflow(overflow)
        self._overflow.load(self._list_last_records)
        self.reader = SpoolReader(self._folder, self._index)

    def _list_last_records(self) -> set[bytes]:
        last = self._index.last()
        data = self._folder.read(last.number) if last else b""
        return {data[batch.start : batch.end] for batch in segments.find_batches(data)}

    def put(self, body: bytes, lines: int, time_ns: int) -> None:
        """Put lines on the disk, or into the overflow while that cannot be written to."""
        record = segments.format_batch(body, lines, time_ns, self._clock.now())
        if self._overflow:
            self._overflow.add(record, lines)
            if self._fault:
                self._overflow.save()
            self._empty_overflow()
        elif not self._append(record, 1, lines):
            self._overflow.add(record, lines)
            self._hold_overflow()
        self._keep_within_bounds()

    def flush(self) -> None:
        """Try to empty the overflow onto the disk, and keep within the bounds."""
        self._empty_overflow()
        self._keep_within_bounds()

    def _empty_overflow(self) -> None:
        while self._overflow:
            chunk = self._overflow.first()
            # It leaves in the same moment in which it can be sent: else a kill would double it.
            if not self._append(bytes(chunk.data), chunk.batches, chunk.lines, self._overflow.pop):
                self._hold_overflow()
                return
        if self._fault:
            log.notice("spool: the disk can be written to again")
            self._fault = ""

    def _append(
        self, data: bytes, batches: int, lines: int, on_disk: Callable[[], object] = lambda: None
    ) -> bool:
        """Return whether batches are on the disk now; note why if not."""
        try:
            self._appender.append(data, batches, lines, on_disk)
        except OSError as error:
            self._write_errors += 1
            reason = error.strerror or str(error)
            if reason != self._fault:
                self._fault = reason
                log.error(f"spool: cannot write to disk: {reason}; new values wait until it works")
            return False
        return True

    def _hold_overflow(self) -> None:
        dropped = 0
        while self._overflow.size > OVERFLOW_BYTES and len(self._overflow) > 1:
            dropped += self._overflow.pop().lines
        self.count_dropped(dropped, f"{OVERFLOW_BYTES >> 20} MiB wait for the disk")
        self._overflow.save()

    def count_dropped(self, lines: int, why: str) -> None:
        """Take note of lines that are lost, and say so once until the spool is empty again."""
        if lines and not self._is_dropping:
            log.error(f"spool: {why}: the oldest values are dropped from now on")
        holds_some = bool(self._overflow) or self._index.has_unsent()
        self._is_dropping = bool(lines) or (self._is_dropping and holds_some)
        self._index.count_dropped(lines)

    def _keep_within_bounds(self) -> None:
        """Remove what the bounds do not allow, at most once a second."""
        if time.monotonic() < self._bound_due:
            return
        self._bound_due = time.monotonic() + _BOUND_SECONDS
        dropped = 0
        while (segment := self._find_excess()) is not None:
            if self._index.remove(segment.number):
                dropped += segment.lines
                self._folder.remove(segment.number)
        if self._keeps_all:
            self._index.count_dropped(dropped)  # its ordinary life, nothing to be told
        else:
            self.count_dropped(dropped, "it is full")
        if self._clock.now() >= self._clock_due:
            self._clock_due = self._clock.now() + _CLOCK_SECONDS
            self._index.save_cursor()

    def _find_excess(self) -> Segment | None:
        """Return the oldest segment, never the last one, if the bounds want it gone."""
        with self._index.changed:
            if len(self._index.segments) < 2:
                return None
            oldest = self._index.segments[0]
        if self._index.total_size() > self._bounds.max_bytes:
            return oldest
        if self._keeps_all and not self._folder.has(oldest.number):
            return oldest  # Somebody removed it. Elsewhere the sink finds that out.
        written = oldest.clock
        is_old = written is not None and self._clock.now() - written > self._bounds.max_age
        return oldest if is_old else None

    def state(self) -> SpoolState:
        unsent, overflow = self._index.unsent(), self._overflow
        return SpoolState(
            unsent.bytes + overflow.size,
            unsent.batches + overflow.batches,
            unsent.lines + overflow.lines,
            self._find_oldest() if unsent.batches else None,
            self._index.dropped,
            self._is_dropping,
            self._fault,
            self._write_errors,
            overflow.lines,
            overflow.volatile_lines,
            self._folder.damaged,
        )

    def _find_oldest(self) -> int | None:
        position, _, _ = self._index.current()
        try:
            fd = self._folder.open_to_read(position.number)
        except OSError:
            return None
        try:
            header = segments.parse_header(os.pread(fd, segments.MAX_HEADER, position.offset))
        finally:
            os.close(fd)
        return header.time_ns if header else None

    def close(self) -> None:
        """Save the cursor and unlock the folder."""
        self._index.save_cursor()
        self._cursors.close()
        self._appender.close()
        self._folder.close()
