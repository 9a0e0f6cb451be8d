"""What an acquisition job holds on disk, read by somebody else while its worker goes on.

Nothing is locked or changed. The folder belongs to an unprivileged user: no link is followed,
nothing is waited for, and no claim of a file decides how much memory is taken.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress

from sja_units.acquisition import segments

_WINDOW = 2**20
_LARGEST_BATCH = 64 * 2**20
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Retained:
    """The spool of a job, open for reading. Use it in a `with` block. Raises OSError."""

    def __init__(self, state_dir: str) -> None:
        """state_dir: the job's own folder; a link there is systemd's."""
        home = os.open(state_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._folder = os.open("spool", _READ | os.O_DIRECTORY, dir_fd=home)
        finally:
            os.close(home)

    def __enter__(self) -> "Retained":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._folder)

    def read_lines(self, *, sent_too: bool) -> Iterator[bytes]:
        """Yield all lines, oldest first; of a database's job only those not sent yet.

        What is torn or damaged is passed over, as the worker does.
        """
        first, offset = (0, 0) if sent_too else self._read_cursor()
        for number in self._list_segments():
            if number >= first:
                yield from self._read_segment(number, offset if number == first else 0)

    def _list_segments(self) -> list[int]:
        found = map(segments.parse_segment_name, os.listdir(self._folder))
        return sorted(number for number in found if number is not None)

    def _read_cursor(self) -> tuple[int, int]:
        """Return the segment, and the offset in it, of what comes next to be sent."""
        with suppress(OSError, ValueError):
            fd = os.open("cursor", _READ, dir_fd=self._folder)
            try:
                number, offset, *_ = (int(word) for word in os.read(fd, 100).split())
                return number, max(0, offset)
            finally:
                os.close(fd)
        return 0, 0

    def _read_segment(self, number: int, offset: int) -> Iterator[bytes]:
        try:
            fd = os.open(segments.name_segment(number), _READ, dir_fd=self._folder)
        except OSError:
            return  # sent and gone meanwhile, or no file of the worker's
        try:
            if stat.S_ISREG(os.fstat(fd).st_mode):
                for body in _read_batches(fd, offset):
                    yield from filter(None, body.split(b"\n"))
        finally:
            os.close(fd)


def _read_batches(fd: int, offset: int) -> Iterator[bytes]:
    """Yield the lines of each whole batch from there on."""
    while data := os.pread(fd, _WINDOW, offset):
        claimed = segments.measure_batch(data)
        if claimed and len(data) < claimed[0] <= _LARGEST_BATCH:
            data = os.pread(fd, claimed[0], offset)
        at = 0
        while batch := segments.parse_batch(data, at):
            yield batch.body
            at = batch.end
        if not at:
            at = segments.find_next(data, 0)
            if at == len(data) > len(segments.MARK):
                at -= len(segments.MARK)  # the next one may begin across this end
        offset += at
