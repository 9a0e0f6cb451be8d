"""`sjactl start`, `stop` and `restart`: with the unit's own result, not just a queued job."""

from collections.abc import Callable

import click

from sja_units.cli.carry_out import carry_out
from sja_units.cli.params import example
from sja_units.errors import UsageError
from sja_units.jobs import inventory
from sja_units.jobs.find import find_jobs
from sja_units.jobs.schedule import is_scheduled
from sja_units.jobs.snapshot import JobStatus
from sja_units.jobs.status import list_status
from sja_units.systemd.client import Systemd
from sja_units.systemd.unit import Verb


def _make_verb(verb: Verb, about: str) -> click.Command:
    @click.command(verb, help=about, epilog=example(f"sjactl {verb} keepalive/alice"))
    @click.argument("jobs", nargs=-1, metavar="JOB...")
    @click.option("--all", "every", is_flag=True, help="All jobs that this applies to.")
    def command(jobs: tuple[str, ...], every: bool, changed: bool = False) -> int:
        if bool(jobs) + every + changed != 1:
            raise UsageError(f"name the jobs to {verb}, or use --all")
        selectors = [inventory.parse_selector(words) for words in jobs]
        concerns = _has_changed if changed else _CONCERNS[verb]
        with Systemd() as systemd:
            if selectors:
                chosen = list_status(systemd, find_jobs(systemd, selectors))
            else:
                chosen = [status for status in list_status(systemd) if concerns(status)]
            return 0 if carry_out(systemd, verb, chosen) else 1

    if verb == "restart":
        command.params.append(_CHANGED)
    return command


_CHANGED = click.Option(
    ["--changed"], is_flag=True, help="All running jobs whose file was changed since they started."
)


def _has_changed(status: JobStatus) -> bool:
    """Tell whether a restart lets a changed file take effect; a schedule's next run does anyway."""
    return status.changed and not is_scheduled(status.job)


_RESTING = ("stopped", "completed", "unconfigured")
_RUNNING = ("running", "degraded", "starting", "restarting")
_CONCERNS: dict[Verb, Callable[[JobStatus], bool]] = {
    "start": lambda status: status.configured and status.state != "completed",
    "stop": lambda status: status.wanted or status.state not in _RESTING,
    "restart": lambda status: status.state in _RUNNING and status.next_run is None,
}


start_command = _make_verb("start", "Start jobs, now and at every boot.")
stop_command = _make_verb("stop", "Stop jobs; they stay stopped across boots.")
restart_command = _make_verb("restart", "Restart jobs.")
