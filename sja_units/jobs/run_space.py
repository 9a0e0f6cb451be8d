"""Whether /run has room: where it has none, no worker can report."""

import os
from collections.abc import Iterator
from contextlib import suppress

from sja_units.fs.tree import walk
from sja_units.job import KINDS, RUN_ROOT, Job

_LEAST_BYTES = 64 * 1024  # a health.json of a large job


def describe_full_run() -> str:
    """Return in words that /run is full and who fills it, "" where it has room."""
    try:
        disk = os.statvfs(RUN_ROOT)
    except OSError:
        return ""
    if disk.f_bavail * disk.f_frsize >= _LEAST_BYTES and (disk.f_favail or not disk.f_files):
        return ""
    sizes = sorted(_list_sizes(), key=lambda found: found[1])
    words = f"{RUN_ROOT.rpartition('/')[0]} is full, so no job can report"
    if not sizes or not sizes[-1][1]:
        return words
    job, size = sizes[-1]
    return f"{words}; {job} holds {size >> 20} MiB of it: sjactl restart {job} empties its folder"


def _list_sizes() -> Iterator[tuple[Job, int]]:
    """Yield how much each job's own folder holds, as far as that can be seen."""
    for kind in KINDS:
        with suppress(OSError):
            for name in os.listdir(f"{RUN_ROOT}/{kind}"):
                job = Job(kind, name)
                with suppress(OSError):
                    yield job, sum(status.st_blocks * 512 for status in walk(job.run_dir))
