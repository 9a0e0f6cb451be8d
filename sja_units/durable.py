"""Files that neither a kill nor a power cut can tear or empty."""

import os
from contextlib import suppress


def sync_folder(path: str) -> None:
    """Put a folder's entries (a new name, a rename, a removal) on the disk."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def replace_file(
    path: str, data: bytes, mode: int = 0o600, *, group: int = -1, sync: bool = True
) -> None:
    """Put `data` at `path` so that a reader sees the old file or the new one, never a part.

    group: the file's group, where it is not the writer's own.
    With `sync` it also outlives a power cut once this returns; leave it out for files under /run.
    Raises OSError; the old file is then as it was.
    """
    temporary = f"{path}.new"
    # A left-over of a kill, or a link planted there, must not be written through.
    with suppress(FileNotFoundError):
        os.unlink(temporary)
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        if group >= 0:
            os.fchown(fd, -1, group)
        os.fchmod(fd, mode)
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
        if sync:
            os.fsync(fd)
    except BaseException:
        os.unlink(temporary)
        raise
    finally:
        os.close(fd)
    os.rename(temporary, path)
    if sync:
        sync_folder(os.path.dirname(path) or ".")
