"""`sjactl resend`: what a database refused is sent once more."""

import click

from sja_units.actions.resend import resend
from sja_units.cli.output import format as render
from sja_units.cli.output.streams import echo
from sja_units.cli.params import example
from sja_units.cli.verbs.data import select_acquisition
from sja_units.jobs.state import is_active
from sja_units.jobs.status import get_status
from sja_units.systemd.client import Systemd
from sja_units.text import count


@click.command("resend", epilog=example("sjactl resend line1"))
@click.argument("job")
def resend_command(job: str) -> int:
    """Send once more what the database of an acquisition job refused.

    Do so when the database takes it: `sjactl why JOB` says what is wrong. What is refused again
    is kept again. Ends with 1 if some is. A job that does not run sends it at its next start.
    """
    chosen = select_acquisition(job)
    with Systemd() as systemd:
        runs = is_active(get_status(systemd, [chosen])[0].state)
    result = resend(chosen, is_active=runs)
    lines = count(result.lines, "line")
    if not result.lines:
        echo(f"{chosen}: its database has refused nothing that is kept", err=True)
        return 0
    if not result.is_done:
        when = "once the database takes data" if runs else "when it starts"
        echo(f"{chosen}: {lines} are sent {when}", err=True)
        return 1 if runs else 0
    if result.refused:
        reason = render.clean(result.refused[-1].reason)
        echo(f"{chosen}: {len(result.refused):,} of {lines} refused again: {reason}", err=True)
        return 1
    echo(f"{chosen}: {lines} written", err=True)
    echo(str(chosen))
    return 0
