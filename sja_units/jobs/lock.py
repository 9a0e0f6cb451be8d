"""One at a time: what moves or deletes whole jobs' state."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from sja_units.errors import SjaError
from sja_units.job import STATE_ROOT


@contextmanager
def alone() -> Iterator[None]:
    """Keep cleanup and restore apart. Raises SjaError if another one is at work."""
    fd = os.open(STATE_ROOT, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SjaError(
                "another cleanup or restore is at work: try again when it is done"
            ) from None
        yield
    finally:
        os.close(fd)
