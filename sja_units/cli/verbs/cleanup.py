"""`sjactl cleanup`: what sja-cleanup.service runs."""

import time

import click

from sja_units.actions.cleanup import Leftover, find_leftovers, remove_leftover
from sja_units.cli.output import format as render
from sja_units.cli.output.streams import echo, need_root
from sja_units.errors import UsageError
from sja_units.jobs.lock import alone
from sja_units.systemd.client import Systemd
from sja_units.toml.reader import parse_duration


@click.command("cleanup")
@click.option("--older-than", default="30d", metavar="T", help="Leave what is younger; 30d.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be deleted.")
def cleanup_command(older_than: str, dry_run: bool) -> int:
    """Delete what jobs that are gone have left behind, once it is old.

    That is state, published cookies, drop-ins and notes of jobs without a file, texts that `edit`
    refused, and halves of files that were never completed. Configurations stay, and so does all of
    a job that has one, that runs or is wanted; a spool that holds unsent data stays and is named.

    Past runs are the journal's, which bounds itself (see journald.conf): nothing is deleted there.
    """
    limit = parse_duration(older_than)
    if limit is None:
        raise UsageError(f"--older-than {older_than!r} must be a time with its unit, such as 30d")
    need_root("clean up")
    with alone(), Systemd() as systemd:
        found = find_leftovers(systemd, time.time() - limit)
        for line in found.kept:
            echo(render.clean(line), err=True)
        done = [dry_run or _remove(systemd, leftover) for leftover in found.leftovers]
        for leftover, is_done in zip(found.leftovers, done, strict=True):
            if is_done:
                about = f"{render.show_size(leftover.size):>10}  {leftover.about}"
                echo(f"{leftover.paths[0]}  {about}")
    return 0 if all(done) else 1


def _remove(systemd: Systemd, leftover: Leftover) -> bool:
    """Remove it; return whether nothing is left of it. Why it stays is told."""
    try:
        if remove_leftover(systemd, leftover):
            return True
        reason = "its job has come back"
    except (OSError, RecursionError) as error:
        reason = str(error.strerror if isinstance(error, OSError) else "it is nested too deeply")
    echo(f"sjactl: {leftover.paths[0]} was not deleted: {reason}", err=True)
    return False
