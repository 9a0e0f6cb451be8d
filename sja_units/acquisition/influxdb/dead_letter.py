"""The file for lines that a database refuses for good, each under a comment with the reason."""

import os
import time
from collections.abc import Sequence
from contextlib import suppress

from sja_units.runtime import log
from sja_units.text import count

MAX_BYTES = 16 * 2**20
_TELL_SECONDS = 600.0
_LONGEST_LINE = 2**20


class DeadLetter:
    """Appends to a file; with the one before it, it stays within twice MAX_BYTES."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._tell_at = 0.0
        self._untold = 0

    def park(self, refused: Sequence[tuple[bytes, str]]) -> None:
        """Put lines, with the reasons, on the disk; raise OSError, with none of them there."""
        self._make_room()
        parts = (b"# %b\n%b\n" % (reason.encode(), line) for line, reason in refused)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(self._path, flags, 0o600)
        try:
            _append(fd, b"".join(parts))
        finally:
            os.close(fd)
        self._tell(len(refused), refused[0][1])

    def _make_room(self) -> None:
        with suppress(FileNotFoundError):
            if os.stat(self._path).st_size > MAX_BYTES:
                os.replace(self._path, f"{self._path}.old")
                log.warning(f"{self._path} was full; it is {self._path}.old now")

    def _tell(self, lines: int, reason: str) -> None:
        self._untold += lines
        if time.monotonic() >= self._tell_at:
            self._tell_at = time.monotonic() + _TELL_SECONDS
            log.warning(
                f"database: refuses {count(self._untold, 'line')}, parked in {self._path}: {reason}"
            )
            self._untold = 0


def _append(fd: int, data: bytes) -> None:
    """Append behind the last whole line: a part of one could be taken for another value."""
    size = os.fstat(fd).st_size
    last = os.pread(fd, _LONGEST_LINE, max(0, size - _LONGEST_LINE))
    at = end = size - len(last) + last.rfind(b"\n") + 1
    try:
        os.ftruncate(fd, end)
        while at < end + len(data):
            at += os.pwrite(fd, data[at - end :], at)
        os.fsync(fd)
    except OSError:
        with suppress(OSError):
            os.ftruncate(fd, end)
        raise
