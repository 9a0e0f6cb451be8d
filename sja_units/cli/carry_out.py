"""Orders of verbs: each is told of as it is done."""

from sja_units.actions import order
from sja_units.cli.output import format as render
from sja_units.cli.output.streams import echo
from sja_units.job import Job
from sja_units.jobs.schedule import is_scheduled
from sja_units.jobs.snapshot import JobStatus
from sja_units.jobs.status import get_status
from sja_units.systemd.client import Systemd
from sja_units.systemd.unit import Verb


def carry_out(systemd: Systemd, verb: Verb, statuses: list[JobStatus]) -> bool:
    """Carry out an order on jobs and tell of each; return whether all did as told."""
    failed = []
    for result in order.carry_out(systemd, verb, statuses):
        if result.result == "done":
            echo(str(result.job))
        else:
            failed.append(result)
    for result in failed:
        words = order.explain_failure(systemd, verb, result)
        echo(f"sjactl: {render.clean(words)}", err=True)
        echo(f"        sjactl logs {result.job} shows more", err=True)
    if verb == "start":
        _tell_next_runs(systemd, [s.job for s in statuses if is_scheduled(s.job)])
    return not failed


def _tell_next_runs(systemd: Systemd, jobs: list[Job]) -> None:
    for status in get_status(systemd, jobs):
        if status.next_run is not None:
            echo(f"{status.job}: {status.status}", err=True)
