"""`sjactl relaunch`: what sja-relaunch.service runs."""

import time
from collections import Counter
from collections.abc import Iterable

import click

from sja_units.actions.relaunch import Attempt, make_plan, run_plan
from sja_units.cli.output import format as render
from sja_units.cli.output.streams import echo
from sja_units.cli.params import example
from sja_units.job import parse_unit
from sja_units.systemd import journal_send
from sja_units.systemd.client import Systemd
from sja_units.text import clean


@click.command("relaunch", epilog=example("sjactl relaunch --dry-run"))
@click.option("--dry-run", is_flag=True, help="Only show what would be started.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def relaunch_command(dry_run: bool, as_json: bool) -> int:
    """Start every wanted job that is not running, and report on each.

    Ends with 1 if systemd did not even try to start one of them, as where its unit is masked.
    """
    began = time.monotonic()
    attempts = []
    with Systemd() as systemd:
        plan = make_plan(systemd)
        for attempt in plan.attempts if dry_run else run_plan(systemd, plan):
            attempts.append(attempt)
            if not as_json:
                echo(_format(attempt))
            if attempt.outcome == "failed" and not dry_run:
                job = parse_unit(attempt.unit)
                journal_send.send(journal_send.NOT_RECOVERED, clean(attempt.reason), job)
    seconds = time.monotonic() - began
    counts = Counter(attempt.outcome for attempt in attempts)
    if as_json:
        jobs = [attempt.as_json() for attempt in attempts]
        render.print_json({"jobs": jobs, "counts": dict(counts), "seconds": round(seconds, 3)})
    if not dry_run:
        words = f"wanted jobs: {_format_counts(counts.items())}, after {seconds:.1f} s"
        journal_send.send(journal_send.RELAUNCHED, words)
    return 1 if any(attempt.was_skipped for attempt in attempts) else 0


def _format(attempt: Attempt) -> str:
    title = f" · {render.clean(attempt.title)}" if attempt.title else ""
    reason = f": {render.clean(attempt.reason)}" if attempt.reason else ""
    job = parse_unit(attempt.unit) or attempt.unit
    return f"{job}{title} {attempt.outcome} after {attempt.seconds:.1f} s{reason}"


def _format_counts(counts: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{number} {outcome}" for outcome, number in sorted(counts)) or "none"
