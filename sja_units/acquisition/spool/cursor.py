"""How far a spool is sent, on the disk.

The file has two slots of one line each, which are written in turn, in place:

    sja-cursor SERIAL SEGMENT OFFSET DROPPED CLOCK CRC32

The valid slot with the higher SERIAL counts. A bit that flips in it, or a power cut in the middle
of a write, leaves the other one, which is one step older: then a little is sent twice, nothing is
lost. CLOCK is the running clock's (`clock.py`) time in seconds. CRC32 (hexadecimal) covers what
stands before it.
"""

import os
import re
import stat
import zlib
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from sja_units.acquisition.spool.clock import RunningClock
from sja_units.fs.safe_open import open_regular
from sja_units.runtime import log

_SLOT = 128
_LINE = re.compile(
    rb"(sja-cursor (\d{1,18}) (\d{1,18}) (\d{1,18}) (\d{1,18}) (\d{1,12})) ([0-9a-f]{8}) *\n"
)


class Cursor(NamedTuple):
    """Where what is unsent begins, and how many lines were dropped since the spool was made."""

    number: int  # of the segment
    offset: int
    dropped: int


class SavedCursor(NamedTuple):
    """A cursor as it stands on the disk."""

    serial: int
    cursor: Cursor
    clock: int


NOTHING_SENT = SavedCursor(0, Cursor(0, 0, 0), 0)


def format_slot(saved: SavedCursor) -> bytes:
    """Return a cursor as its slot holds it."""
    text = b"sja-cursor %d %d %d %d %d" % (saved.serial, *saved.cursor, saved.clock)
    return (b"%b %08x" % (text, zlib.crc32(text))).ljust(_SLOT - 1) + b"\n"


def parse_slot(data: bytes) -> SavedCursor | None:
    """Return the cursor in a slot, None if it is not whole."""
    match = _LINE.fullmatch(data)
    if match is None or zlib.crc32(match[1]) != int(match[7], 16):
        return None
    serial, number, offset, dropped, clock = map(int, match.groups()[1:6])
    return SavedCursor(serial, Cursor(number, offset, dropped), clock)


def read_cursor(path: str, folder: int | None = None) -> SavedCursor | None:
    """Return the newest cursor in a file, None if it holds none that is whole.

    folder: as in `open_regular`. Raises FileNotFoundError where there is no file.
    """
    try:
        fd = open_regular(path, folder)
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(path) from None
    except OSError:
        return None
    try:
        slots = (parse_slot(os.pread(fd, _SLOT, at)) for at in (0, _SLOT))
        return max(filter(None, slots), default=None)
    except OSError:
        return None
    finally:
        os.close(fd)


class CursorFiles:
    """Keeps a spool's cursor: the first of its files that can be written to gets it."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._fds = dict.fromkeys(paths, -1)
        self._serial = 0

    def load(self) -> SavedCursor:
        """Return the newest cursor."""
        found = [NOTHING_SENT]
        for path in self._fds:
            with suppress(FileNotFoundError):
                if saved := read_cursor(path):
                    found.append(saved)
                else:
                    log.warning(f"spool: {path} is damaged: what is on the disk is sent once more")
        newest = max(found)
        self._serial = newest.serial
        return newest

    def save(self, cursor: Cursor, clock: RunningClock) -> None:
        """Write a cursor in place of the last but one.

        It is not synced. One that lags is harmless: the same series and time is sent again.
        """
        self._serial += 1
        data = format_slot(SavedCursor(self._serial, cursor, clock.now()))
        for path in self._fds:
            with suppress(OSError):
                os.pwrite(self._open(path), data, self._serial % 2 * _SLOT)
                return

    def _open(self, path: str) -> int:
        fd = self._fds[path]
        if fd >= 0 and os.fstat(fd).st_nlink:
            return fd
        self._close(path)
        # A link, for instance, that somebody has put into its place makes way.
        with suppress(FileNotFoundError):
            if not stat.S_ISREG(os.stat(path, follow_symlinks=False).st_mode):
                os.unlink(path)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self._fds[path] = os.open(path, flags, 0o600)
        return self._fds[path]

    def _close(self, path: str) -> None:
        if self._fds[path] >= 0:
            os.close(self._fds[path])
            self._fds[path] = -1

    def close(self) -> None:
        for path in self._fds:
            self._close(path)
