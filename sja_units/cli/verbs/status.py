"""`sjactl list` and `sjactl status`."""

import socket
from collections import Counter

import click

from sja_units import exit_status
from sja_units.cli.output import format as render
from sja_units.cli.output.streams import echo
from sja_units.cli.output.text_width import wrap
from sja_units.cli.params import Word, example, split_words
from sja_units.errors import NotAllowed
from sja_units.job import KINDS, Job
from sja_units.jobs import inventory
from sja_units.jobs.find import find_jobs
from sja_units.jobs.snapshot import JobStatus
from sja_units.jobs.state import STATES, State, is_active, is_wrong
from sja_units.jobs.status import get_status, list_status
from sja_units.kinds import is_acquisition
from sja_units.systemd.client import Systemd
from sja_units.text import count
from sja_units.times import localize


@click.command("list", epilog=example("sjactl list", "sjactl list --state failed,down"))
@click.argument("jobs", nargs=-1, metavar="[JOB]...")
@click.option("--kind", type=Word(KINDS), help="Only jobs of this kind.")
@click.option("--state", type=Word(STATES, several=True), help="Only jobs in these states.")
@click.option("--problems", is_flag=True, help="Only jobs that somebody should look at.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def list_command(
    jobs: tuple[str, ...],
    kind: str | None,
    state: str | None,
    problems: bool,
    as_json: bool,
) -> None:
    """List jobs, one line each."""
    selectors = [inventory.parse_selector(words) for words in jobs]
    with Systemd() as systemd:
        views = list_status(systemd)
    if selectors:
        chosen = set(inventory.select(selectors, {view.job: view.title for view in views}))
        views = [view for view in views if view.job in chosen]
    found = [
        view
        for view in views
        if kind in (None, view.job.kind)
        and (state is None or view.state in split_words(state))
        and (not problems or is_wrong(view.state))
    ]
    if as_json:
        render.print_json([view.as_json() for view in found])
    elif found:
        render.print_table(found)
    elif views:
        echo("no job matches", err=True)
    else:
        echo("no jobs yet; `sjactl create --help` shows how to create one", err=True)


@click.command("status", epilog=example("sjactl status", "sjactl status keepalive/alice"))
@click.argument("jobs", nargs=-1, metavar="[JOB]...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: an object, or an array.")
def status_command(jobs: tuple[str, ...], as_json: bool) -> int:
    """Show everything about jobs; ends with 3 if one of them is not running.

    Without a job it is about the host: how many jobs there are in which state, and those that
    somebody should look at. It then ends with 3 if a wanted job is not running.
    """
    selectors = [inventory.parse_selector(words) for words in jobs]
    with Systemd() as systemd:
        if selectors:
            views = get_status(systemd, find_jobs(systemd, selectors))
        else:
            views = list_status(systemd)
    if as_json:
        objects = [view.as_json() for view in views]
        render.print_json(objects[0] if jobs and len(objects) == 1 else objects)
    elif not jobs:
        _print_overview(views)
    else:
        for i, view in enumerate(views):
            echo("\n" * (i > 0) + _describe(view))
            _print_journal(view.job)
    awaited = views if jobs else [view for view in views if view.wanted and view.relaunch]
    is_fine = is_active if jobs else _is_in_order
    return 0 if all(is_fine(view.state) for view in awaited) else exit_status.NOT_RUNNING


def _is_in_order(state: State) -> bool:
    return is_active(state) or state in ("starting", "completed")


def _print_overview(views: list[JobStatus]) -> None:
    counts = Counter(view.state for view in views)
    words = ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])
    echo(f"{socket.gethostname()} · {count(len(views), 'job')}{': ' if words else ''}{words}")
    if wrong := [view for view in views if is_wrong(view.state)]:
        echo("")
        render.print_table(wrong)
        echo("`sjactl why JOB` explains each", err=True)


def _describe(view: JobStatus) -> str:
    title = f" · {render.clean(view.title)}" if view.title else ""
    wanted = "wanted" if view.wanted else "not wanted"
    if view.wanted and not view.relaunch:
        wanted += ", but not after a boot (relaunch = false)"
    since = f" since {localize(view.since)} ({render.show_age(view.since)})" if view.since else ""
    lines = [f"{click.style(str(view.job), bold=True)}{title}"]
    lines.append(f"   State: {render.paint_state(view.state)}{since}; {wanted}")
    if status := render.describe(view):
        lines.append(f"  Status: {_indent(render.clean(status))}")
    if is_acquisition(view.job):
        from sja_units.cli.output.devices import describe_devices

        for i, line in enumerate(describe_devices(view)):
            lines.append(f"{'' if i else ' Devices:':9} {line}")
    if view.error:
        error = f"{render.clean(view.error.message)} ({localize(view.error.at)})"
        lines.append(f"   Error: {_indent(error)}")
    use = []
    if view.pid:
        use.append(f"process {view.pid}")
    if view.restarts is not None:
        use.append(count(view.restarts, "restart"))
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
    # A listing does without, and starts sooner.
    import subprocess

    from sja_units.systemd.journal_read import require_journal

    try:
        require_journal()
    except NotAllowed as fault:
        echo(f"\n{fault}", err=True)
        return
    command = ["journalctl", "--unit", job.unit, "--lines=10", "--no-pager", "--quiet"]
    lines = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    if lines:
        echo("\n" + lines.rstrip())
