"""A job's file in its place: read, and written without losing somebody else's work."""

import fcntl
import grp
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sja_units.config import job_file
from sja_units.config.load import Loaded, Source, load
from sja_units.errors import SjaError
from sja_units.fs.atomic import replace_file
from sja_units.job import Job

OPERATORS = "sja"
_LOCK_SECONDS = 10.0


class Changed(SjaError):
    """Somebody else has written the job's file meanwhile."""


def check_installed(kind: str) -> int:
    """Return the number of the operators' group. Raises SjaError on a host without sja-units."""
    folder = os.path.dirname(Job(kind, "x").config_path)
    try:
        if os.path.isdir(folder):
            return grp.getgrnam(OPERATORS).gr_gid
        what = f"there is no {folder}"
    except KeyError:
        what = f"there is no group {OPERATORS}"
    raise SjaError(f"sja-units is not installed on this host: {what}", "install.sh does that")


def read_job(job: Job) -> job_file.JobFile:
    """Return what a job's file says. Raises ConfigError, FileNotFoundError, PermissionError."""
    return job_file.parse(job.kind, job_file.read_file(job.config_path), job.config_path)


def load_job(job: Job) -> Loaded:
    """Return what a job's file says, with points that it names in tables beside it.

    Raises ConfigError, FileNotFoundError, PermissionError.
    """
    return load(job.kind, Source(job_file.read_file(job.config_path), job.config_path))


def create_file(job: Job, text: str) -> None:
    """Write the file of a new job. Raises Changed if there is one by now."""
    with lock_files(job.kind):
        if os.path.lexists(job.config_path):
            raise Changed(f"{job} exists already", f"sjactl config {job} shows it")
        _write(job, text)


def change_file(job: Job, old: str, new: str) -> None:
    """Replace the text of a job's file. Raises Changed if it is not the old one any more."""
    with lock_files(job.kind):
        try:
            current = job_file.read_file(job.config_path)
        except FileNotFoundError:
            raise Changed(f"{job} was removed meanwhile") from None
        if current != old:
            raise Changed(f"{job} was changed by somebody else meanwhile")
        _write(job, new)


def _write(job: Job, text: str) -> None:
    group = check_installed(job.kind)
    replace_file(job.config_path, text.encode(), 0o640, group=group)


@contextmanager
def lock_files(kind: str, seconds: float = _LOCK_SECONDS) -> Iterator[None]:
    """Let nobody else write or remove files of a kind meanwhile. Raises SjaError."""
    folder = os.path.dirname(Job(kind, "x").config_path)
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        end = time.monotonic() + seconds
        while not _try_lock(fd):
            if time.monotonic() >= end:
                raise SjaError(f"{folder} is locked by another process", "try again later")
            time.sleep(0.02)
        yield
    finally:
        os.close(fd)


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
