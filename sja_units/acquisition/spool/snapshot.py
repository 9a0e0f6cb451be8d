"""What an acquisition job holds on disk, read by somebody else while its worker goes on.

Nothing is locked or changed. The folder belongs to an unprivileged user: no link is followed,
nothing is waited for, and no claim of a file decides how much memory is taken.
"""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress

from sja_units.acquisition.spool import segment as segments
from sja_units.fs.safe_open import open_folder, open_regular, read_regular

_WINDOW = 2**20
_LARGEST_BATCH = 64 * 2**20  # and more than any segment
_CURSOR_BYTES = 100


class Retained:
    """The spool of a job, open for reading. Use it in a `with` block. Raises OSError."""

    def __init__(self, state_dir: str) -> None:
        """state_dir: the job's own folder; a link there is systemd's."""
        home = os.open(state_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._folder = open_folder("spool", home)
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
            data = read_regular("cursor", _CURSOR_BYTES, self._folder)
            number, offset, *_ = (int(word) for word in data.split())
            return number, max(0, offset)
        return 0, 0

    def _read_segment(self, number: int, offset: int) -> Iterator[bytes]:
        try:
            fd = open_regular(segments.name_segment(number), self._folder)
        except OSError:
            return  # sent and gone meanwhile, or no file of the worker's
        try:
            for body in _read_batches(fd, offset):
                yield from filter(None, body.split(b"\n"))
        finally:
            os.close(fd)

    def has_unsent(self) -> bool:
        """Return whether anything stands behind the cursor, be it whole or damaged."""
        first, offset = self._read_cursor()
        for number in self._list_segments():
            name = segments.name_segment(number)
            status = os.stat(name, dir_fd=self._folder, follow_symlinks=False)
            sent = offset if number == first else 0
            if number >= first and stat.S_ISREG(status.st_mode) and status.st_size > sent:
                return True
        return False

    def copy(self, note: Callable[[OSError], None]) -> Iterator[tuple[str, bytes]]:
        """Yield names and contents of files that make a spool with all that is not sent yet.

        It holds what was there at the beginning; what is sent meanwhile may be missing, and what
        was sent in the last moment is sent once more from the copy.
        note: called for each file that cannot be read.
        """
        first, _ = self._read_cursor()
        kept = [number for number in self._list_segments() if number >= first]
        torn = sorted(name for name in os.listdir(self._folder) if segments.is_torn(name))
        for name in ("cursor", *map(segments.name_segment, kept), *torn):
            try:
                data = read_regular(name, _LARGEST_BATCH, self._folder)
            except FileNotFoundError:
                continue  # sent and gone meanwhile
            except OSError as error:
                note(error)
                continue
            # The worker may be in the middle of the last one's next batch.
            is_last = bool(kept) and name == segments.name_segment(kept[-1])
            yield name, data[: segments.find_end(data)] if is_last else data


def has_unsent(state_dir: str) -> bool:
    """Return whether a spool holds what was never sent; one that cannot be read may do so."""
    try:
        with Retained(state_dir) as retained:
            return retained.has_unsent()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True


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
