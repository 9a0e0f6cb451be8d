"""`sjactl cookies`: a keep-alive job's live session, out and in."""

from typing import TYPE_CHECKING

import click

from sja_units.cli.carry_out import carry_out
from sja_units.cli.output.streams import echo
from sja_units.cli.params import ClientFile, example
from sja_units.config import job_file
from sja_units.errors import UsageError
from sja_units.job import Job
from sja_units.jobs import inventory, manager
from sja_units.jobs.files import read_job
from sja_units.jobs.status import get_status
from sja_units.kinds import is_keepalive
from sja_units.systemd.client import Systemd

if TYPE_CHECKING:
    from sja_units.actions.cookies import Form


@click.command("cookies", epilog=example("sudo sjactl cookies alice --set new.txt"))
@click.argument("job")
@click.option(
    "--format",
    "form",
    type=click.Choice(["netscape", "header", "json"]),
    default="netscape",
    show_default=True,
    help="cookies.txt, a Cookie: header, or Playwright's storage_state.",
)
@click.option(
    "--set", "source", metavar="FILE", type=ClientFile(), help="Replace the session with FILE's."
)
def cookies_command(job: str, form: "Form", source: str | None) -> int:
    """Show the cookies of a keep-alive job, or give it new ones.

    A job that ended because its session was refused is started with the new ones.
    """
    from sja_units.actions.cookies import format_jar

    chosen = inventory.select_one(job)
    if not is_keepalive(chosen):
        raise UsageError(f"{chosen} is not a keepalive job: it has no cookies")
    file = read_job(chosen)
    if source is not None:
        return _replace(chosen, file, source)
    click.echo(format_jar(chosen, file, form), nl=False)
    return 0


def _replace(job: Job, file: job_file.JobFile, source: str) -> int:
    from sja_units.actions.cookies import choose_order, warn_of_session
    from sja_units.cli.client_jar import read_jar_text

    manager.give_jar(job, read_jar_text(source, file))
    with Systemd() as systemd:
        (view,) = get_status(systemd, [job])
        if verb := choose_order(view):
            is_done = carry_out(systemd, verb, [view])
            for warning in warn_of_session(job):
                echo(f"warning: {warning}", err=True)
            return 0 if is_done else 1
    echo(str(job))
    echo(f"{job} is {view.state}: it uses the cookies when it starts", err=True)
    return 0
