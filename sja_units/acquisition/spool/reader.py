"""The sink's side of the spool: what comes next, and what the database has."""

import errno

from sja_units.acquisition.spool import segment as segments
from sja_units.acquisition.spool.folder import Cursor, SpoolFolder
from sja_units.acquisition.spool.index import Place, SpoolIndex
from sja_units.acquisition.spool.segment import Batch

_READ_BYTES = 2**20
# A bad sector, or somebody has put something else into a file's place: waiting would not help.
_UNREADABLE = (errno.EIO, errno.ENOENT, errno.EISDIR, errno.ELOOP, errno.EACCES)


class SpoolReader:
    """Reads in order; only one thread uses it."""

    def __init__(self, folder: SpoolFolder, index: SpoolIndex) -> None:
        self._folder = folder
        self._index = index
        self._taken = Place(0, 0)  # where `read` last took from

    def wait(self, seconds: float) -> None:
        """Sleep until something is put or `wake` is called, at most that long."""
        with self._index.news:
            if not self._index.has_batches():
                self._index.news.wait(seconds)

    def wake(self) -> None:
        with self._index.news:
            self._index.news.notify_all()

    def count_lines(self) -> int:
        """Return how many lines wait to be sent."""
        return self._index.unsent()[2]

    def read(self, max_lines: int) -> list[Batch]:
        """Return the next batches to be sent, of one segment, up to about that many lines.

        Raises OSError; nothing is lost by it.
        """
        while True:
            place, segment, is_last = self._index.current()
            if segment is not None and place.offset < segment.size:
                self._taken = place
                try:
                    batches = self._read_batches(place, segment.size, max_lines)
                    if batches:
                        return batches
                    self._skip_damage(place, segment.size)
                except OSError as error:
                    if error.errno not in _UNREADABLE:
                        raise
                    # In this order: nobody appends any more to what is set aside.
                    if self._index.give_up(place.number):
                        self._folder.set_aside(place.number, error)
            elif is_last:
                return []
            else:
                self._leave(place.number)

    def _read_batches(self, place: Place, size: int, max_lines: int) -> list[Batch]:
        number, offset = place
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

    def _skip_damage(self, place: Place, size: int) -> None:
        """Put aside bytes that are no batch, up to the next one that may be."""
        data = self._folder.read(place.number, place.offset, size - place.offset)
        end = segments.find_next(data, 0)
        if data:
            self._folder.quarantine(place.number, place.offset, data[:end])
        # A file that is shorter than it was has nothing more to come.
        offset = place.offset + end if end < len(data) else size
        self._pass_over(place, offset, *segments.count_batches(data[end:]))

    def _pass_over(self, place: Place, offset: int, batches: int, lines: int) -> None:
        """Go on behind damage, where that many batches and lines are left in the segment."""
        segment = self._index.find(place.number)
        if segment is None:
            return
        lost = segment.lines - lines
        if self._index.advance(place, offset, segment.batches - batches, lost):
            self._index.dropped += max(0, lost)

    def acknowledge(self, batches: list[Batch]) -> None:
        """Let go of what `read` gave last: the database has it."""
        lines = sum(batch.lines for batch in batches)
        self._index.advance(self._taken, batches[-1].end, len(batches), lines)
        # Each time: not every database knows a row again that a killed worker sends once more.
        self.write_cursor()

    def _leave(self, number: int) -> None:
        done = self._index.leave(number)
        self.write_cursor()
        for segment in done:
            self._folder.remove(segment.number)

    def write_cursor(self) -> None:
        with self._index.news:
            self._folder.write_cursor(Cursor(*self._index.place, self._index.dropped))
