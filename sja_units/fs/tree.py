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

    status: os.stat_result
    folders: list[str]


def walk(path: str) -> Iterator[os.stat_result]:
    """Yield what stat(2) says of each thing below a folder. Raises OSError.

    One folder at a time is open, and no path grows: neither depth nor length has a bound.
    """
    folder = open_folder(path)
    try:
        levels = [_Level(os.fstat(folder), [])]
        yield from _scan(folder, levels, path)
        while levels:
            if levels[-1].folders:
                name = levels[-1].folders.pop()
                levels.append(_Level(os.stat(name, dir_fd=folder, follow_symlinks=False), []))
            else:
                levels.pop()
                name = ".."
            if levels:
                next_folder = open_folder(name, folder)
                os.close(folder)
                folder = next_folder
                if not os.path.samestat(os.fstat(folder), levels[-1].status):
                    raise OSError(errno.ESTALE, "it changes meanwhile", path)
                if name != "..":
                    yield from _scan(folder, levels, path)
    finally:
        os.close(folder)


def _scan(folder: int, levels: list[_Level], path: str) -> Iterator[os.stat_result]:
    for name in os.listdir(folder):
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            _check_disk(status, levels[0].status, path)
            levels[-1].folders.append(name)
        yield status


def _check_disk(status: os.stat_result, top: os.stat_result, path: str) -> None:
    # Folders only: a file of an overlay may tell the device that it really is on.
    if status.st_dev != top.st_dev:
        raise OSError(errno.EXDEV, "another disk is mounted in it", path)


def remove_tree(path: str) -> None:
    """Delete a folder and all that is in it. Raises OSError; the same again then goes on.

    What is in a folder within comes up to the top before that is deleted, so nothing is deep.
    """
    top = open_folder(path)
    try:
        status, mark, number = os.fstat(top), os.urandom(8).hex(), 0
        while names := os.listdir(top):
            for name in names:
                if _unlink(name, top):
                    continue
                folder = open_folder(name, top)
                try:
                    _check_disk(os.fstat(folder), status, path)
                    for inner in os.listdir(folder):
                        if not _unlink(inner, folder):
                            number += 1
                            new = f".{mark}-{number}"
                            os.rename(inner, new, src_dir_fd=folder, dst_dir_fd=top)
                finally:
                    os.close(folder)
                os.rmdir(name, dir_fd=top)
    finally:
        os.close(top)
    os.rmdir(path)


def _unlink(name: str, folder: int) -> bool:
    """Delete what is no folder; return whether it was none. Raises OSError."""
    try:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)
    except IsADirectoryError:
        return False
    return True
