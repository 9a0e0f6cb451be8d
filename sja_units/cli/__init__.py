"""The command line: `sjactl VERB`. A file for a verb or a family; each is imported when used."""

import os
import sys

import click

from sja_units import __version__
from sja_units.cli.failure import tell_failure
from sja_units.cli.group import Verbs
from sja_units.cli.output.streams import prepare_streams
from sja_units.errors import UsageError

# verb -> module below sja_units.cli.verbs that holds a command of that name
VERBS = {
    "create": "create",
    "list": "status",
    "status": "status",
    "why": "why",
    "start": "order",
    "stop": "order",
    "restart": "order",
    "remove": "remove",
    "edit": "edit",
    "validate": "validate",
    "config": "config",
    "apply": "config",
    "logs": "logs",
    "watch": "watch",
    "history": "history",
    "probe": "probe",
    "data": "data",
    "resend": "resend",
    "simulate": "simulate",
    "cookies": "cookies",
    "import": "import_jobs",
    "relaunch": "relaunch",
    "check": "check",
    "cleanup": "cleanup",
    "backup": "backup",
    "restore": "backup",
    "doctor": "doctor",
    "metrics": "metrics",
}


@click.group(cls=Verbs, verbs=VERBS, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-H", "--host", metavar="[USER@]HOST", multiple=True, help="Do it on that host, over ssh."
)
@click.option("--no-color", is_flag=True, help="No colors, even on a terminal.")
@click.version_option(__version__, prog_name="sjactl")
@click.pass_context
def sjactl(context: click.Context, host: tuple[str, ...], no_color: bool) -> None:
    """Long-lived jobs, kept alive by systemd.

    A JOB is KIND/NAME, a unit's name, or just NAME where only one kind has it; * and ? match
    names and titles. The options below may also follow the verb.
    """
    if no_color or os.environ.get("NO_COLOR"):
        context.color = False


def main() -> None:
    """Run sjactl and end with the exit status of the contract."""
    prepare_streams()
    sys.exit(run(sys.argv[1:]))


def run(words: list[str]) -> int:
    """Run one command line; return its exit status."""
    color = None
    try:
        if words == ["--sent"]:
            from sja_units.cli.remote.server import receive

            words, color = receive()
        _check_text(words)
        result = sjactl.main(words, prog_name="sjactl", standalone_mode=False, color=color)
        sys.stdout.flush()
    except SystemExit:
        return 0  # click ends so where the reader of our output has gone
    except BaseException as error:
        return tell_failure(error)
    return result if isinstance(result, int) else 0


def _check_text(words: list[str]) -> None:
    for word in words:
        try:
            word.encode()
        except UnicodeEncodeError:
            raise UsageError(f"{word!r} is not valid UTF-8") from None
