"""The spool as a worker before has left it: what is whole, what is unsent, how old it is."""

from typing import NamedTuple

from sja_units.acquisition.spool import segment as segments
from sja_units.acquisition.spool.folder import SpoolFolder
from sja_units.acquisition.spool.index import Position, Segment
from sja_units.runtime import log


class Loaded(NamedTuple):
    """What is on the disk."""

    segments: list[Segment]
    position: Position  # of what is unsent
    clock: int  # the latest time of the running clock that stands in a segment


def load_segments(folder: SpoolFolder, position: Position) -> Loaded:
    """Return the segments from that position on; those before it are removed.

    A position that no segment has is not believed: rather all is sent once more.
    """
    numbers = folder.numbers()
    if numbers and position.number > numbers[-1]:
        log.warning("spool: the cursor is beyond the last segment: all is sent once more")
        position = Position(0, 0)
    found: list[Segment] = []
    for number in numbers:
        if number < position.number:
            folder.remove(number)  # sent, but killed before it was removed
            continue
        try:
            data = _read_whole(folder, number, is_last=number == numbers[-1])
        except OSError as error:
            folder.set_aside(number, error)
            continue
        if number == position.number and not _begins_batch(data, position.offset):
            position = Position(number, 0)
        unsent = data[position.offset :] if number == position.number else data
        found.append(_describe(number, data, unsent))
    return Loaded(found, position, max((segment.clock or 0 for segment in found), default=0))


def _read_whole(folder: SpoolFolder, number: int, *, is_last: bool) -> bytes:
    """Return a segment's data, the last one's without a torn end, which is put aside."""
    data = folder.read(number)
    if is_last and (end := segments.find_end(data)) < len(data):
        folder.quarantine(number, end, data[end:])
        folder.truncate(number, end)
        return data[:end]
    return data


def _begins_batch(data: bytes, offset: int) -> bool:
    return offset == len(data) or data.startswith(segments.MARK, offset)


def _describe(number: int, data: bytes, unsent: bytes) -> Segment:
    segment = Segment(number)
    last = segments.find_last(data)
    segment.clock = last.clock if last else None
    segment.size = len(data)
    segment.batches, segment.lines = segments.count_batches(unsent)
    return segment
