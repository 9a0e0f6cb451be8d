"""The file that a job runs with: the copy that it was handed over at its start."""

import os
from contextlib import suppress

from sja_units.config.job_file import MAX_BYTES
from sja_units.fs.safe_open import read_regular
from sja_units.job import Job


def get_copy_path(job: Job) -> str:
    """Return where the begin hook leaves the copy; nobody but the job and root can read it."""
    return f"{job.run_dir}/config"


def read_copy(job: Job) -> bytes:
    """Return the file that a job runs with. Raises OSError; FileNotFoundError if it rests."""
    return read_regular(get_copy_path(job), MAX_BYTES + 1)


def is_changed(job: Job) -> bool:
    """Tell whether the file of a job that runs is another one than it was started with.

    A file that is not younger than the copy is taken for the same. Of a younger one of the same
    size only root can tell; for others it has changed.
    """
    try:
        copy = os.stat(get_copy_path(job), follow_symlinks=False)
        file = os.stat(job.config_path)
    except OSError:
        return False  # it has no copy, or no file: which is another matter
    if file.st_size != copy.st_size:
        return True
    if max(file.st_mtime_ns, file.st_ctime_ns) <= copy.st_mtime_ns:
        return False
    with suppress(OSError):
        return read_copy(job) != read_regular(job.config_path, MAX_BYTES + 1)
    return file.st_mtime_ns > copy.st_mtime_ns
