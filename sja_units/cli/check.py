"""`sjactl check`: expected against actual."""

import click

from sja_units.check import find_problems, find_sharers, find_strays, repair
from sja_units.cli import render
from sja_units.survey import survey
from sja_units.systemd import Systemd


@click.command("check")
@click.option("--repair", "mend", is_flag=True, help="Start the wanted jobs that are down.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def check_command(mend: bool, as_json: bool) -> int:
    """Compare the jobs that should run with those that do. Ends with 1 if it found something.

    Jobs that share a device or a session are warnings, which do not count.
    """
    mended: list[str] = []
    with Systemd() as systemd:
        targets = systemd.list_units(["sja-jobs.target"])
        maintenance = not any(target.active == "active" for target in targets)
        views = survey(systemd)
        if (
            mend
            and not maintenance
            and systemd.unit_file_state("sja-relaunch.service") == "enabled"
        ):
            for job, result in repair(systemd, views):
                mended.append(f"{job}: started, {result}")
            views = survey(systemd) if mended else views
    findings = [
        *find_problems(views, maintenance=maintenance),
        *find_strays(),
        *find_sharers(views),
    ]
    problems = [finding for finding in findings if not finding.is_warning]
    warnings = [finding for finding in findings if finding.is_warning]
    if as_json:
        render.print_json(
            {
                "ok": not problems,
                "problems": [finding.as_json() for finding in problems],
                "warnings": [finding.as_json() for finding in warnings],
                "repaired": mended,
            }
        )
    else:
        for line in mended:
            click.echo(line)
        for finding in findings:
            kind = "warning: " if finding.is_warning else ""
            click.echo(f"{kind}{finding.job}: {render.clean(finding.message)}")
        if not findings:
            click.echo("all wanted jobs run", err=True)
    return 1 if problems else 0
