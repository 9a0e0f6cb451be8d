"""`sjactl check`: expected against actual."""

from collections.abc import Iterator
from contextlib import suppress

import click

from sja_units.actions.check import Finding, Result, check
from sja_units.alerts.channels import count_undelivered
from sja_units.cli.output import format as render
from sja_units.cli.output.streams import echo
from sja_units.cli.params import example
from sja_units.errors import ConfigError
from sja_units.systemd.client import Systemd
from sja_units.text import count


@click.command("check", epilog=example("sjactl check", "sjactl check --repair"))
@click.option("--repair", is_flag=True, help="Start the wanted jobs that are down.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def check_command(repair: bool, as_json: bool) -> int:
    """Compare the jobs that should run with those that do; ends with 1 if that differs.

    Jobs on one device or account, and processes of older systems, are only warnings. With
    --repair the journal tells what was started and, if root runs it, each finding once.
    """
    with Systemd() as systemd:
        result = check(systemd, repair=repair)
    result = result._replace(findings=[*result.findings, *_find_undelivered()])
    if as_json:
        render.print_json(_as_json(result))
    else:
        _print(result)
    return 1 if result.problems else 0


def _find_undelivered() -> Iterator[Finding]:
    with suppress(OSError, ConfigError):  # who may not see them
        for channel, number in count_undelivered().items():
            if number:
                words = f"{count(number, 'alert')} not delivered by {channel}, will be retried"
                yield Finding(None, words, True, "undelivered")


def _as_json(result: Result) -> dict[str, object]:
    return {
        "ok": not result.problems,
        "problems": [finding.as_json() for finding in result.problems],
        "warnings": [finding.as_json() for finding in result.warnings],
        "repaired": [f"{job}: started" for job in result.repaired],
    }


def _print(result: Result) -> None:
    for job in result.repaired:
        echo(f"{job}: was down, started")
    for finding in result.findings:
        echo(_format(finding))
    if not result.findings:
        echo("all wanted jobs are running", err=True)


def _format(finding: Finding) -> str:
    kind = "warning: " if finding.is_warning else ""
    job = f"{finding.job}: " if finding.job else ""
    return f"{kind}{job}{render.clean(finding.message)}"
