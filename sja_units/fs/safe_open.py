"""Files in folders that others write to: no link is followed, nothing is waited for."""

import errno
import os
import stat

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WINDOW = 2**20


def open_regular(path: str, folder: int | None = None) -> int:
    """Return a file descriptor to read a regular file by.

    folder: a file descriptor of the folder that a relative path counts from. Raises OSError, also
    for what is no regular file.
    """
    fd = os.open(path, _READ, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "is not a regular file", path)
    return fd


def open_folder(path: str, folder: int | None = None) -> int:
    """Return a file descriptor of a folder that is no link. Raises OSError."""
    return os.open(path, _READ | os.O_DIRECTORY, dir_fd=folder)


def read_regular(path: str, limit: int, folder: int | None = None) -> bytes:
    """Return what a regular file holds; `folder` as in `open_regular`.

    Raises OSError, also for a file of more than `limit` bytes: no claim of a file decides how much
    memory is taken.
    """
    fd = open_regular(path, folder)
    try:
        parts = []
        left = limit + 1
        while left and (part := os.read(fd, min(left, _WINDOW))):
            parts.append(part)
            left -= len(part)
    finally:
        os.close(fd)
    if not left:
        raise OSError(errno.EFBIG, f"is larger than {limit} bytes", path)
    return b"".join(parts)
