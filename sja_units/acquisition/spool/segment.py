"""The spool's files: batches of line protocol, each under a comment line that proves it whole.

    # sja1 CRC32 BYTES LINES TIME

CRC32 (hexadecimal) and BYTES are those of the lines that follow, LINES their number, TIME the Unix
time in ns of the oldest. People and `influx -import` can read such a file as it is. Pure.
"""

import re
import zlib
from collections.abc import Iterator
from typing import NamedTuple

MARK = b"# sja1 "
_HEADER = re.compile(rb"# sja1 ([0-9a-f]{8}) (\d{1,10}) (\d{1,10}) (\d{1,20})\n")
MAX_HEADER = 64
_SEGMENT = re.compile(r"(\d{12})\.lp")
_TORN = re.compile(r"torn-[0-9TZ-]+")


class Batch(NamedTuple):
    """Lines that were put on the disk together."""

    start: int
    end: int  # both in bytes from the segment's beginning
    lines: int
    time_ns: int
    body: bytes


def name_segment(number: int) -> str:
    return f"{number:012}.lp"


def parse_segment_name(name: str) -> int | None:
    """Return the number of a segment's file, None if it is another file."""
    match = _SEGMENT.fullmatch(name)
    return int(match[1]) if match else None


def name_torn(moment: str, number: int, offset: int) -> str:
    """Return the name of a file for bytes of a segment that are no batch."""
    return f"torn-{moment}-{number}-{offset}"


def is_torn(name: str) -> bool:
    """Return whether a file holds such bytes."""
    return _TORN.fullmatch(name) is not None


def format_batch(body: bytes, lines: int, time_ns: int) -> bytes:
    """Return a batch as it stands in a segment; `body` ends with a newline."""
    return b"%b%08x %d %d %d\n" % (MARK, zlib.crc32(body), len(body), lines, time_ns) + body


def measure_batch(data: bytes, at: int = 0) -> tuple[int, int, int] | None:
    """Return total bytes, lines and time that the header at that place claims, None if none."""
    match = _HEADER.match(data, at)
    if match is None:
        return None
    return match.end() - at + int(match[2]), int(match[3]), int(match[4])


def parse_batch(data: bytes, at: int, base: int = 0) -> Batch | None:
    """Return the batch that stands at that place, None unless it is there as a whole.

    base: where in the segment `data` begins.
    """
    match = _HEADER.match(data, at)
    if match is None:
        return None
    body = data[match.end() : match.end() + int(match[2])]
    if len(body) != int(match[2]) or zlib.crc32(body) != int(match[1], 16):
        return None
    end = match.end() + len(body)
    return Batch(base + at, base + end, int(match[3]), int(match[4]), body)


def find_next(data: bytes, at: int) -> int:
    """Return where the next batch may begin after that place; the data's end where none does."""
    found = data.find(b"\n" + MARK, at)
    return len(data) if found < 0 else found + 1


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


def count_batches(data: bytes) -> tuple[int, int]:
    """Return the number of batches and of their lines in whole segments."""
    batches = data.count(b"\n" + MARK) + data.startswith(MARK)
    return batches, data.count(b"\n") - batches
