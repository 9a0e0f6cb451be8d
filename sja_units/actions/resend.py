"""What a database refused, given back to the job's worker once it was mended."""

import time
from contextlib import ExitStack
from typing import NamedTuple

from sja_units.acquisition.influxdb.dead_letter import Parked
from sja_units.acquisition.influxdb.parked_files import open_parked
from sja_units.errors import SjaError
from sja_units.job import Job

_WAIT_SECONDS = 60.0
_PAUSE_SECONDS = 0.2


class Resent(NamedTuple):
    """What came of it."""

    lines: int
    refused: list[Parked]  # once more
    is_done: bool  # False: the worker has not come to it yet


def read_refused(job: Job) -> list[Parked]:
    """Return the refused lines of a job, oldest first. Raises SjaError, PermissionError."""
    with ExitStack() as stack:
        try:
            return stack.enter_context(open_parked(job.state_dir)).read()
        except FileNotFoundError:
            raise SjaError(f"{job} holds nothing: it has never run") from None


def resend(job: Job, *, is_active: bool) -> Resent:
    """Have the worker send them once more, and wait for it where one runs.

    Raises SjaError, PermissionError.
    """
    before = read_refused(job)
    with open_parked(job.state_dir) as files:
        files.order_resend()
        deadline = time.monotonic() + (_WAIT_SECONDS if is_active and before else 0.0)
        while not (is_done := files.is_resent()) and time.monotonic() < deadline:
            time.sleep(_PAUSE_SECONDS)
    lines = {parked.line for parked in before}
    again = [parked for parked in read_refused(job) if parked.line in lines] if is_done else []
    return Resent(len(before), again, is_done)
