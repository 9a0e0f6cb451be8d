"""The command line: `sjactl VERB`. A file for a verb or a family; each is imported when used."""

import os
import sys
from typing import TYPE_CHECKING

import click

from sja_units import __version__
from sja_units.cli.failure import tell_failure
from sja_units.cli.group import Verb, Verbs
from sja_units.cli.output.streams import prepare_streams
from sja_units.errors import UsageError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

VERBS = {
    "create": Verb("create", "Check the configuration of a new job, write its file, and start it."),
    "list": Verb("status", "List jobs, one line each."),
    "status": Verb(
        "status", "Show everything about jobs; ends with 3 if one of them is not running."
    ),
    "why": Verb(
        "why", "Explain what is wrong with a job, since when, what happens next, and what to do."
    ),
    "start": Verb("order", "Start jobs, now and at every boot."),
    "stop": Verb("order", "Stop jobs; they stay stopped across boots."),
    "restart": Verb("order", "Restart jobs."),
    "remove": Verb("remove", "Stop jobs for good and delete their files and state."),
    "edit": Verb(
        "edit", "Edit a job's file; the new text is checked before it replaces the old one."
    ),
    "validate": Verb(
        "validate", "Check files without touching devices, databases, sites or systemd."
    ),
    "alert": Verb(
        "alert", "Show who is alerted, or test it; ends with 1 if an alert does not get through."
    ),
    "schema": Verb(
        "schema", "Print the JSON Schema of a kind's files, or of sja-units.toml (host)."
    ),
    "diff": Verb(
        "diff",
        "Compare the files of running jobs with what they run with; ends with 1 if they differ.",
    ),
    "config": Verb(
        "config", "Show a job's file; to others than root, *** stands for what is secret."
    ),
    "apply": Verb(
        "config",
        "Check files that were written by hand, and tell systemd what it must know of them.",
    ),
    "logs": Verb("logs", "Show the journal of jobs; T, LEVEL and N are as journalctl takes them."),
    "watch": Verb(
        "watch", "Show the jobs as they change, those that need attention first, until q or Ctrl-C."
    ),
    "history": Verb(
        "history", "Show a job's runs, newest first: when each started and ended, and how."
    ),
    "probe": Verb("probe", "Try the devices and database, the page, or the [probe] of a job now."),
    "data": Verb("data", "Show the samples that an acquisition job holds on this host."),
    "resend": Verb("resend", "Send once more what the database of an acquisition job refused."),
    "simulate": Verb(
        "simulate", "Serve the points of a configuration as Modbus/TCP devices, until Ctrl-C."
    ),
    "cookies": Verb("cookies", "Show the cookies of a keep-alive job, or give it new ones."),
    "import": Verb("import_jobs", "Import jobs of the two older systems, which are not changed."),
    "relaunch": Verb("relaunch", "Start every wanted job that is not running, and report on each."),
    "check": Verb(
        "check", "Compare the jobs that should run with those that do; ends with 1 if that differs."
    ),
    "cleanup": Verb("cleanup", "Delete what removed jobs have left behind, once it is old."),
    "backup": Verb(
        "backup",
        "Back up all jobs to FILE: configuration, order to run, cookies, and data not sent yet.",
    ),
    "restore": Verb(
        "backup", "Restore the jobs of a backup to this host, and start those that were wanted."
    ),
    "doctor": Verb(
        "doctor", "Check whether this host is fit to run jobs; ends with 1 if there is a problem."
    ),
    "metrics": Verb("metrics", "Print metrics of all jobs as OpenMetrics text."),
}


def _complete_host(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> "list[CompletionItem]":
    from sja_units.cli.completion import complete_host

    return complete_host(ctx, param, incomplete)


@click.group(cls=Verbs, verbs=VERBS, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-H",
    "--host",
    metavar="[USER@]HOST[,...]",
    multiple=True,
    shell_complete=_complete_host,
    help="Do it there, over ssh.",
)
@click.option("--hosts", metavar="FILE", help="Do it on the hosts that FILE lists.")
@click.option("--no-color", is_flag=True, help="No colors, even on a terminal.")
@click.version_option(__version__, prog_name="sjactl")
@click.pass_context
def sjactl(
    context: click.Context, host: tuple[str, ...], hosts: str | None, no_color: bool
) -> None:
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
