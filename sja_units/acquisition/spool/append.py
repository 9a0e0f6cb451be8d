"""Appending to the last segment, or to a new one, so that a kill or a power cut loses nothing."""

import os
import time
from collections.abc import Callable
from contextlib import suppress

from sja_units.acquisition.config import SpoolConfig
from sja_units.acquisition.spool.clock import RunningClock
from sja_units.acquisition.spool.folder import SpoolFolder
from sja_units.acquisition.spool.index import Segment, SpoolIndex


class Appender:
    """Puts batches on the disk; only the main thread uses it."""

    def __init__(
        self,
        folder: SpoolFolder,
        index: SpoolIndex,
        clock: RunningClock,
        bounds: SpoolConfig,
        *,
        keeps_all: bool,
    ) -> None:
        self._folder = folder
        self._index = index
        self._clock = clock
        self._segment_bytes = max(64 * 1024, min(bounds.max_bytes // 8, 8 * 2**20))
        self._segment_seconds = bounds.max_age / 8
        self._keeps_all = keeps_all
        self._fd = -1

    def append(self, data: bytes, batches: int, lines: int, on_disk: Callable[[], object]) -> None:
        """Append batches with one sync; they may be sent from then on. Raises OSError.

        on_disk: called once they are on the disk, before anybody can send them.
        """
        # Once more, into a new segment, where the reader gives up the last one meanwhile.
        while not self._append(self._open_segment(), data, batches, lines, on_disk):
            pass

    def _append(
        self,
        segment: Segment,
        data: bytes,
        batches: int,
        lines: int,
        on_disk: Callable[[], object],
    ) -> bool:
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._fd, view) :]
            os.fdatasync(self._fd)
        except OSError:
            # After a failed write or sync the file is not trusted with anything new.
            self._abandon(segment)
            raise
        with self._index.changed:
            if segment.is_closed:
                return False
            on_disk()
            self._index.grow(segment, len(data), batches, lines, self._clock.now())
            return True

    def _open_segment(self) -> Segment:
        """Return the segment to append to, a new one where the last is full, old or damaged."""
        last = self._index.last()
        if last is not None and self._has_room(last) and self._is_there(last):
            return last
        self.close()
        # Never one again that was there before: somebody may have removed the file.
        known = [last.number if last else 0, self._index.position.number, *self._folder.numbers()]
        number = max(known) + 1
        self._fd = self._folder.create(number)
        segment = Segment(number)
        self._index.add(segment)
        return segment

    def _has_room(self, segment: Segment) -> bool:
        limit = self._segment_bytes
        if not segment.batches and not self._keeps_all:
            limit //= 16  # all of it is sent: a new one lets it go
        is_young = time.monotonic() - segment.opened < self._segment_seconds
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
            self.close()
        segment.is_closed = True
        if not segment.size:
            self._index.remove(segment.number)
            self._folder.remove(segment.number)

    def close(self) -> None:
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)
