"""`sjactl start`, `stop` and `restart`: with the unit's own result, not just a queued job."""

from collections.abc import Callable
from contextlib import suppress

import click

from sja_units.cli.output import format as render
from sja_units.cli.output.streams import echo
from sja_units.errors import SjaError, UsageError
from sja_units.job import Job
from sja_units.jobs import inventory, manager
from sja_units.jobs.schedule import is_scheduled
from sja_units.jobs.state import is_active
from sja_units.jobs.status import JobStatus, get_status, list_status
from sja_units.systemd.client import WITHDRAWN, Systemd


def _make_verb(verb: str, about: str) -> click.Command:
    @click.command(verb, help=about)
    @click.argument("jobs", nargs=-1, metavar="JOB...")
    @click.option("--all", "every", is_flag=True, help="Every job that this can apply to.")
    def command(jobs: tuple[str, ...], every: bool) -> int:
        if bool(jobs) == every:
            raise UsageError(f"say which jobs to {verb}, or --all")
        selectors = [inventory.parse_selector(words) for words in jobs]
        with Systemd() as systemd:
            views = list_status(systemd)
            if every:
                chosen = [view.job for view in views if _CONCERNS[verb](view)]
            else:
                chosen = inventory.select(selectors, {view.job: view.title for view in views})
            return 0 if carry_out(systemd, verb, [v for v in views if v.job in chosen]) else 1

    return command


_RESTING = ("stopped", "completed", "unconfigured")
_RUNNING = ("running", "degraded", "starting", "restarting")
_CONCERNS: dict[str, Callable[[JobStatus], bool]] = {
    "start": lambda view: view.configured and view.state != "completed",
    "stop": lambda view: view.wanted or view.state not in _RESTING,
    "restart": lambda view: view.state in _RUNNING and view.next_run is None,
}


def carry_out(systemd: Systemd, verb: str, views: list[JobStatus]) -> bool:
    """Carry out an order on jobs and tell of each; return whether all did as told."""
    # A start of a job that waits for its next try would wait with it; a restart does not. And
    # one that failed is to be tried, whatever its schedule says.
    now = [v.job for v in views if verb == "start" and _is_tried_now(v)]
    orders = [("restart" if view.job in now else verb, view.job) for view in views]
    failed: list[tuple[Job, str]] = []

    def done(job: Job, result: str) -> None:
        if result == "done":
            echo(str(job))
        else:
            failed.append((job, result))

    if verb == "start":
        for view in views:
            if view.state == "failed":
                # systemd may count its tries, and refuse one more; a person has the last word.
                with suppress(SjaError):
                    systemd.reset_failed(view.job.unit)
    for each in sorted({word for word, _ in orders}):
        manager.order(systemd, each, [job for word, job in orders if word == each], done)
    for job, result in failed:
        _explain(systemd, verb, job, result)
    if verb == "start":
        _tell_next_runs(systemd, [view.job for view in views if is_scheduled(view.job)])
    return not failed


def _tell_next_runs(systemd: Systemd, jobs: list[Job]) -> None:
    for view in get_status(systemd, jobs) if jobs else []:
        if view.next_run is not None:
            echo(f"{view.job}: {view.status}", err=True)


def _is_tried_now(view: JobStatus) -> bool:
    return view.state == "restarting" or (view.state == "failed" and is_scheduled(view.job))


def _explain(systemd: Systemd, verb: str, job: Job, result: str) -> None:
    (view,) = get_status(systemd, [job])
    reason = view.error.message if view.error else render.describe(view) or result
    ending = "is not running"
    if verb == "stop":
        ending = f"could not be stopped ({result})"
    elif result == WITHDRAWN:
        reason = "it was stopped meanwhile"
    elif is_active(view.state):
        ending = f"runs, but the {verb} was {result}"
    elif view.state == "restarting":
        ending = "did not start, systemd tries again"
    echo(f"sjactl: {job} {ending}: {render.clean(reason)}", err=True)
    echo(f"        sjactl logs {job} shows more", err=True)


start_command = _make_verb("start", "Start jobs, now and after every boot.")
stop_command = _make_verb("stop", "Stop jobs; they stay stopped after a boot.")
restart_command = _make_verb("restart", "Stop jobs and start them again at once.")
