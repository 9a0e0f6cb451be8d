"""The command line: `sjactl VERB`. A file for a verb or a family; each is imported when used."""

import importlib
import os
import sys
import traceback
from typing import TYPE_CHECKING

import click

from sja_units import __version__, exit_status
from sja_units.cli.output.streams import echo, prepare_streams
from sja_units.errors import NotAllowed, SjaError, UsageError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

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
    "config": "config",
    "apply": "config",
    "logs": "logs",
    "watch": "watch",
    "history": "history",
    "probe": "probe",
    "data": "data",
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

_COMPLETE = os.environ.get("_SJACTL_COMPLETE", "")  # what click's scripts for shells set


class Verbs(click.Group):
    """Finds a verb's command without importing the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"sja_units.cli.verbs.{VERBS[cmd_name]}")
        command = getattr(module, f"{cmd_name}_command")
        assert isinstance(command, click.Command)
        if _COMPLETE:
            from sja_units.cli.completion import add_completion

            add_completion(command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        if ctx.params.get("host") and command and not _COMPLETE:
            from sja_units.cli.remote.client import Order, redirect

            redirect(command, Order(ctx.params["host"][0], args))
        return name, command, rest

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        if _COMPLETE.startswith("bash") and not incomplete.startswith("-"):
            from sja_units.cli.completion import list_verbs

            return list_verbs(self.list_commands(ctx), incomplete)
        return super().shell_complete(ctx, incomplete)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--host", metavar="[USER@]HOST", multiple=True, help="On that machine, over ssh.")
@click.option("--no-color", is_flag=True, help="Plain text, also on a terminal.")
@click.version_option(__version__, prog_name="sjactl")
@click.pass_context
def sjactl(context: click.Context, host: tuple[str, ...], no_color: bool) -> None:
    """Jobs that stay alive, on systemd.

    A JOB is KIND/NAME, the unit's name, or the bare name where one kind has it; * and ? match
    names and titles.
    """
    if no_color or os.environ.get("NO_COLOR"):
        context.color = False
    if len(host) > 1:
        raise click.UsageError("--host can be given once.")
    if host:
        from sja_units.cli.remote.client import check_host

        check_host(host[0])


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
        return result if isinstance(result, int) else 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except SjaError as error:
        return _tell(error)
    except PermissionError as error:
        return _tell(NotAllowed(f"not allowed: {error.filename or error}", "try sudo"))
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            sys.stderr.close()  # the reader of our output has gone, which is no fault
            return 0
        return _tell(SjaError(f"{error.filename or 'the system'}: {error.strerror or error}"))
    except SystemExit:
        return 0  # click ends so where the reader of our output has gone
    except (KeyboardInterrupt, click.Abort):
        return exit_status.INTERRUPTED
    except Exception:  # a fault of ours; Python's own 1 would tell of a check that found something
        traceback.print_exc()
        return exit_status.INTERNAL_ERROR


def _check_text(words: list[str]) -> None:
    for word in words:
        try:
            word.encode()
        except UnicodeEncodeError:
            raise UsageError(f"{word!r} is no text: not all of its bytes are characters") from None


def _tell(error: SjaError) -> int:
    for line in error.message.splitlines():
        echo(f"sjactl: {line}", err=True)
    if error.hint:
        echo(f"        {error.hint}", err=True)
    return error.status
