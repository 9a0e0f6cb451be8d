"""The sink's side of the spool: what comes next, and what the database has."""

import errno
import os
from typing import NamedTuple

from sja_units.acquisition.spool import segment as segments
from sja_units.acquisition.spool.folder import SpoolFolder
from sja_units.acquisition.spool.index import Position, SpoolIndex
from sja_units.acquisition.spool.segment import Batch, Damage

# A bad sector, or somebody has put something else into a file's place: waiting would not help.
_UNREADABLE = {
    *(errno.EIO, errno.ENOENT, errno.EISDIR, errno.ELOOP, errno.EACCES, errno.EINVAL, errno.EFBIG)
}


class _Read(NamedTuple):
    """What stands next in a segment."""

    batches: list[Batch]
    damage: Damage | None  # what stands before any batch


class SpoolReader:
    """Reads in order; only one thread uses it."""

    def __init__(self, folder: SpoolFolder, index: SpoolIndex) -> None:
        self._folder = folder
        self._index = index
        self._start = Position(0, 0)  # of what `read` returned last

    def wait(self, seconds: float) -> None:
        """Sleep until something is put or `wake` is called, at most that long."""
        with self._index.changed:
            if not self._index.has_unsent():
                self._index.changed.wait(seconds)

    def wake(self) -> None:
        with self._index.changed:
            self._index.changed.notify_all()

    def count_lines(self) -> int:
        """Return how many lines are unsent."""
        return self._index.unsent().lines

    def read(self, max_lines: int) -> list[Batch]:
        """Return the next batches to be sent, of one segment, up to about that many lines.

        Raises OSError; nothing is lost by it.
        """
        while True:
            position, segment, is_last = self._index.current()
            if segment is not None and position.offset < segment.size:
                self._start = position
                try:
                    batches, damage = self._read(position, segment.size, max_lines)
                    if batches:
                        return batches
                    self._skip(position, damage, segment.size)
                except OSError as error:
                    if error.errno not in _UNREADABLE:
                        raise
                    # In this order: nobody appends any more to what is set aside.
                    if self._index.discard(position.number):
                        self._folder.set_aside(position.number, error)
            elif is_last:
                return []
            else:
                self._finish(position.number)

    def _read(self, position: Position, size: int, max_lines: int) -> _Read:
        fd = self._folder.open_to_read(position.number)
        try:
            batches: list[Batch] = []
            lines = length = 0
            for found in segments.read_batches(fd, position.offset, size):
                if isinstance(found, Damage):
                    return _Read(batches, None if batches else found)
                batches.append(found)
                lines += found.lines
                length += found.end - found.start
                if lines >= max_lines or length >= segments.WINDOW:
                    break
            return _Read(batches, None)
        finally:
            os.close(fd)

    def _skip(self, position: Position, damage: Damage | None, size: int) -> None:
        """Put aside bytes that are no batch, up to the next one that may be."""
        data = self._folder.read(position.number)[:size]
        # A file that is shorter than it was has nothing more to come.
        end = damage.end if damage and damage.end < len(data) else size
        if damaged := data[position.offset : end]:
            self._folder.quarantine(position.number, position.offset, damaged)
        self._pass_over(position, end, *segments.count_batches(data[end:]))

    def _pass_over(self, position: Position, offset: int, batches: int, lines: int) -> None:
        """Go on behind damage, where that many batches and lines are left in the segment."""
        segment = self._index.find(position.number)
        if segment is None:
            return
        lost = segment.lines - lines
        if self._index.advance(position, offset, segment.batches - batches, lost):
            self._index.count_dropped(max(0, lost))

    def count_dropped(self, lines: int) -> None:
        """Take note of lines that were read, and are lost."""
        self._index.count_dropped(lines)

    def acknowledge(self, batches: list[Batch]) -> None:
        """Remove what `read` returned last: the database has it."""
        lines = sum(batch.lines for batch in batches)
        self._index.advance(self._start, batches[-1].end, len(batches), lines)
        # Each time: not every database knows a row again that a killed worker sends once more.
        self._index.save_cursor()

    def _finish(self, number: int) -> None:
        sent = self._index.finish(number)
        self._index.save_cursor()
        for segment in sent:
            self._folder.remove(segment.number)
