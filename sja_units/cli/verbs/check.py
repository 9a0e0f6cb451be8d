"""`sjactl check`: expected against actual."""

import time

import click

from sja_units.actions import check
from sja_units.cli.output import format as render
from sja_units.cli.output.streams import echo
from sja_units.jobs.status import list_status
from sja_units.systemd.client import Systemd


@click.command("check")
@click.option("--repair", "mend", is_flag=True, help="Start the wanted jobs that are down.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def check_command(mend: bool, as_json: bool) -> int:
    """Compare the jobs that should run with those that do. Ends with 1 if it found something.

    What jobs share, and processes of older systems, are warnings, which do not count. With
    --repair the journal has what was mended, and (by root) each finding once until it has gone.
    """
    with Systemd() as systemd:
        rows = systemd.list_units(["sja-jobs.target", "sja-relaunch.service"])
        busy = {row.name for row in rows if row.active in ("active", "activating")}
        maintenance = "sja-jobs.target" not in busy
        views = list_status(systemd)
        mended = []
        # What sja-relaunch is about to start is not down; while it is switched off, nothing is.
        may_start = not maintenance and "sja-relaunch.service" not in busy
        if mend and may_start and systemd.unit_file_state("sja-relaunch.service") == "enabled":
            mended = check.repair(systemd, views)
            views = list_status(systemd) if mended else views
    findings = [
        *check.find_problems(views, maintenance=maintenance, now=time.time()),
        *check.find_unmanaged(),
        *check.find_conflicting(views),
    ]
    if mend:
        check.tell_repaired(mended)
        check.tell_news(findings)
    problems = [finding for finding in findings if not finding.is_warning]
    if as_json:
        warnings = [finding for finding in findings if finding.is_warning]
        render.print_json(
            {
                "ok": not problems,
                "problems": [finding.as_json() for finding in problems],
                "warnings": [finding.as_json() for finding in warnings],
                "repaired": [f"{job}: started" for job in mended],
            }
        )
    else:
        for job in mended:
            echo(f"{job}: was down, started")
        for finding in findings:
            kind = "warning: " if finding.is_warning else ""
            job_words = f"{finding.job}: " if finding.job else ""
            echo(f"{kind}{job_words}{render.clean(finding.message)}")
        if not findings:
            echo("all wanted jobs run", err=True)
    return 1 if problems else 0
