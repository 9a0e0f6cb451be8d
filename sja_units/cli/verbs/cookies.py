"""`sjactl cookies`: a keep-alive job's live session, out and in."""

import click

from sja_units.cli.output.streams import echo
from sja_units.cli.params import ClientFile
from sja_units.cli.verbs.create import read_jar_text
from sja_units.cli.verbs.order import carry_out
from sja_units.config import job_file
from sja_units.errors import SjaError, UsageError
from sja_units.exit_status import NEEDS_OPERATOR
from sja_units.job import Job
from sja_units.jobs import inventory, manager
from sja_units.jobs.state import is_active
from sja_units.jobs.status import get_status
from sja_units.kinds import as_keepalive, is_keepalive
from sja_units.systemd.client import Systemd


@click.command("cookies")
@click.argument("job")
@click.option(
    "--format",
    "form",
    type=click.Choice(["netscape", "header", "json"]),
    default="netscape",
    help="cookies.txt, a Cookie: header for the job's page, or Playwright's storage_state.",
)
@click.option(
    "--set", "source", metavar="FILE", type=ClientFile(), help="Replace the session by this jar's."
)
def cookies_command(job: str, form: str, source: str | None) -> int:
    """Show a keep-alive job's cookies, or give it new ones.

    A job that has ended because its session was refused is started with the new ones.
    """
    (chosen, *others) = inventory.select_configured([job])
    if others or not is_keepalive(chosen):
        raise UsageError(f"{job!r} must be one keepalive job")
    file = manager.read_job_file(chosen)
    if source is not None:
        return _replace(chosen, file, source)
    click.echo(_format(chosen, file, form), nl=False)
    return 0


def _format(job: Job, file: job_file.JobFile, form: str) -> bytes:
    from sja_units.keepalive.cookie_policy import cookie_header
    from sja_units.keepalive.jar import format_json, format_netscape
    from sja_units.keepalive.store import read_next_jar

    settings = as_keepalive(file.settings)
    assert settings is not None
    jar = read_next_jar(job.state_dir, settings.host)
    if not jar:
        raise SjaError(f"{job} holds no cookies yet", f"sjactl cookies {job} --set FILE")
    if form == "header":
        # A character of it is a byte on the wire.
        return f"Cookie: {cookie_header(jar, settings.address)}\n".encode("latin-1")
    return format_netscape(jar) if form == "netscape" else f"{format_json(jar)}\n".encode()


def _replace(job: Job, file: job_file.JobFile, source: str) -> int:
    manager.give_jar(job, read_jar_text(source, file))
    with Systemd() as systemd:
        (view,) = get_status(systemd, [job])
        refused = view.error is not None and view.error.exit_code == NEEDS_OPERATOR
        if is_active(view.state) or view.state in ("starting", "restarting"):
            return 0 if carry_out(systemd, "restart", [view]) else 1
        if view.wanted and refused:
            return 0 if carry_out(systemd, "start", [view]) else 1
    echo(str(job))
    echo(f"{job} is {view.state}: it takes the cookies up when it starts", err=True)
    return 0
