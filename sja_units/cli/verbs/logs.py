"""`sjactl logs`."""

import os
import time

import click

from sja_units.cli.params import example
from sja_units.errors import UsageError
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
def logs_command(
    jobs: tuple[str, ...],
    follow: bool,
    lines: int | None,
    since: str | None,
    until: str | None,
    priority: str | None,
    boot: str | None,
) -> None:
    """Show the journal of jobs; T, LEVEL and N are as journalctl takes them."""
    command = ["journalctl"]
    for job in inventory.select_configured(jobs):
        command += ["--unit", job.unit]
    require_journal()
    if follow:
        command.append("--follow")
    if lines is not None:
        command.append(f"--lines={lines}")
    given = [("since", since and _format_time(since)), ("until", until and _format_time(until))]
    given += [("priority", priority), ("boot", boot)]
    command += [f"--{name}={value}" for name, value in given if value]
    os.execvp(command[0], command)


def _format_time(text: str) -> str:
    """Return a time as journalctl takes it, which knows words of its own such as yesterday."""
    try:
        return f"@{parse_moment(text, time.time()) / 1e9:.6f}"
    except UsageError:
        return text
