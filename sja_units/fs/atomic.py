"""Files that neither a kill nor a power cut can tear or empty."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO


def sync_folder(path: str) -> None:
    """Put a folder's entries (a new name, a rename, a removal) on the disk."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def atomic_writer(
    path: str, mode: int = 0o600, *, group: int = -1, sync: bool = True, suffix: str = ".new"
) -> Iterator[BinaryIO]:
    """Give a new file that takes the place of `path` when the block ends, as a whole or not at all.

    group: the file's group, where it is not the writer's own.
    suffix: of the name that it has until then; what stands there is overwritten.
    With `sync` it also outlives a power cut from then on; leave it out for files under /run.
    Raises OSError; whatever is raised, the old file is then as it was.
    """
    temporary = path + suffix
    # A left-over of a kill, or a link planted there, must not be written through.
    with suppress(FileNotFoundError):
        os.unlink(temporary)
    fd = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with open(fd, "wb", buffering=0) as file:
            if group >= 0:
                os.fchown(fd, -1, group)
            os.fchmod(fd, mode)
            yield file
            if sync:
                os.fsync(fd)
    except BaseException:
        os.unlink(temporary)
        raise
    os.rename(temporary, path)
    if sync:
        sync_folder(os.path.dirname(path) or ".")


def replace_file(
    path: str, data: bytes, mode: int = 0o600, *, group: int = -1, sync: bool = True
) -> None:
    """Put `data` at `path` so that a reader sees the old file or the new one, never a part.

    The options and what is raised are those of `atomic_writer`.
    """
    with atomic_writer(path, mode, group=group, sync=sync) as file:
        write_all(file.fileno(), data)


def write_all(fd: int, data: bytes) -> None:
    """Write bytes to the last one. Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def touch_synced(path: str) -> None:
    """Make an empty file that outlives a power cut; one that is there stays. Raises OSError."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o644))
    sync_folder(os.path.dirname(path))
