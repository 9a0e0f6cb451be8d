"""`sjactl why`."""

import re

import click

from sja_units.actions.explain import explain
from sja_units.cli.output import format as render
from sja_units.cli.output.text_width import wrap
from sja_units.cli.params import example
from sja_units.jobs import inventory
from sja_units.jobs.find import find_jobs
from sja_units.jobs.status import get_status
from sja_units.systemd.client import Systemd


@click.command("why", epilog=example("sjactl why acquisition/line1"))
@click.argument("job")
def why_command(job: str) -> None:
    """Explain what is wrong with a job, since when, what happens next, and what to do."""
    selector = inventory.parse_selector(job)
    with Systemd() as systemd:
        views = get_status(systemd, find_jobs(systemd, [selector]))
    for view in views:
        text = explain(view, render.show_age(view.since) if view.since else "")
        # A command stays on one line, so that it can be copied.
        whole = re.sub("`[^`]*`", lambda m: m[0].replace(" ", "\0"), render.clean(text))
        for line in wrap(whole, min(80, render.find_width() or 80), break_words=False):
            click.echo(line.replace("\0", " "))
