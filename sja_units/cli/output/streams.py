"""Lines for people, who may not see all letters, or go before the work is done; and root's work."""

import os
import sys

import click

from sja_units.errors import NotAllowed


def prepare_streams() -> None:
    """Let any text be printed: where the locale lacks letters, and where a stream was closed."""
    for name, errors in (("stdout", "replace"), ("stderr", "backslashreplace")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
        else:
            stream.reconfigure(errors=errors)


def echo(text: str, *, err: bool = False) -> None:
    """Print a line. A reader that has gone, as with `| head -1`, keeps no work from being done."""
    try:
        click.echo(text, err=err)
    except BrokenPipeError:
        # What waits in the stream's buffer, too, goes where everything is taken.
        stream = sys.stderr if err else sys.stdout
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())


def need_root(what: str) -> None:
    """Raise NotAllowed if somebody else asks."""
    if os.geteuid() != 0:
        raise NotAllowed(f"only root can {what}", "try sudo")
