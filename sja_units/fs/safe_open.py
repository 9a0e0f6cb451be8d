"""Files in folders that others write to: no link is followed, nothing is waited for."""

import errno
import os
import stat

from sja_units.errors import ConfigError

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
        data = _read(fd, limit + 1)
    finally:
        os.close(fd)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"is larger than {limit} bytes", path)
    return data


def read_trusted(path: str, most: int) -> bytes:
    """Return what a file holds that is root's and nobody else's to write, up to so many bytes.

    Raises ConfigError for any other; FileNotFoundError and PermissionError as they come.
    """
    try:
        fd = os.open(path, _READ)
    except (FileNotFoundError, PermissionError):
        raise
    except OSError as error:
        is_link = error.errno == errno.ELOOP
        reason = "is a symbolic link" if is_link else f"cannot be read: {error.strerror}"
        raise ConfigError(path, [reason]) from None
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise ConfigError(path, ["is not a regular file"])
        if status.st_uid != 0:
            raise ConfigError(path, ["is not owned by root: chown root it"])
        if status.st_mode & 0o022:
            raise ConfigError(path, ["can be written by others than root: chmod go-w it"])
        return _read(fd, most)
    finally:
        os.close(fd)


def _read(fd: int, most: int) -> bytes:
    parts = []
    left = most
    while left and (part := os.read(fd, min(left, _WINDOW))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
