"""Lines for people, whose reader may go before the work is done: `sjactl relaunch | head -1`."""

import os
import sys

import click


def say(text: str, *, err: bool = False) -> None:
    """Print a line. That its reader has gone keeps no work from being done."""
    try:
        click.echo(text, err=err)
    except BrokenPipeError:
        # What waits in the stream's buffer, too, goes where everything is taken.
        stream = sys.stderr if err else sys.stdout
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())
