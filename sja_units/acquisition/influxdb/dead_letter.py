"""The files for lines that a database refuses, each under a comment with time and reason.

    # 2026-01-02T03:04:05Z 400: field type conflict …
    press1 t=2.5 1767323045000000000

What `sjactl resend` has renamed to `resend….lp` is sent once more; the sink removes it then.
"""

import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from sja_units.acquisition.influxdb.refusal import Refused
from sja_units.fs.safe_open import read_regular
from sja_units.runtime import log
from sja_units.text import count

FILES = ("dead-letter.lp.old", "dead-letter.lp")
"""Oldest first; together they stay within twice MAX_BYTES."""
RESEND_FILES = ("resend.old.lp", "resend.lp")
"""What the former are renamed to."""
MAX_BYTES = 16 * 2**20
READ_BYTES = 2 * MAX_BYTES
"""A file may have grown beyond MAX_BYTES by what was refused at once."""
_LOG_SECONDS = 600.0
_LONGEST_LINE = 2**20
_COMMENT = re.compile(rb"# (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) (.*)", re.DOTALL)


class Parked(NamedTuple):
    """A refused line as it stands in a file."""

    line: bytes
    reason: str
    time: str  # RFC 3339, "" if unknown


def parse_parked(data: bytes) -> Iterator[Parked]:
    """Yield what a file holds; a line that was cut off is none."""
    reason, moment = "", ""
    for line in data[: data.rfind(b"\n") + 1].split(b"\n"):
        if line.startswith(b"#"):
            match = _COMMENT.fullmatch(line)
            moment = match[1].decode() if match else ""
            reason = (match[2] if match else line[1:]).decode("utf-8", "replace").strip()
        elif line:
            yield Parked(line, reason, moment)


class DeadLetter:
    """Parks lines; only the sink's thread writes, others look at `parked`."""

    def __init__(self, folder: str) -> None:
        self._old, self._path = (f"{folder}/{name}" for name in FILES)
        self._resends = [f"{folder}/{name}" for name in RESEND_FILES]
        self._log_at = 0.0
        self._unlogged = 0
        self.parked = sum(
            1 for path in (self._old, self._path, *self._resends) for _ in _read(path)
        )

    def park(self, refused: Sequence[Refused]) -> int:
        """Put lines, with the reasons, on the disk; raise OSError, with none of them there.

        Return how many older lines had to go for them.
        """
        dropped = self._make_room()
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        parts = (b"# %b %b\n%b\n" % (now.encode(), r.reason.encode(), r.line) for r in refused)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(self._path, flags, 0o600)
        try:
            _append(fd, b"".join(parts))
        finally:
            os.close(fd)
        self.parked += len(refused) - dropped
        self._log(len(refused), refused[0].reason)
        return dropped

    def _make_room(self) -> int:
        with suppress(FileNotFoundError):
            if os.stat(self._path).st_size > MAX_BYTES:
                dropped = sum(1 for _ in _read(self._old))
                os.replace(self._path, self._old)
                if dropped:
                    lines = count(dropped, "refused line")
                    log.error(f"{self._path} is full: {lines} dropped, the oldest")
                return dropped
        return 0

    def _log(self, lines: int, reason: str) -> None:
        self._unlogged += lines
        if time.monotonic() >= self._log_at:
            self._log_at = time.monotonic() + _LOG_SECONDS
            log.warning(
                f"database: refuses {count(self._unlogged, 'line')}, parked in {self._path}: "
                f"{reason}"
            )
            self._unlogged = 0

    def list_recent(self, seconds: float) -> Iterator[Parked]:
        """Yield what was parked within that time, by the wall clock."""
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - seconds))
        return (parked for parked in _read(self._path) if parked.time >= since)

    def list_resends(self) -> Iterator[str]:
        """Yield the paths of files that are to be sent once more."""
        return filter(os.path.lexists, self._resends)

    def read_resend(self, path: str) -> list[bytes]:
        """Return the lines of such a file; what is none is an empty one."""
        return [parked.line for parked in _read(path)]

    def remove_resend(self, path: str, lines: int) -> None:
        """Remove such a file, whose lines were sent, or are parked anew. Raises OSError."""
        os.unlink(path)
        self.parked -= lines


def _read(path: str) -> Iterator[Parked]:
    try:
        data = read_regular(path, READ_BYTES)
    except OSError:
        return iter(())
    return parse_parked(data)


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
