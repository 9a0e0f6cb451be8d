"""A job's state, read while its worker goes on. The folder is the worker's: nothing is trusted."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

from sja_units.backup.contents import MAX_FILE, is_plain_part
from sja_units.fs.safe_open import open_folder, read_regular
from sja_units.job import Job
from sja_units.kinds import get_kind

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


def read_state(
    job: Job, tell: Callable[[str], None], miss: Callable[[str], None]
) -> Iterator[StateFile]:
    """Yield the files of a job's state, each of them whole, and all of one moment but the spool's.

    Of the spool that is all which is not sent yet. Called with a line for what is left out are
    `miss` for data, and `tell` for what is none, such as a socket. Raises OSError.
    """
    kind = get_kind(job.kind)
    reader = _Reader(job, tell, miss)
    try:
        # A link there is systemd's: the folder that it stands in is root's.
        home = os.open(job.state_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return  # it never ran
    try:
        folders = reader.look(home).folders
        reader.name_others(home, "")
        yield from reader.read_settled(home)
        for name in folders:
            if name != kind.spool:
                yield from reader.read_below(home, name)
    finally:
        os.close(home)
    if kind.spool in folders:
        for name, data in kind.copy_spool(job.state_dir, reader.note):
            yield StateFile(f"{kind.spool}/{name}", data, None)


class _Reader:
    def __init__(self, job: Job, tell: Callable[[str], None], miss: Callable[[str], None]) -> None:
        self._home = job.state_dir
        self._is_ours = get_kind(job.kind).owns_state
        self._tell = tell
        self._miss = miss

    def note(self, error: OSError) -> None:
        self._leave_out(error.filename or "", str(error.strerror))

    def _leave_out(self, path: str, reason: str) -> None:
        self._miss(f"{self._home}/{path}: {reason}, it is left out")

    def look(self, fd: int) -> _Folder:
        found = _Folder({}, [])
        for name, status in _list(fd):
            if not is_plain_part(name) or (self._is_ours and name.endswith(".new")):
                continue  # .new: half written
            if stat.S_ISDIR(status.st_mode):
                found.folders.append(name)
            elif stat.S_ISREG(status.st_mode):
                found.files[name] = (status.st_ino, status.st_size, status.st_mtime_ns)
        return found

    def name_others(self, fd: int, prefix: str) -> None:
        for name, status in _list(fd):
            path = f"{self._home}/{prefix}{name if is_plain_part(name) else repr(name)}"
            if not stat.S_ISDIR(status.st_mode) and not stat.S_ISREG(status.st_mode):
                self._tell(f"{path} is not a regular file and is left out")
            elif not is_plain_part(name):
                self._miss(f"{path}: its name cannot be stored, it is left out")

    def read_settled(self, fd: int) -> list[StateFile]:
        """Return the files of a folder as they stood at one moment.

        A jar that a person gave must not be missed, nor win a second time over a jar that has
        moved on since: while files change it is read again. Some always change: then the last try
        counts.
        """
        for _ in range(_TRIES):
            before = self.look(fd).files
            faults: list[OSError] = []
            files = _read_files(fd, "", before, faults.append)
            if self.look(fd).files == before:
                break
        for fault in faults:
            self.note(fault)
        return files

    def read_below(
        self, above: int, name: str, prefix: str = "", depth: int = 1
    ) -> Iterator[StateFile]:
        try:
            fd = open_folder(name, above)
        except OSError as error:
            self.note(error)
            return
        inside = f"{prefix}{name}/"
        try:
            found = self.look(fd)
            self.name_others(fd, inside)
            for file, version in found.files.items():
                yield from _read_files(fd, inside, {file: version}, self.note)
            for folder in found.folders:
                if depth < _MAX_DEPTH:
                    yield from self.read_below(fd, folder, inside, depth + 1)
                else:
                    self._leave_out(f"{inside}{folder}", "folders are nested too deeply")
        finally:
            os.close(fd)


def _list(fd: int) -> Iterator[tuple[str, os.stat_result]]:
    for name in sorted(os.listdir(fd)):
        with suppress(FileNotFoundError):
            yield name, os.stat(name, dir_fd=fd, follow_symlinks=False)


def _read_files(
    fd: int, prefix: str, found: dict[str, tuple[int, int, int]], note: Callable[[OSError], None]
) -> list[StateFile]:
    files = []
    room = _MAX_SETTLED
    for name, (_, _, changed) in found.items():
        try:
            data = read_regular(name, min(room, MAX_FILE), fd)
            room -= len(data)
            files.append(StateFile(prefix + name, data, changed / 1e9))
        except FileNotFoundError:
            continue
        except OSError as error:
            note(OSError(error.errno, error.strerror, f"{prefix}{name}"))
    return files
