"""What a disk was told, in order, and what it would hold if the power had gone at any point of it.

The log is qemu's blklogwrites, in the format of the kernel's dm-log-writes (its documentation:
admin-guide/device-mapper/log-writes.rst; the structures: drivers/md/dm-log-writes.c).
"""

import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

_SECTOR = 512
_SUPER = struct.Struct("<QQQI")  # magic, version, number of entries, bytes of a sector
_ENTRY = struct.Struct("<QQQQ")  # sector, number of sectors, flags, bytes of data that are private
_FLUSH, _FUA, _DISCARD = 1, 2, 4


class Write(NamedTuple):
    """One order to the disk; a flush may have no data."""

    end: int  # where its entry ends in the log: a point of time
    offset: int  # on the disk, bytes
    data: memoryview
    is_flush: bool
    is_through: bool  # on the medium once it is done, whatever the cache holds


Loss = Callable[[random.Random, Write], list[tuple[int, memoryview]]]
"""What a power cut leaves of a write that was in the disk's cache."""


def begin_log(path: Path) -> None:
    """Make the file that qemu logs to."""
    path.write_bytes(bytes(_SECTOR))


def read_log(path: Path) -> list[Write]:
    """Return all that a log has."""
    log = memoryview(path.read_bytes())
    _magic, _version, count, sector = _SUPER.unpack_from(log)
    at = sector
    writes = []
    for _ in range(count):
        first, sectors, flags, _private = _ENTRY.unpack_from(log, at)
        size = 0 if flags & _DISCARD else sectors * _SECTOR
        data = log[at + sector : at + sector + size]
        at += sector + -(-size // sector) * sector
        write = Write(at, first * _SECTOR, data, bool(flags & _FLUSH), bool(flags & _FUA))
        writes.append(write)
    return writes


def keep_all(_chance: random.Random, write: Write) -> list[tuple[int, memoryview]]:
    """The cache was written out in time."""
    return [(write.offset, write.data)]


def drop_all(_chance: random.Random, _write: Write) -> list[tuple[int, memoryview]]:
    """The cache is gone."""
    return []


def keep_some(chance: random.Random, write: Write) -> list[tuple[int, memoryview]]:
    """Some writes of the cache were written out, in any order."""
    return [(write.offset, write.data)] if chance.random() < 0.5 else []


def keep_sectors(chance: random.Random, write: Write) -> list[tuple[int, memoryview]]:
    """Some sectors of the cache were written out."""
    pieces = range(0, len(write.data), _SECTOR)
    kept = [at for at in pieces if chance.random() < 0.5]
    return [(write.offset + at, write.data[at : at + _SECTOR]) for at in kept]


def rebuild(
    base: bytes, writes: list[Write], cut: int, loss: Loss, chance: random.Random
) -> bytearray:
    """Return the disk as it is found when the power went after `cut` writes.

    What came before the last flush is there; of what came after it, what `loss` leaves.
    """
    flushes = (number for number in range(cut - 1, -1, -1) if writes[number].is_flush)
    safe = next(flushes, -1)
    disk = bytearray(base)
    for number, write in enumerate(writes[:cut]):
        pieces = [(write.offset, write.data)]
        if number > safe and not write.is_through:
            pieces = loss(chance, write)
        for offset, data in pieces:
            disk[offset : offset + len(data)] = data
    return disk
