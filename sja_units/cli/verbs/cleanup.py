"""`sjactl cleanup`: what sja-cleanup.service runs."""

import time

import click

from sja_units.actions.cleanup import Leftover, find_leftovers, remove_leftover
from sja_units.cli.output import format as render
from sja_units.cli.output.streams import echo, need_root
from sja_units.cli.params import example
from sja_units.errors import UsageError
from sja_units.jobs.lock import alone
from sja_units.systemd.client import Systemd
from sja_units.toml.reader import parse_duration


@click.command("cleanup", epilog=example("sjactl cleanup --dry-run"))
@click.option("--older-than", default="30d", metavar="T", help="Keep what is younger; 30d.")
@click.option("--dry-run", is_flag=True, help="Only show what would be deleted.")
def cleanup_command(older_than: str, dry_run: bool) -> int:
    """Delete what removed jobs have left behind, once it is old.

    That is state, published cookies, drop-ins and records of jobs without a file, texts that
    `edit` rejected, and unfinished files. Jobs that have a file, run or are wanted keep all they
    have; a spool with unsent data stays and is named.

    The journal of past runs is not touched: it limits its own size, see journald.conf(5).
    """
    limit = parse_duration(older_than)
    if limit is None:
        raise UsageError(f"--older-than must be a duration such as 30d, not {older_than!r}")
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
        reason = "its job is back"
    except OSError as error:
        reason = str(error.strerror)
    echo(f"sjactl: {leftover.paths[0]} was not deleted: {reason}", err=True)
    return False
