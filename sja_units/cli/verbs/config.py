"""`sjactl config` and `sjactl apply`: the jobs' files and what systemd must know of them."""

import os

import click

from sja_units.cli.output.streams import echo
from sja_units.cli.params import example
from sja_units.cli.preflight import warn, warn_of_settings
from sja_units.config.job_file import JobFile, read_file
from sja_units.config.load import Source, load
from sja_units.config.origin import is_edited
from sja_units.errors import ConfigError
from sja_units.job import Job
from sja_units.jobs import drop_ins, inventory
from sja_units.jobs.files import change_file
from sja_units.jobs.schedule import is_scheduled
from sja_units.kinds import get_kind
from sja_units.systemd.client import Systemd
from sja_units.toml.load import load_toml


@click.command("config", epilog=example("sjactl config acquisition/line1"))
@click.argument("job")
def config_command(job: str) -> None:
    """Show a job's file; to others than root, *** stands for what is secret."""
    chosen = inventory.select_one(job)
    text = read_file(chosen.config_path)
    if os.geteuid():
        from sja_units.toml.edit import mask

        load_toml(text, chosen.config_path)
        text = mask(text, get_kind(chosen.kind).secret_keys)
    click.echo(text, nl=False)


@click.command("apply", epilog=example("sudo sjactl apply"))
@click.argument("jobs", nargs=-1, metavar="[JOB]...")
def apply_command(jobs: tuple[str, ...]) -> int:
    """Check files that were written by hand, and tell systemd what it must know of them.

    Points that a file names as a table (points = "press1.csv") are put into the file.
    """
    files: dict[Job, JobFile | None] = {}
    faulty = False
    for job in inventory.select_configured(jobs):
        try:
            files[job] = file = _settle(job)
            warn_of_settings(file)
        except ConfigError as fault:
            faulty = True
            echo(str(fault), err=True)
    if not jobs:
        files.update(dict.fromkeys(drop_ins.list_orphaned_drop_ins()))
    with Systemd() as systemd:
        for job in drop_ins.apply_drop_ins(systemd, files):
            echo(str(job))
            tell_when_it_counts(job)
    return 1 if faulty else 0


def tell_when_it_counts(job: Job) -> None:
    """Say what a person has to do after a change of a job's file."""
    words = "restart it to apply the change"
    if is_scheduled(job):
        words = "the change applies from its next run on"
    echo(f"{job}: {words}", err=True)


def _settle(job: Job) -> JobFile:
    """Return what a job's file says, its points in it and no more in a table beside it."""
    text = read_file(job.config_path)
    # A table beside the file that was changed since is read again.
    written = get_kind(job.kind).restore_tables(text, job.config_path)
    loaded = load(job.kind, Source(written, job.config_path))
    warn(loaded.warnings)
    if loaded.file.origin is not None:
        return _renew(job, loaded.file, text)
    if loaded.text != text:
        change_file(job, text, loaded.text)
        echo(f"{job}: its points are in {job.config_path} now", err=True)
    return loaded.file


def _renew(job: Job, file: JobFile, text: str) -> JobFile:
    """Let a job have what its template says now, unless a person has edited its file."""
    from sja_units.api.make import remake_file

    assert file.origin is not None
    if is_edited(file.origin, text):
        echo(f"{job}: edited, so its template does not count", err=True)
        return file
    made = remake_file(file.origin)
    if made.text != text:
        change_file(job, text, made.text)
        echo(f"{job}: has what template {file.origin.template} says now", err=True)
    return made.file
