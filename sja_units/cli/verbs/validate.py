"""`sjactl validate`: files, before they are used."""

import click

from sja_units.cli.client_files import open_client_file
from sja_units.cli.output import format as render
from sja_units.cli.output.streams import echo
from sja_units.cli.params import ClientConfig, Word, example
from sja_units.cli.target import is_path
from sja_units.cli.validation import Checked, check_file, check_job
from sja_units.errors import ConfigError
from sja_units.job import KINDS
from sja_units.jobs import inventory


@click.command("validate", epilog=example("sjactl validate line1.toml", "sjactl validate 'line*'"))
@click.argument(
    "targets", metavar="FILE|JOB...", nargs=-1, required=True, type=ClientConfig(or_job=True)
)
@click.option("--kind", type=Word(KINDS), help="Read FILE as a job of this kind.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def validate_command(targets: tuple[str, ...], kind: str | None, as_json: bool) -> int:
    """Check files without touching devices, databases, sites or systemd.

    FILE may be a job's file, a template, a grant or sja-units.toml; its keys tell which. Prints
    each fault with its place; ends with 1 if there is any.
    """
    checked: list[Checked] = []
    for words in targets:
        if is_path(words):
            checked.append(check_file(words, kind or "", open_client_file))
        else:
            checked += map(check_job, inventory.select_configured([words]))
    if as_json:
        render.print_json([each.as_json() for each in checked])
    else:
        for each in checked:
            _print(each)
    return 1 if any(each.faults for each in checked) else 0


def _print(checked: Checked) -> None:
    if checked.faults:
        echo(render.clean_lines(ConfigError(checked.path, checked.faults).message))
    else:
        echo(f"{checked.path}: ok ({checked.kind})")
