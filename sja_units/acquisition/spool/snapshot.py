"""What an acquisition job holds on disk, read by somebody else while its worker goes on.

Nothing is locked or changed. The folder belongs to an unprivileged user: no link is followed,
nothing is waited for, and no claim of a file decides how much memory is taken.
"""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress

from sja_units.acquisition.spool import segment as segments
from sja_units.acquisition.spool.cursor import read_cursor
from sja_units.acquisition.spool.index import Position
from sja_units.fs.safe_open import open_folder, open_regular, read_regular


class SpoolSnapshot:
    """The spool of a job, open for reading. Use it in a `with` block. Raises OSError."""

    def __init__(self, state_dir: str) -> None:
        """state_dir: the job's own folder; a link there is systemd's."""
        home = os.open(state_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._folder = open_folder("spool", home)
        finally:
            os.close(home)

    def __enter__(self) -> "SpoolSnapshot":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._folder)

    def read_lines(self, *, sent_too: bool) -> Iterator[bytes]:
        """Yield all lines, oldest first; of a database's job only those not sent yet.

        What is torn or damaged is passed over, as the worker does.
        """
        numbers = segments.list_segments(self._folder)
        start = Position(0, 0) if sent_too else self._find_unsent(numbers)
        for number in numbers:
            if number >= start.number:
                yield from self._read_segment(number, start.offset if number == start.number else 0)

    def _find_unsent(self, numbers: list[int]) -> Position:
        """Return where what is unsent begins; a cursor beyond the last segment is not believed."""
        with suppress(FileNotFoundError):
            saved = read_cursor("cursor", self._folder)
            if saved and numbers and saved.cursor.number <= numbers[-1]:
                return Position(saved.cursor.number, saved.cursor.offset)
        return Position(0, 0)

    def _read_segment(self, number: int, offset: int) -> Iterator[bytes]:
        try:
            fd = open_regular(segments.name_segment(number), self._folder)
        except OSError:
            return  # sent and gone meanwhile, or no file of the worker's
        try:
            for found in segments.read_batches(fd, offset):
                if isinstance(found, segments.Batch):
                    yield from filter(None, found.body.split(b"\n"))
        finally:
            os.close(fd)

    def has_unsent(self) -> bool:
        """Return whether anything stands behind the cursor, be it whole or damaged."""
        numbers = segments.list_segments(self._folder)
        start = self._find_unsent(numbers)
        for number in numbers:
            sent = start.offset if number == start.number else 0
            if number >= start.number and self._measure(number) > sent:
                return True
        return False

    def _measure(self, number: int) -> int:
        """Return the bytes of a segment, 0 if it is gone or no file."""
        try:
            name = segments.name_segment(number)
            status = os.stat(name, dir_fd=self._folder, follow_symlinks=False)
        except FileNotFoundError:
            return 0
        return status.st_size if stat.S_ISREG(status.st_mode) else 0

    def copy(self, note: Callable[[OSError], None]) -> Iterator[tuple[str, bytes]]:
        """Yield names and contents of files that make a spool with all that is not sent yet.

        It holds what was there at the beginning; what is sent meanwhile may be missing, and what
        was sent in the last moment is sent once more from the copy.
        note: called for each file that cannot be read.
        """
        numbers = segments.list_segments(self._folder)
        start = self._find_unsent(numbers)
        unsent = [number for number in numbers if number >= start.number]
        torn = sorted(name for name in os.listdir(self._folder) if segments.is_torn(name))
        for name in ("cursor", *map(segments.name_segment, unsent), *torn):
            try:
                data = read_regular(name, segments.LARGEST, self._folder)
            except FileNotFoundError:
                continue  # sent and gone meanwhile
            except OSError as error:
                note(error)
                continue
            # The worker may be in the middle of the last one's next batch.
            is_last = bool(unsent) and name == segments.name_segment(unsent[-1])
            yield name, data[: segments.find_end(data)] if is_last else data


def has_unsent(state_dir: str) -> bool:
    """Return whether a spool holds what was never sent; one that cannot be read may do so."""
    try:
        with SpoolSnapshot(state_dir) as snapshot:
            return snapshot.has_unsent()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
