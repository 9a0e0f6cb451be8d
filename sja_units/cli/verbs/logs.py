"""`sjactl logs`."""

import os

import click

from sja_units.jobs import inventory
from sja_units.systemd.journal_read import require_journal


@click.command("logs")
@click.argument("jobs", nargs=-1, required=True, metavar="JOB...")
@click.option("-f", "--follow", is_flag=True, help="Go on showing new lines.")
@click.option("-n", "--lines", type=click.IntRange(min=0), help="Only the last N lines.")
@click.option("--since", help='From this time on, such as "-1h" or "2026-01-31 08:00".')
def logs_command(jobs: tuple[str, ...], follow: bool, lines: int | None, since: str | None) -> None:
    """Show the journal of jobs."""
    command = ["journalctl"]
    for job in inventory.select_configured(jobs):
        command += ["--unit", job.unit]
    require_journal()
    if follow:
        command.append("--follow")
    if lines is not None:
        command.append(f"--lines={lines}")
    if since:
        command.append(f"--since={since}")
    os.execvp(command[0], command)
