"""`sjactl history`."""

import time

import click

from sja_units.actions.read_runs import read_runs
from sja_units.actions.run import Run
from sja_units.cli.output import format as render
from sja_units.cli.params import example
from sja_units.errors import NoSuchJob
from sja_units.job import Job
from sja_units.jobs import inventory
from sja_units.times import format_local


@click.command("history", epilog=example("sjactl history keepalive/alice -n 5"))
@click.argument("job")
@click.option(
    "-n",
    "--lines",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Show at most N runs.",
    metavar="N",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def history_command(job: str, lines: int, as_json: bool) -> None:
    """Show a job's runs, newest first: when each started and ended, and how.

    They go back as far as the journal does. Name a job that was removed as KIND/NAME.
    """
    chosen = _choose(job)
    runs = read_runs(chosen, lines)
    if not runs and chosen not in inventory.list_configured():
        raise NoSuchJob(f"no such job: {job}, nor any run of it", "sjactl list shows all")
    if as_json:
        render.print_json([run.as_json() for run in runs])
    elif runs:
        _print_runs(runs)
    else:
        click.echo(f"{chosen} has no run that the journal still knows", err=True)


def _choose(words: str) -> Job:
    """Return the job that is meant; one without a file, too, if its kind is named."""
    selector = inventory.parse_selector(words)
    if selector.kind and not inventory.is_pattern(selector.name):
        return Job(selector.kind, selector.name)
    return inventory.select_one(words)


def _print_runs(runs: list[Run]) -> None:
    rows = [(*_show_times(run), render.clean(_describe(run))) for run in runs]
    paints = [render.paint_result(run.result, is_failure=run.is_failure) for run in runs]
    heads = ("STARTED", "ENDED", "RAN", "RESULT")
    for line in render.lay_out_paragraphs(heads, rows, paints):
        click.echo(line)


def _show_times(run: Run) -> tuple[str, str, str]:
    started = format_local(run.started.time_ns / 1e9) if run.started else ""
    ended = format_local(run.ended.time_ns / 1e9) if run.ended else ""
    ran = time.monotonic() - run.started.uptime_ns / 1e9 if run.started and not run.ended else None
    spell = run.seconds if run.ended else ran
    return (
        _show_day_time(started, "") or "?",
        _show_day_time(ended, started) or "-",
        "?" if spell is None else render.show_spell(spell),
    )


def _show_day_time(moment: str, beside: str) -> str:
    """Return a moment for people, without the day where the one beside it has it."""
    day, _, clock = moment.partition(" ")
    return clock if beside.startswith(day) and day else f"{day} {clock}".strip()


def _describe(run: Run) -> str:
    if run.result is None:
        return "running" if run.ready else "starting"
    code = run.exit_code
    if code is None or str(code) in run.message:
        return run.message
    return f"{run.message} (exit status {code})"
