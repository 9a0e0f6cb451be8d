"""How jobs are: files, markers, systemd and health, joined when somebody asks."""

from collections.abc import Iterable

from sja_units.job import Job
from sja_units.jobs.details import add_details, add_essentials
from sja_units.jobs.snapshot import JobStatus, read_status, take_snapshot
from sja_units.systemd.client import Systemd


def list_status(systemd: Systemd, jobs: Iterable[Job] | None = None) -> list[JobStatus]:
    """Return how jobs are, in a line each; None: all jobs there are, by kind and name.

    systemd is asked about single units only where something is wrong.
    """
    chosen = None if jobs is None else list(jobs)
    snapshot = take_snapshot(systemd, chosen)
    listed = snapshot.list_jobs() if chosen is None else chosen
    return add_essentials(systemd, [read_status(job, snapshot) for job in listed], snapshot)


def get_status(systemd: Systemd, jobs: Iterable[Job]) -> list[JobStatus]:
    """Return all about these jobs, with what they use of the machine."""
    chosen = list(jobs)
    snapshot = take_snapshot(systemd, chosen)
    return add_details(systemd, [read_status(job, snapshot) for job in chosen], snapshot)
