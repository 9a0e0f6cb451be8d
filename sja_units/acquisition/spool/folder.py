"""The spool's files on disk; no two workers at once."""

import errno
import fcntl
import os
import time
from contextlib import suppress

from sja_units.acquisition.spool import segment as segments
from sja_units.acquisition.spool.segment import is_torn, name_segment, name_torn
from sja_units.errors import WorkerError
from sja_units.fs.atomic import replace_file, sync_folder
from sja_units.fs.safe_open import open_regular, read_regular
from sja_units.runtime import log

KEPT_TORN_FILES = 20

_APPEND = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC


class SpoolFolder:
    """Opens, reads and removes segments. Methods raise OSError unless they say otherwise."""

    def __init__(self, path: str) -> None:
        """Make the folder and lock it; raise WorkerError if another worker holds it."""
        self._path = path
        self.damaged = 0  # parts that were put aside
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
        return segments.list_segments(self._path)

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

    def has(self, number: int) -> bool:
        return os.path.lexists(self._at(name_segment(number)))

    def open_to_read(self, number: int) -> int:
        """Return a file descriptor to read a segment by."""
        return open_regular(self._at(name_segment(number)))

    def read(self, number: int) -> bytes:
        """Return the bytes of a whole segment."""
        return read_regular(self._at(name_segment(number)), segments.LARGEST)

    def truncate(self, number: int, size: int) -> None:
        fd = self.open(number)
        try:
            os.ftruncate(fd, size)
            os.fsync(fd)
        finally:
            os.close(fd)

    def remove(self, number: int) -> None:
        """Remove a segment; one that cannot be removed is tried again at the next start."""
        with suppress(OSError):
            os.unlink(self._at(name_segment(number)))

    def set_aside(self, number: int, error: OSError) -> None:
        """Rename a segment that cannot be read, so that all others can be; and say so."""
        self.damaged += 1
        name = f"unreadable-{_stamp()}-{number}"
        renamed = ""
        with suppress(OSError):
            os.rename(self._at(name_segment(number)), self._at(name))
            renamed = f"; it was renamed to {name}"
        log.error(
            f"spool: segment {number} cannot be read, and what it held does not reach the "
            f"database: {error.strerror}{renamed}"
        )

    def quarantine(self, number: int, offset: int, data: bytes) -> None:
        """Put bytes that are no batch into a dated file, and say so."""
        self.damaged += 1
        name = name_torn(_stamp(), number, offset)
        log.warning(
            f"spool: {len(data)} bytes of segment {number} are damaged (a kill or a power cut "
            f"in the middle of a write, or a bad disk); they were moved to {name}"
        )
        try:
            replace_file(self._at(name), data)
            torn = sorted(filter(is_torn, os.listdir(self._path)))
            for entry in torn[:-KEPT_TORN_FILES]:
                os.unlink(self._at(entry))
        except OSError as error:
            log.error(f"spool: cannot write {name}: {error.strerror}")


def _stamp() -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
