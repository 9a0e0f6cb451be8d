"""`sjactl remove`."""

import click

from sja_units.cli.output.streams import echo
from sja_units.cli.params import example
from sja_units.jobs import inventory, manager
from sja_units.jobs.find import find_jobs
from sja_units.systemd.client import Systemd


@click.command("remove", epilog=example("sjactl remove keepalive/alice"))
@click.argument("jobs", nargs=-1, required=True, metavar="JOB...")
@click.option("--keep-state", is_flag=True, help="Keep cookies, spools and other state.")
def remove_command(jobs: tuple[str, ...], keep_state: bool) -> None:
    """Stop jobs for good and delete their files and state."""
    selectors = [inventory.parse_selector(words) for words in jobs]
    with Systemd() as systemd:
        for job in find_jobs(systemd, selectors):
            manager.remove(systemd, job, keep_state=keep_state)
            echo(str(job))
