"""Folders with all that is in them, however deep: no link is followed, no other disk entered."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from sja_units.fs.safe_open import open_folder


class _Level(NamedTuple):
    """A folder on the way down, and those in it that are still to be entered."""

    name: str
    status: os.stat_result
    folders: list[tuple[str, os.stat_result]]


def walk(path: str) -> Iterator[os.stat_result]:
    """Yield what stat(2) says of each thing below a folder. Raises OSError."""
    for _, _, status in _visit(path):
        yield status


def remove_tree(path: str) -> None:
    """Delete a folder and all that is in it. Raises OSError; the same again then goes on."""
    for folder, name, status in _visit(path):
        with suppress(FileNotFoundError):
            if stat.S_ISDIR(status.st_mode):
                os.rmdir(name, dir_fd=folder)
            else:
                os.unlink(name, dir_fd=folder)
    os.rmdir(path)


def _visit(path: str) -> Iterator[tuple[int, str, os.stat_result]]:
    """Yield each thing below a folder as the folder that it is in, its name and what stat(2) says;
    a folder after all that is in it.

    One folder at a time is open, and no path grows: neither depth nor length has a bound.
    """
    folder = open_folder(path)
    try:
        levels = [_Level("", os.fstat(folder), [])]
        yield from _scan(folder, levels, path)
        while True:
            level = levels[-1]
            if level.folders:
                name, status = level.folders.pop()
                levels.append(_Level(name, status, []))
                folder = _move(folder, name)
                _check(folder, status, path)
                yield from _scan(folder, levels, path)
            elif len(levels) > 1:
                levels.pop()
                folder = _move(folder, "..")
                _check(folder, levels[-1].status, path)
                yield folder, level.name, level.status
            else:
                return
    finally:
        os.close(folder)


def _scan(
    folder: int, levels: list[_Level], path: str
) -> Iterator[tuple[int, str, os.stat_result]]:
    for name in os.listdir(folder):
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISDIR(status.st_mode):
            yield folder, name, status
            continue
        # Folders only: a file of an overlay may tell the device that it really is on.
        if status.st_dev != levels[0].status.st_dev:
            raise OSError(errno.EXDEV, "another disk is mounted in it", path)
        levels[-1].folders.append((name, status))


def _move(folder: int, name: str) -> int:
    """Return a folder beside or in another one, which is closed."""
    moved = open_folder(name, folder)
    os.close(folder)
    return moved


def _check(folder: int, status: os.stat_result, path: str) -> None:
    if not os.path.samestat(os.fstat(folder), status):
        raise OSError(errno.ESTALE, "it changes meanwhile", path)
