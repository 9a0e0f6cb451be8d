"""`sjactl relaunch`: what sja-relaunch.service runs."""

import time
from collections import Counter

import click

from sja_units.actions.relaunch import Attempt, relaunch
from sja_units.cli.output import format as render
from sja_units.cli.output.streams import echo
from sja_units.job import parse_unit
from sja_units.systemd import journal_send
from sja_units.systemd.client import Systemd


@click.command("relaunch")
@click.option("--dry-run", is_flag=True, help="Only tell what would be started.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def relaunch_command(dry_run: bool, as_json: bool) -> None:
    """Start every wanted job that does not run, and report on each."""
    began = time.monotonic()

    def tell(attempt: Attempt) -> None:
        if not as_json:
            echo(attempt.as_line())
        if attempt.outcome == "failed" and not dry_run:
            job = parse_unit(attempt.unit)
            journal_send.send(journal_send.NOT_RECOVERED, attempt.reason, job)

    with Systemd() as systemd:
        attempts = relaunch(systemd, tell, dry_run=dry_run)
    seconds = round(time.monotonic() - began, 3)
    counts = Counter(attempt.outcome for attempt in attempts)
    if as_json:
        jobs = [attempt.as_json() for attempt in attempts]
        render.print_json({"jobs": jobs, "counts": dict(counts), "seconds": seconds})
    if dry_run:
        return
    words = ", ".join(f"{number} {outcome}" for outcome, number in sorted(counts.items()))
    journal_send.send(
        journal_send.RELAUNCHED, f"wanted jobs: {words or 'none'}, after {seconds:.1f} s"
    )
