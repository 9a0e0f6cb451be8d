"""What `sjactl create` warns of: other jobs on the same device or session, devices that are off."""

from collections.abc import Iterable

from sja_units.cli.output import format as render
from sja_units.cli.output.streams import echo
from sja_units.config.job_file import JobFile
from sja_units.job import Job
from sja_units.jobs import inventory
from sja_units.jobs.claims import find_conflicts, make_claims, read_claims


def warn_of_others(job: Job, file: JobFile, jar_text: str | None) -> None:
    """Name the jobs that use what this one is to use."""
    others = [other for other in inventory.list_configured() if other.kind == job.kind]
    claims = read_claims(others)
    claims[job] = make_claims(file.settings, jar=jar_text or "")
    for conflict in find_conflicts(claims):
        if job in conflict.jobs:
            echo(f"warning: {job} {conflict.describe(job)}", err=True)


def warn_of_settings(file: JobFile) -> None:
    """Tell what a person should know before the job starts."""
    warn(file.settings.warnings(file.service))


def warn_of_world(file: JobFile) -> None:
    """Tell what the job will not reach now; that takes up to 5 s."""
    warn(file.settings.try_out())


def warn_of_start(job: Job) -> None:
    """Tell what a job that has just been started found, unless all is well."""
    from sja_units.actions.cookies import warn_of_session

    warn(warn_of_session(job))


def warn(messages: Iterable[str]) -> None:
    """Show what harms nothing."""
    for message in messages:
        echo(f"warning: {render.clean(message)}", err=True)
