"""A job's state, read while its worker goes on. The folder is the worker's: nothing is trusted."""

import os
import stat
from collections.abc import Callable, Iterator
from typing import NamedTuple

from sja_units.acquisition.retained import Retained
from sja_units.backup.contents import MAX_FILE, is_plain_part
from sja_units.job import Job
from sja_units.plain_file import open_folder, read_plain

_SPOOL = "spool"
_TRIES = 5
_MAX_DEPTH = 4
_MAX_SETTLED = 4 * MAX_FILE  # bytes in memory at a time, whatever a worker has written


class StateFile(NamedTuple):
    """A file below a job's state folder."""

    path: str
    data: bytes
    changed: float | None  # Unix time; None: now


class _Folder(NamedTuple):
    """What stands in a folder: names, and for files what tells one version from the next."""

    files: dict[str, tuple[int, int, int]]
    folders: list[str]
    others: list[str]


def read_state(job: Job, tell: Callable[[str], None]) -> Iterator[StateFile]:
    """Yield the files of a job's state, each of them whole, and all of one moment but the spool's.

    Of the spool that is all which is not sent yet. `tell` is called with a line for what is left
    out. Raises OSError.
    """

    def note(error: OSError) -> None:
        tell(f"{job.state_dir}/{error.filename or ''}: {error.strerror}, it is left out")

    try:
        # A link there is systemd's: the folder that it stands in is root's.
        home = os.open(job.state_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return  # it never ran
    try:
        top = _look(home)
        yield from _read_settled(home, note)
        for name in top.folders:
            if name != _SPOOL or job.kind != "acquisition":
                yield from _read_below(home, name, note)
        for name in top.others:
            tell(f"{job.state_dir}/{name!r} is no plain file, it is left out")
    finally:
        os.close(home)
    if job.kind == "acquisition" and _SPOOL in top.folders:
        with Retained(job.state_dir) as spool:
            for name, data in spool.copy(note):
                yield StateFile(f"{_SPOOL}/{name}", data, None)


def _look(fd: int) -> _Folder:
    found = _Folder({}, [], [])
    for name in sorted(os.listdir(fd)):
        try:
            status = os.stat(name, dir_fd=fd, follow_symlinks=False)
        except FileNotFoundError:
            continue
        if stat.S_ISDIR(status.st_mode) and is_plain_part(name):
            found.folders.append(name)
        elif not stat.S_ISREG(status.st_mode) or not is_plain_part(name):
            found.others.append(name)
        elif not name.endswith(".new"):  # half written
            found.files[name] = (status.st_ino, status.st_size, status.st_mtime_ns)
    return found


def _read_settled(fd: int, note: Callable[[OSError], None]) -> list[StateFile]:
    """Return the files of a folder as they stood at one moment.

    A jar that a person gave must not be missed, nor win a second time over a jar that has moved on
    since: while files change it is read again. Some always change: then the last try counts.
    """
    for _ in range(_TRIES):
        before = _look(fd).files
        faults: list[OSError] = []
        files = _read_files(fd, "", before, faults.append)
        if _look(fd).files == before:
            break
    for fault in faults:
        note(fault)
    return files


def _read_files(
    fd: int, prefix: str, found: dict[str, tuple[int, int, int]], note: Callable[[OSError], None]
) -> list[StateFile]:
    files = []
    room = _MAX_SETTLED
    for name, (_, _, changed) in found.items():
        try:
            data = read_plain(name, min(room, MAX_FILE), fd)
            room -= len(data)
            files.append(StateFile(prefix + name, data, changed / 1e9))
        except FileNotFoundError:
            continue
        except OSError as error:
            note(error)
    return files


def _read_below(
    above: int, name: str, note: Callable[[OSError], None], prefix: str = "", depth: int = 1
) -> Iterator[StateFile]:
    try:
        fd = open_folder(name, above)
    except OSError as error:
        note(error)
        return
    try:
        found = _look(fd)
        for file in found.files:
            yield from _read_files(fd, f"{prefix}{name}/", {file: found.files[file]}, note)
        for folder in found.folders:
            if depth < _MAX_DEPTH:
                yield from _read_below(fd, folder, note, f"{prefix}{name}/", depth + 1)
            else:
                note(OSError(0, "too many folders in each other", f"{prefix}{name}/{folder}"))
        for other in found.others:
            note(OSError(0, "is no plain file", f"{prefix}{name}/{other}"))
    finally:
        os.close(fd)
