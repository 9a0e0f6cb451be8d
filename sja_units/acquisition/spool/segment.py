"""The spool's files: batches of line protocol, each under a comment line that proves it whole.

    # sja1 CRC32 BYTES LINES TIME CLOCK

BYTES and LINES are those of the lines that follow, TIME is the Unix time in ns of the oldest, CLOCK
what the running clock (`clock.py`) said in seconds when they were written. CRC32 (hexadecimal)
covers the rest of the header and the lines. People and `influx -import` can read such a file.
"""

import os
import re
import zlib
from collections.abc import Iterator
from typing import NamedTuple

MARK = b"# sja1 "
_HEADER = re.compile(rb"# sja1 ([0-9a-f]{8}) ((\d{1,10}) (\d{1,10}) (\d{1,20}) (\d{1,12})\n)")
MAX_HEADER = 80
LARGEST = 64 * 2**20
"""Bytes of a batch, or of a whole segment: more is nothing that a worker has written."""
WINDOW = 2**20
_SEGMENT = re.compile(r"(\d{12}|[1-9]\d{12,17})\.lp")
_TORN = re.compile(r"torn-[0-9TZ-]+")


class Header(NamedTuple):
    """What a batch claims of itself; true only where its CRC32 holds."""

    crc: int
    size: int  # bytes of header and lines
    lines: int
    time_ns: int
    clock: int
    claimed: bytes  # the part of the header that the CRC32 covers
    length: int  # bytes of the header alone


class Batch(NamedTuple):
    """Lines that were put on the disk together."""

    start: int
    end: int  # both in bytes from the segment's beginning
    lines: int
    time_ns: int
    clock: int
    body: bytes


class Damage(NamedTuple):
    """Bytes of a segment that are no batch."""

    start: int
    end: int


def name_segment(number: int) -> str:
    return f"{number:012}.lp"


def parse_segment_name(name: str) -> int | None:
    """Return the number of a segment's file, None if it is another file."""
    match = _SEGMENT.fullmatch(name)
    return int(match[1]) if match else None


def list_segments(folder: int | str) -> list[int]:
    """Return the numbers of a folder's segments, oldest first. Raises OSError."""
    found = map(parse_segment_name, os.listdir(folder))
    return sorted(number for number in found if number is not None)


def name_torn(moment: str, number: int, offset: int) -> str:
    """Return the name of a file for bytes of a segment that are no batch."""
    return f"torn-{moment}-{number}-{offset}"


def is_torn(name: str) -> bool:
    """Return whether a file holds such bytes."""
    return _TORN.fullmatch(name) is not None


def format_batch(body: bytes, lines: int, time_ns: int, clock: int = 0) -> bytes:
    """Return a batch as it stands in a segment; `body` ends with a newline."""
    claimed = b"%d %d %d %d\n" % (len(body), lines, max(0, time_ns), clock)
    return b"%b%08x %b%b" % (MARK, zlib.crc32(body, zlib.crc32(claimed)), claimed, body)


def parse_header(data: bytes, at: int = 0) -> Header | None:
    """Return the header at that place, None if there is none."""
    match = _HEADER.match(data, at)
    if match is None:
        return None
    length = match.end() - at
    lines, time_ns, clock = int(match[4]), int(match[5]), int(match[6])
    return Header(
        int(match[1], 16), length + int(match[3]), lines, time_ns, clock, match[2], length
    )


def parse_batch(data: bytes, at: int, base: int = 0) -> Batch | None:
    """Return the batch that stands at that place, None unless it is there as a whole.

    base: where in the segment `data` begins.
    """
    header = parse_header(data, at)
    if header is None:
        return None
    if find_next(data, at + header.length - 1) < at + header.size:
        return None  # no lines hold a header; to look at it first keeps the search linear
    body = data[at + header.length : at + header.size]
    if len(data) < at + header.size or zlib.crc32(body, zlib.crc32(header.claimed)) != header.crc:
        return None
    end = base + at + header.size
    return Batch(base + at, end, header.lines, header.time_ns, header.clock, body)


def find_next(data: bytes, at: int) -> int:
    """Return where the next batch may begin after that place; the data's end where none does."""
    found = data.find(b"\n" + MARK, at)
    return len(data) if found < 0 else found + 1


def read_batches(fd: int, offset: int, end: int = LARGEST) -> Iterator[Batch | Damage]:
    """Yield what stands in a segment from there up to `end`: batches, and damage between them.

    Raises OSError. Each byte is looked at a few times at most, whatever stands there.
    """
    data, base, is_rest = b"", offset, False
    damaged_from: int | None = None
    while offset < end:
        at = offset - base
        if not is_rest and _may_go_on(data, at):
            size = min(max(_claimed_size(data, at), WINDOW), end - offset)
            data, base, at = os.pread(fd, size, offset), offset, 0
            is_rest = len(data) < size or offset + size == end
        if at >= len(data):
            break
        if _may_go_on(data, at) and not is_rest:
            continue
        if batch := parse_batch(data, at, base):
            if damaged_from is not None:
                yield Damage(damaged_from, offset)
                damaged_from = None
            yield batch
            offset = batch.end
            continue
        damaged_from = offset if damaged_from is None else damaged_from
        following = find_next(data, at)
        if following == len(data) and not is_rest:
            following = max(at + 1, len(data) - len(MARK))  # it may begin across this end
        offset = base + following
    if damaged_from is not None:
        yield Damage(damaged_from, offset)


def _claimed_size(data: bytes, at: int) -> int:
    header = parse_header(data, at)
    return header.size if header else MAX_HEADER


def _may_go_on(data: bytes, at: int) -> bool:
    """Return whether what begins there may be a batch of which `data` holds a part only."""
    header = parse_header(data, at)
    if header is None:
        return len(data) - at < MAX_HEADER
    return at + header.size > len(data) and find_next(data, at + header.length - 1) == len(data)


def find_batches(data: bytes) -> Iterator[Batch]:
    """Yield each whole batch, passing over what is torn or damaged."""
    at = 0
    while at < len(data):
        batch = parse_batch(data, at)
        if batch is None:
            at = find_next(data, at)
        else:
            at = batch.end
            yield batch


def find_end(data: bytes) -> int:
    """Return where the last whole batch ends: what follows is torn."""
    return max((batch.end for batch in find_batches(data)), default=0)


def find_last(data: bytes) -> Batch | None:
    """Return the batch at a segment's end, None if it is damaged."""
    at = data.rfind(b"\n" + MARK) + 1
    return parse_batch(data, at)


def count_batches(data: bytes) -> tuple[int, int]:
    """Return the number of batches and of their lines in whole segments."""
    batches = data.count(b"\n" + MARK) + data.startswith(MARK)
    return batches, data.count(b"\n") - batches
