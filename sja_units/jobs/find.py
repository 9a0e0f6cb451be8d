"""Which jobs a person means: those with a file, a marker or a unit that systemd knows."""

from collections.abc import Iterable

from sja_units.job import KINDS, Job
from sja_units.jobs.inventory import Selector, is_pattern, read_head, select
from sja_units.jobs.snapshot import take_snapshot
from sja_units.systemd.client import Systemd


def find_jobs(systemd: Systemd, selectors: Iterable[Selector]) -> list[Job]:
    """Return the jobs that are meant, each once. Raises NoSuchJob, UsageError.

    Where only names are given, nothing is asked about any other job.
    """
    chosen = list(selectors)
    if any(is_pattern(selector.name) for selector in chosen):
        known = take_snapshot(systemd).list_jobs()
        return select(chosen, {job: read_head(job).title for job in known})
    named = {
        Job(kind, selector.name)
        for selector in chosen
        for kind in KINDS
        if selector.kind in ("", kind)
    }
    known = take_snapshot(systemd, sorted(named)).list_jobs()
    return select(chosen, dict.fromkeys(known, ""))
