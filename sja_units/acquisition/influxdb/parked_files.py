"""The files of refused lines, read and handed back by somebody else while the worker goes on.

The folder belongs to an unprivileged user: no link is followed, and nothing is waited for.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sja_units.acquisition.influxdb.dead_letter import (
    FILES,
    READ_BYTES,
    RESEND_FILES,
    Parked,
    parse_parked,
)
from sja_units.fs.safe_open import read_regular


class ParkedFiles:
    """What the database has refused of a job."""

    def __init__(self, folder: int) -> None:
        """folder: a file descriptor of the job's own folder."""
        self._folder = folder

    def read(self) -> list[Parked]:
        """Return all refused lines, oldest first. Raises OSError."""
        return [parked for name in (*RESEND_FILES, *FILES) for parked in self._read(name)]

    def _read(self, name: str) -> Iterator[Parked]:
        try:
            return parse_parked(read_regular(name, READ_BYTES, self._folder))
        except FileNotFoundError:
            return iter(())

    def order_resend(self) -> None:
        """Have the worker send them once more. Raises OSError."""
        for name, resend in zip(FILES, RESEND_FILES, strict=True):
            # One that is being sent is not overwritten: what is in its place is sent after it.
            if not self._has(resend):
                with suppress(FileNotFoundError):
                    os.rename(name, resend, src_dir_fd=self._folder, dst_dir_fd=self._folder)

    def is_resent(self) -> bool:
        """Return whether the worker has sent, or parked anew, all that it was given."""
        return not any(map(self._has, RESEND_FILES))

    def _has(self, name: str) -> bool:
        try:
            os.stat(name, dir_fd=self._folder, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True


@contextmanager
def open_parked(state_dir: str) -> Iterator[ParkedFiles]:
    """Give the refused lines of a job; a link at `state_dir` is systemd's. Raises OSError."""
    folder = os.open(state_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield ParkedFiles(folder)
    finally:
        os.close(folder)
