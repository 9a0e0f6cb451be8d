"""How sjactl tells why it failed, and the exit status that goes with it."""

import os
import sys

import click

from sja_units import exit_status
from sja_units.cli.output.streams import echo
from sja_units.errors import NotAllowed, SjaError, UsageError


def tell_failure(error: BaseException) -> int:
    """Print what went wrong in one line, and what to do; return the exit status.

    SJA_DEBUG=1 in the environment adds where in the program it happened.
    """
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return exit_status.INTERRUPTED
    if isinstance(error, BrokenPipeError):
        _drop_output()
        return 0  # the reader of our output has gone, which is no fault
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if os.environ.get("SJA_DEBUG"):
        import traceback

        traceback.print_exception(error)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return error.exit_code
    fault = _translate(error)
    if fault is None:
        echo(f"sjactl: internal error: {type(error).__name__}: {error}", err=True)
        echo("        this is a bug in sjactl; SJA_DEBUG=1 shows where", err=True)
        return exit_status.INTERNAL_ERROR
    for line in fault.message.splitlines():
        echo(f"sjactl: {line}", err=True)
    if fault.hint:
        echo(f"        {fault.hint}", err=True)
    return fault.status


def _translate(error: BaseException) -> SjaError | None:
    """Return what went wrong as people are told of it, None for a bug."""
    if isinstance(error, SjaError):
        return error
    if isinstance(error, click.ClickException):
        return _translate_usage(error)
    if isinstance(error, PermissionError) and os.geteuid():
        return NotAllowed(f"{error.filename or 'not allowed'}: {error.strerror}", "try sudo")
    if isinstance(error, OSError):
        if error.filename is None:
            _drop_output()  # what is left in the stream's buffer cannot be written either
        return SjaError(f"{error.filename or 'cannot write'}: {error.strerror or error}")
    return None


def _translate_usage(error: click.ClickException) -> SjaError:
    message = error.format_message().rstrip(".").replace(" Did you mean", "; did you mean")
    message = f"{message[:1].lower()}{message[1:]}"
    context = getattr(error, "ctx", None)
    hint = f"try '{context.command_path} --help'" if isinstance(context, click.Context) else ""
    return UsageError(message, hint)


def _drop_output() -> None:
    """Let what the output's buffer holds go nowhere, instead of failing again at the end."""
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
