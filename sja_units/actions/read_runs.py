"""A job's runs, as the journal of this host knows them."""

import time
from itertools import islice

from sja_units.actions.history import FIELDS, assemble, match_runs, parse_moment
from sja_units.actions.run import Moment, Now, Run
from sja_units.errors import SjaError
from sja_units.job import Job
from sja_units.systemd.client import Systemd
from sja_units.systemd.journal_read import read_backwards, read_boot_id

_BEGAN = ("InactiveExitTimestamp", "InactiveExitTimestampMonotonic")
_READY = ("ActiveEnterTimestamp", "ActiveEnterTimestampMonotonic")


def read_runs(job: Job, most: int) -> list[Run]:
    """Return a job's last runs, newest first. Raises NotAllowed, SjaError."""
    with read_backwards(match_runs(job), FIELDS) as entries:
        now = Now(read_boot_id(), time.monotonic_ns())
        runs = list(islice(assemble(job, entries, now, _find_end_of_boot), most))
    if runs and runs[0].result is None:
        return runs
    current = _find_current(job, now.boot_id)
    if current is None or (runs and runs[0].invocation_id == current.invocation_id):
        return runs
    return [current, *runs][:most]


def _find_current(job: Job, boot_id: str) -> Run | None:
    """Return the run that goes on as systemd knows it: the journal may have lost its start."""
    names = ("ActiveState", "InvocationID", *_BEGAN, *_READY)
    try:
        with Systemd() as systemd:
            shown = systemd.get([job.unit], *names)[job.unit]
    except SjaError:
        return None  # the journal has to do
    if shown["ActiveState"] not in ("active", "reloading", "refreshing"):
        return None
    began, ready = ([shown[name] * 1000 for name in pair] for pair in (_BEGAN, _READY))
    invocation = bytes(shown["InvocationID"]).hex()
    return Run(Moment(*began), Moment(*ready), None, None, "", None, None, boot_id, invocation)


def _find_end_of_boot(boot_id: str) -> Moment:
    with read_backwards([f"_BOOT_ID={boot_id}"], ["MESSAGE_ID"]) as entries:
        return parse_moment(next(entries))
