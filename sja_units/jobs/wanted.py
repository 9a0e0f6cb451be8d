"""The markers of jobs whose last order was to start."""

import os
from collections.abc import Iterable
from contextlib import suppress

from sja_units.errors import NotAllowed
from sja_units.fs.atomic import sync_folder, touch_synced
from sja_units.job import Job


def want(job: Job) -> None:
    """Note that a job is to run, before it is started: a power cut between loses no order."""
    touch_synced(job.wanted_path)


def want_configured(jobs: Iterable[Job]) -> None:
    """Note that jobs are to run, those that have a file.

    Their hooks do so, too, but systemd runs none of a job that it cannot even set up. What cannot
    be noted here, as for an operator or on a disk that takes nothing, is left to them.
    """
    with suppress(OSError):
        for job in jobs:
            if os.path.lexists(job.config_path) and not os.path.lexists(job.wanted_path):
                want(job)


def forget(jobs: Iterable[Job]) -> None:
    """Drop the markers of jobs that are to stop or have stopped, and the notes of their ends.

    Raises NotAllowed, OSError where a marker cannot be dropped.
    """
    folders = set()
    for job in jobs:
        with suppress(PermissionError):  # what is only a note of the past stays
            for path in (job.ended_path, job.run_path):
                if _unlink(path):
                    folders.add(os.path.dirname(path))
        try:
            if _unlink(job.wanted_path):
                folders.add(os.path.dirname(job.wanted_path))
        except PermissionError:
            raise NotAllowed(
                f"{job} does not run, but is still wanted: it will start at the next boot",
                f"only root can change that: sudo sjactl stop {job}",
            ) from None
    for folder in folders:
        sync_folder(folder)


def _unlink(path: str) -> bool:
    """Remove a file; return whether there was one. Raises OSError."""
    if not os.path.lexists(path):  # where nothing can be written, nothing has to be
        return False
    with suppress(FileNotFoundError):
        os.unlink(path)
    return True
