"""A job's runs, as the journal of this host knows them."""

import time
from itertools import islice

from sja_units.actions.history import FIELDS, assemble, match_runs, parse_moment
from sja_units.actions.run import Moment, Now, Run
from sja_units.job import Job
from sja_units.systemd.journal_read import read_backwards, read_boot_id


def read_runs(job: Job, most: int) -> list[Run]:
    """Return a job's last runs, newest first. Raises NotAllowed, SjaError."""
    with read_backwards(match_runs(job), FIELDS) as entries:
        now = Now(read_boot_id(), time.monotonic_ns())
        return list(islice(assemble(job, entries, now, _find_end_of_boot), most))


def _find_end_of_boot(boot_id: str) -> Moment:
    with read_backwards([f"_BOOT_ID={boot_id}"], ["MESSAGE_ID"]) as entries:
        return parse_moment(next(entries))
