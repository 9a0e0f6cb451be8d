"""What the spool holds and how far it is sent: the view that both of its threads share."""

import time
from collections.abc import Callable
from threading import Condition
from typing import NamedTuple

from sja_units.acquisition.spool.cursor import Cursor


class Segment:
    """A file of the spool."""

    __slots__ = ("batches", "clock", "is_closed", "lines", "number", "opened", "size")

    def __init__(self, number: int) -> None:
        self.number = number
        self.size = 0  # what is surely on the disk
        self.batches = 0  # unsent
        self.lines = 0  # unsent
        self.clock: int | None = None  # the running clock's time of the last write, if known
        self.opened = time.monotonic()
        self.is_closed = False  # never to be appended to again


class Position(NamedTuple):
    """Where the next batch to be sent begins."""

    number: int
    offset: int


class Unsent(NamedTuple):
    """How much is on the disk and not acknowledged."""

    bytes: int
    batches: int
    lines: int


class SpoolIndex:
    """Segments, oldest first, and the position of what comes next. Each method is one step."""

    def __init__(
        self,
        segments: list[Segment],
        position: Position,
        dropped: int,
        save: Callable[[Cursor], None],
    ) -> None:
        """save: puts a cursor on the disk."""
        self.changed = Condition()
        self.segments = segments
        self.position = position
        self.dropped = dropped  # lines
        self._save = save

    def add(self, segment: Segment) -> None:
        with self.changed:
            self.segments.append(segment)

    def last(self) -> Segment | None:
        with self.changed:
            return self.segments[-1] if self.segments else None

    def grow(self, segment: Segment, size: int, batches: int, lines: int, clock: int) -> None:
        """Take note of what is on the disk now, and wake whoever waits for it."""
        with self.changed:
            segment.clock = clock
            segment.size += size
            segment.batches += batches
            segment.lines += lines
            self.changed.notify_all()

    def remove(self, number: int) -> Segment | None:
        """Remove and return a segment, None if it is gone already."""
        with self.changed:
            segment = self.find(number)
            if segment is not None:
                self.segments.remove(segment)
            return segment

    def find(self, number: int) -> Segment | None:
        with self.changed:
            return next((s for s in self.segments if s.number == number), None)

    def current(self) -> tuple[Position, Segment | None, bool]:
        """Return the position, its segment if it exists, and whether no other follows."""
        with self.changed:
            if self.segments and self.position.number < self.segments[0].number:
                self.position = Position(self.segments[0].number, 0)
            segment = self.find(self.position.number)
            return self.position, segment, segment is None or segment is self.segments[-1]

    def advance(self, start: Position, offset: int, batches: int, lines: int) -> bool:
        """Move on within the segment of `start`; False if the bounds dropped it meanwhile.

        batches, lines: how many fewer are unsent now.
        """
        with self.changed:
            segment = self.find(start.number)
            if segment is None or self.position != start:
                return False
            segment.batches -= batches
            segment.lines -= lines
            self.position = Position(start.number, offset)
            return True

    def discard(self, number: int) -> bool:
        """Close a segment whose file cannot be read, and count as dropped what it held.

        False if the bounds dropped it meanwhile.
        """
        with self.changed:
            segment = self.find(number)
            if segment is None:
                return False
            segment.is_closed = True
            self.dropped += segment.lines
            segment.batches = segment.lines = 0
            if self.position.number == number:
                self.position = Position(number, segment.size)
            return True

    def finish(self, number: int) -> list[Segment]:
        """Go to the segment after this one; remove and return those that are sent."""
        with self.changed:
            sent = [s for s in self.segments if s.number <= number]
            self.segments = [s for s in self.segments if s.number > number]
            self.current()
            return sent

    def count_dropped(self, lines: int) -> None:
        """Take note of lines that are lost."""
        if lines:
            with self.changed:
                self.dropped += lines
                self.save_cursor()

    def has_unsent(self) -> bool:
        with self.changed:
            return any(segment.batches for segment in self.segments)

    def total_size(self) -> int:
        """Return the bytes of all segments, sent or not."""
        with self.changed:
            return sum(segment.size for segment in self.segments)

    def unsent(self) -> Unsent:
        with self.changed:
            batches = sum(s.batches for s in self.segments)
            size = sum(s.size for s in self.segments if s.number >= self.position.number)
            size -= self.position.offset if self.find(self.position.number) else 0
            lines = sum(s.lines for s in self.segments)
            return Unsent(size if batches else 0, batches, lines)

    def save_cursor(self) -> None:
        """Put on the disk how far the spool is sent, and how much was dropped."""
        with self.changed:
            self._save(Cursor(*self.position, self.dropped))
