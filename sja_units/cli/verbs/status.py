"""`sjactl list` and `sjactl status`."""

import subprocess

import click

from sja_units.cli.output import format as render
from sja_units.cli.output.streams import echo
from sja_units.cli.output.text_width import wrap
from sja_units.errors import NoSuchJob, NotAllowed
from sja_units.job import KINDS, Job
from sja_units.jobs import inventory
from sja_units.jobs.find import find_jobs
from sja_units.jobs.state import STATES, is_active
from sja_units.jobs.status import JobStatus, get_status, list_status
from sja_units.systemd.client import Systemd
from sja_units.systemd.journal_read import require_journal


@click.command("list")
@click.argument("jobs", nargs=-1, metavar="[JOB]...")
@click.option("--kind", type=click.Choice(KINDS), help="Only jobs of this kind.")
@click.option("--state", type=click.Choice(STATES), help="Only jobs in this state.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON array.")
def list_command(jobs: tuple[str, ...], kind: str | None, state: str | None, as_json: bool) -> None:
    """Show one line for each job."""
    selectors = [inventory.parse_selector(words) for words in jobs]
    with Systemd() as systemd:
        views = list_status(systemd)
    if selectors:
        chosen = set(inventory.select(selectors, {view.job: view.title for view in views}))
        views = [view for view in views if view.job in chosen]
    found = [v for v in views if kind in (None, v.job.kind) and state in (None, v.state)]
    if as_json:
        render.print_json([view.as_json() for view in found])
    elif found:
        render.print_table(found)
    elif views:
        echo(f"none of {len(views)} jobs is so", err=True)
    else:
        echo("no jobs; `sjactl create --help` tells how to make one", err=True)


@click.command("status")
@click.argument("jobs", nargs=-1, required=True, metavar="JOB...")
@click.option("--json", "as_json", is_flag=True, help="As JSON: an object, an array for several.")
def status_command(jobs: tuple[str, ...], as_json: bool) -> int:
    """Show all about jobs. Ends with 3 if one of them does not run."""
    selectors = [inventory.parse_selector(words) for words in jobs]
    with Systemd() as systemd:
        views = get_status(systemd, find_jobs(systemd, selectors))
    if not views:
        raise NoSuchJob("there is no such job", "sjactl list shows all")
    if as_json:
        objects = [view.as_json() for view in views]
        render.print_json(objects[0] if len(objects) == 1 else objects)
    else:
        for i, view in enumerate(views):
            echo("\n" * (i > 0) + _describe(view))
            _print_journal(view.job)
    return 0 if all(is_active(view.state) for view in views) else 3


def _describe(view: JobStatus) -> str:
    title = f" · {render.clean(view.title)}" if view.title else ""
    wanted = "wanted" if view.wanted else "not wanted"
    if view.wanted and not view.relaunch:
        wanted += ", but not after a boot (relaunch = false)"
    since = f" since {view.since} ({render.show_age(view.since)})" if view.since else ""
    lines = [f"{click.style(str(view.job), bold=True)}{title}"]
    lines.append(f"   State: {render.paint_state(view.state)}{since}; {wanted}")
    if status := render.describe(view):
        lines.append(f"  Status: {_indent(render.clean(status))}")
    if view.error:
        error = f"{render.clean(view.error.message)} (at {view.error.at})"
        lines.append(f"   Error: {_indent(error)}")
    use = []
    if view.pid:
        use.append(f"process {view.pid}")
    if view.restarts is not None:
        use.append(f"{view.restarts} restarts")
    if view.memory_bytes is not None:
        use.append(f"{view.memory_bytes / 2**20:.1f} MiB")
    if view.cpu_seconds is not None:
        use.append(f"{view.cpu_seconds:.1f} s of CPU")
    lines.append(f"    Uses: {', '.join(use) or 'nothing'}")
    lines.append(f"    Unit: {view.job.unit}")
    lines.append(f"    File: {view.job.config_path}")
    return "\n".join(lines)


def _indent(text: str) -> str:
    """Return a text whose lines stand below each other, behind a word like "  Status: "."""
    columns = render.find_width()
    return text if columns is None else f"\n{' ' * 10}".join(wrap(text, max(10, columns - 10)))


def _print_journal(job: Job) -> None:
    try:
        require_journal()
    except NotAllowed as fault:
        echo(f"\n{fault}", err=True)
        return
    command = ["journalctl", "--unit", job.unit, "--lines=10", "--no-pager", "--quiet"]
    lines = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    if lines:
        echo("\n" + lines.rstrip())
