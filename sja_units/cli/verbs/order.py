"""`sjactl start`, `stop` and `restart`: with the unit's own result, not just a queued job."""

from collections.abc import Callable

import click

from sja_units.actions import order as orders
from sja_units.cli.output import format as render
from sja_units.cli.output.streams import echo
from sja_units.errors import UsageError
from sja_units.job import Job
from sja_units.jobs import inventory
from sja_units.jobs.schedule import is_scheduled
from sja_units.jobs.status import JobStatus, get_status, list_status
from sja_units.systemd.client import Systemd


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
    failed = orders.carry_out(systemd, verb, views, lambda job: echo(str(job)))
    for job, result in failed:
        words = orders.explain_failure(systemd, verb, job, result)
        echo(f"sjactl: {render.clean(words)}", err=True)
        echo(f"        sjactl logs {job} shows more", err=True)
    if verb == "start":
        _tell_next_runs(systemd, [view.job for view in views if is_scheduled(view.job)])
    return not failed


def _tell_next_runs(systemd: Systemd, jobs: list[Job]) -> None:
    for view in get_status(systemd, jobs) if jobs else []:
        if view.next_run is not None:
            echo(f"{view.job}: {view.status}", err=True)


start_command = _make_verb("start", "Start jobs, now and after every boot.")
stop_command = _make_verb("stop", "Stop jobs; they stay stopped after a boot.")
restart_command = _make_verb("restart", "Stop jobs and start them again at once.")
