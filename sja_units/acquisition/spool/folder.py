"""The spool's files on disk; no two workers at once."""

import errno
import fcntl
import os
import time
from contextlib import suppress
from typing import NamedTuple

from sja_units.acquisition.spool.segment import is_torn, name_segment, name_torn, parse_segment_name
from sja_units.errors import WorkerError
from sja_units.fs.atomic import replace_file, sync_folder
from sja_units.runtime import log

KEPT_TORN_FILES = 20

_APPEND = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC


class Cursor(NamedTuple):
    """What comes next to be sent, and how many lines the bounds have dropped so far."""

    number: int
    offset: int
    dropped: int


class SpoolFolder:
    """Opens, reads and removes segments. Methods raise OSError unless they say otherwise."""

    def __init__(self, path: str, waiting: str) -> None:
        """Make the folder and lock it; raise WorkerError if another worker holds it.

        waiting: the folder for what waits while the disk takes nothing, "" for none.
        """
        self._path = path
        self._cursors = [f"{path}/cursor", *([f"{waiting}/cursor"] if waiting else [])]
        os.makedirs(path, mode=0o700, exist_ok=True)
        if os.statvfs(path).f_flag & os.ST_RDONLY:
            # A sandbox that was set up on a read-only disk stays so when the disk is mended: only
            # another start helps, and so far nothing was read that could be lost by it.
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        self._lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise WorkerError(f"another worker of this job holds {path}") from None

    def close(self) -> None:
        os.close(self._lock)

    def _at(self, name: str) -> str:
        return f"{self._path}/{name}"

    def numbers(self) -> list[int]:
        """Return the numbers of all segments, oldest first."""
        found = (parse_segment_name(entry) for entry in os.listdir(self._path))
        return sorted(number for number in found if number is not None)

    def create(self, number: int) -> int:
        """Return a file descriptor to append to a new segment, whose name is on the disk."""
        fd = os.open(self._at(name_segment(number)), _APPEND | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            sync_folder(self._path)
        except OSError:
            os.close(fd)
            self.remove(number)
            raise
        return fd

    def open(self, number: int) -> int:
        """Return a file descriptor to append to a segment that exists."""
        return os.open(self._at(name_segment(number)), _APPEND)

    def holds(self, number: int, fd: int, size: int) -> bool:
        """Return whether a segment still is the file that was opened, and of that size.

        People remove, move and empty files.
        """
        try:
            there = os.stat(self._at(name_segment(number)), follow_symlinks=False)
        except FileNotFoundError:
            return False
        return os.path.samestat(there, os.fstat(fd)) and there.st_size == size

    def read(self, number: int, offset: int = 0, count: int | None = None) -> bytes:
        """Return bytes of a segment, to its end without a count."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(self._at(name_segment(number)), flags), "rb") as file:
            file.seek(offset)
            return file.read(-1 if count is None else count)

    def truncate(self, number: int, size: int) -> None:
        fd = self.open(number)
        try:
            os.ftruncate(fd, size)
            os.fsync(fd)
        finally:
            os.close(fd)

    def last_change(self, number: int) -> float:
        """Return the Unix time at which a segment was last written to."""
        return os.stat(self._at(name_segment(number))).st_mtime

    def remove(self, number: int) -> None:
        """Remove a segment; one that cannot be removed is tried again at the next start."""
        with suppress(OSError):
            os.unlink(self._at(name_segment(number)))

    def read_cursor(self) -> Cursor:
        """Return the cursor; one that stands before everything where there is none."""
        # It only ever goes on: the one that is ahead is the newer one.
        return max(map(_read_cursor, self._cursors))

    def write_cursor(self, cursor: Cursor) -> None:
        """Replace the cursor, where the disk takes nothing that which waits with the values.

        One that lags is harmless: the same series and time is sent again.
        """
        data = b"%d %d %d\n" % cursor
        for path in self._cursors:
            with suppress(OSError):
                replace_file(path, data, sync=False)
                return

    def set_aside(self, number: int, error: OSError) -> None:
        """Rename a segment that cannot be read, so that all others can be; and say so."""
        name = f"unreadable-{_stamp()}-{number}"
        kept = ""
        with suppress(OSError):
            os.rename(self._at(name_segment(number)), self._at(name))
            kept = f"it is {name} now, and "
        log.error(
            f"spool: segment {number} cannot be read: {error.strerror}; {kept}what it held does "
            "not reach the database"
        )

    def quarantine(self, number: int, offset: int, data: bytes) -> None:
        """Keep bytes that are no batch in a dated file, and say so."""
        name = name_torn(_stamp(), number, offset)
        log.warning(
            f"spool: {len(data)} bytes of segment {number} are not whole (a kill or a power cut "
            f"in the middle of a write, or a damaged disk); they are kept in {name}"
        )
        try:
            replace_file(self._at(name), data)
            torn = sorted(filter(is_torn, os.listdir(self._path)))
            for entry in torn[:-KEPT_TORN_FILES]:
                os.unlink(self._at(entry))
        except OSError as error:
            log.error(f"spool: {name} could not be written: {error.strerror}")


def _stamp() -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())


def _read_cursor(path: str) -> Cursor:
    try:
        with open(path, "rb") as file:
            number, offset, dropped = (int(word) for word in file.read(100).split())
    except (FileNotFoundError, NotADirectoryError):
        return Cursor(0, 0, 0)
    except (OSError, ValueError):
        log.warning(f"spool: {path} is not readable: what is kept is sent once more")
        return Cursor(0, 0, 0)
    return Cursor(number, offset, dropped)
