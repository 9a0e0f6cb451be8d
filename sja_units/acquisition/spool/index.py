"""What the spool holds and how far it is sent: the view that both of its threads share."""

import time
from threading import Condition
from typing import NamedTuple


class Segment:
    """A file of the spool."""

    __slots__ = ("batches", "is_closed", "lines", "number", "opened", "size")

    def __init__(self, number: int) -> None:
        self.number = number
        self.size = 0  # what is surely on the disk
        self.batches = 0  # not acknowledged
        self.lines = 0
        self.opened = time.monotonic()
        self.is_closed = False  # never to be appended to again


class Place(NamedTuple):
    """Where the next batch to be sent begins."""

    number: int
    offset: int


class SpoolIndex:
    """Segments, oldest first, and the place of what comes next. Each method is one step."""

    def __init__(self, place: Place, dropped: int) -> None:
        self.news = Condition()
        self.segments: list[Segment] = []
        self.place = place
        self.dropped = dropped  # lines

    def add(self, segment: Segment) -> None:
        with self.news:
            self.segments.append(segment)

    def last(self) -> Segment | None:
        with self.news:
            return self.segments[-1] if self.segments else None

    def grow(self, segment: Segment, size: int, batches: int, lines: int) -> None:
        """Take note of what is on the disk now, and wake whoever waits for it."""
        with self.news:
            segment.size += size
            segment.batches += batches
            segment.lines += lines
            self.news.notify_all()

    def remove(self, number: int) -> Segment | None:
        """Remove and return a segment, None if it is gone already."""
        with self.news:
            segment = self.find(number)
            if segment is not None:
                self.segments.remove(segment)
            return segment

    def find(self, number: int) -> Segment | None:
        with self.news:
            return next((s for s in self.segments if s.number == number), None)

    def current(self) -> tuple[Place, Segment | None, bool]:
        """Return the place, its segment if it exists, and whether no other follows."""
        with self.news:
            if self.segments and self.place.number < self.segments[0].number:
                self.place = Place(self.segments[0].number, 0)
            segment = self.find(self.place.number)
            return self.place, segment, segment is None or segment is self.segments[-1]

    def advance(self, taken: Place, offset: int, batches: int, lines: int) -> bool:
        """Move on within the segment where `taken` is; False if the bounds dropped it meanwhile.

        batches, lines: how many fewer wait now.
        """
        with self.news:
            segment = self.find(taken.number)
            if segment is None or self.place != taken:
                return False
            segment.batches -= batches
            segment.lines -= lines
            self.place = Place(taken.number, offset)
            return True

    def give_up(self, number: int) -> bool:
        """Close a segment whose file cannot be read, and count as dropped what it held.

        False if the bounds dropped it meanwhile.
        """
        with self.news:
            segment = self.find(number)
            if segment is None:
                return False
            segment.is_closed = True
            self.dropped += segment.lines
            segment.batches = segment.lines = 0
            if self.place.number == number:
                self.place = Place(number, segment.size)
            return True

    def leave(self, number: int) -> list[Segment]:
        """Go to the segment after this one; remove and return those that are done."""
        with self.news:
            done = [s for s in self.segments if s.number <= number]
            self.segments = [s for s in self.segments if s.number > number]
            self.current()
            return done

    def has_batches(self) -> bool:
        with self.news:
            return any(segment.batches for segment in self.segments)

    def total_size(self) -> int:
        """Return the bytes of all segments, sent or not."""
        with self.news:
            return sum(segment.size for segment in self.segments)

    def unsent(self) -> tuple[int, int, int]:
        """Return bytes, batches and lines that are not acknowledged."""
        with self.news:
            batches = sum(s.batches for s in self.segments)
            size = sum(s.size for s in self.segments if s.number >= self.place.number)
            in_place = self.find(self.place.number)
            size -= self.place.offset if in_place else 0
            return (size if batches else 0), batches, sum(s.lines for s in self.segments)
