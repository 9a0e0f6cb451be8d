"""`sjactl doctor`."""

from collections import Counter

import click

from sja_units.cli.output import format as render
from sja_units.cli.output.streams import echo
from sja_units.cli.params import example
from sja_units.doctor import OK, PROBLEM, UNKNOWN, WARNING, Report, examine

_COLOURS = {OK: "green", WARNING: "yellow", PROBLEM: "red", UNKNOWN: "cyan"}


@click.command("doctor", epilog=example("sudo sjactl doctor"))
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def doctor_command(as_json: bool) -> int:
    """Check whether this host is fit to run jobs; ends with 1 if there is a problem.

    Each line is ok, a warning or a problem with what to do, or unknown if it could not be
    checked, mostly because only root may.
    """
    reports = []
    for report in examine():
        reports.append(report)
        if not as_json:
            echo(_format(report))
    counts = Counter(report.result for report in reports)
    if as_json:
        checks = [report._asdict() for report in reports]
        render.print_json({"ok": not counts[PROBLEM], "checks": checks})
    else:
        words = ", ".join(f"{counts[kind]} {kind}" for kind in _COLOURS if counts[kind])
        echo(words, err=True)
    return 1 if counts[PROBLEM] else 0


def _format(report: Report) -> str:
    advice = f" -> {report.advice}" if report.advice else ""
    result = click.style(f"{report.result:8}", fg=_COLOURS[report.result])
    return f"{result} {report.check:9} {render.clean(report.message + advice)}"
