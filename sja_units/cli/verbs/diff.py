"""`sjactl diff`."""

import difflib

import click

from sja_units.cli.output import format as render
from sja_units.cli.output.streams import echo, need_root
from sja_units.cli.params import example
from sja_units.config.job_file import read_file
from sja_units.job import Job
from sja_units.jobs import inventory
from sja_units.jobs.running_config import get_copy_path, read_copy


@click.command("diff", epilog=example("sudo sjactl diff acquisition/line1"))
@click.argument("jobs", nargs=-1, metavar="[JOB]...")
def diff_command(jobs: tuple[str, ...]) -> int:
    """Compare the files of running jobs with what they run with; ends with 1 if they differ."""
    need_root("read what jobs run with")
    found = False
    for job in inventory.select_configured(jobs):
        try:
            lines = _compare(job)
        except FileNotFoundError:
            if jobs:
                echo(f"{job} is not running", err=True)
            continue
        for line in lines:
            echo(line)
        found = found or bool(lines)
    return 1 if found else 0


def _compare(job: Job) -> list[str]:
    """Return the lines of a unified diff. Raises FileNotFoundError, ConfigError, OSError."""
    old = read_copy(job).decode(errors="replace")
    new = read_file(job.config_path)
    names = (get_copy_path(job), job.config_path)
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), *names, lineterm="")
    return [render.clean(line) for line in lines]
