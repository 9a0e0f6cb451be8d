"""`sjactl logs`."""

import os
import time

import click

from sja_units.cli.params import example
from sja_units.errors import SjaError, UsageError
from sja_units.job import Job
from sja_units.jobs import inventory
from sja_units.systemd.journal_read import require_journal
from sja_units.times import parse_moment


@click.command(
    "logs",
    epilog=example("sjactl logs line1 -f", "sjactl logs line1 --since -1h -p warning"),
)
@click.argument("jobs", nargs=-1, required=True, metavar="JOB...")
@click.option("-f", "--follow", is_flag=True, help="Keep showing new lines.")
@click.option("-n", "--lines", type=click.IntRange(min=0), metavar="N", help="The last N lines.")
@click.option("--since", metavar="T", help='Not older than T: "-1h", "2026-01-31 08:00".')
@click.option("--until", metavar="T", help="Not newer than T.")
@click.option("-p", "--priority", metavar="LEVEL", help="Of this level or worse, such as warning.")
@click.option(
    "-b", "--boot", is_flag=False, flag_value="0", metavar="[N]", help="Of this boot, or of boot N."
)
@click.option(
    "--run", type=click.IntRange(min=1), metavar="N", help="Of the Nth run that history lists."
)
def logs_command(
    jobs: tuple[str, ...],
    follow: bool,
    lines: int | None,
    since: str | None,
    until: str | None,
    priority: str | None,
    boot: str | None,
    run: int | None,
) -> None:
    """Show the journal of jobs; T, LEVEL and N are as journalctl takes them."""
    command = ["journalctl"]
    chosen = inventory.select_configured(jobs)
    require_journal()
    if run is not None:
        command += _match_run(chosen, run)
    else:
        command += [f"--unit={job.unit}" for job in chosen]
    if follow:
        command.append("--follow")
    if lines is not None:
        command.append(f"--lines={lines}")
    given = [("since", since and _format_time(since)), ("until", until and _format_time(until))]
    given += [("priority", priority), ("boot", boot)]
    command += [f"--{name}={value}" for name, value in given if value]
    os.execvp(command[0], command)


def _match_run(jobs: list[Job], number: int) -> list[str]:
    """Return what journalctl matches of one run: what it wrote, and what systemd wrote of it."""
    from sja_units.actions.read_runs import read_runs

    if len(jobs) != 1:
        raise UsageError("--run is for one job at a time")
    runs = read_runs(jobs[0], number)
    if len(runs) < number or not runs[-1].invocation_id:
        raise SjaError(f"the journal does not know run {number} of {jobs[0]}")
    invocation = runs[-1].invocation_id
    return [f"_SYSTEMD_INVOCATION_ID={invocation}", "+", f"INVOCATION_ID={invocation}", "_PID=1"]


def _format_time(text: str) -> str:
    """Return a time as journalctl takes it, which knows words of its own such as yesterday."""
    try:
        return f"@{parse_moment(text, time.time()) / 1e9:.6f}"
    except UsageError:
        return text
