"""`sjactl backup` and `sjactl restore`."""

import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

import click

from sja_units.backup import archive as archives
from sja_units.backup import restore
from sja_units.backup.archive import Archive
from sja_units.backup.contents import ArchiveError
from sja_units.backup.plan import Choices, Plan, make_plan
from sja_units.backup.store import Report, store
from sja_units.cli.carry_out import carry_out
from sja_units.cli.client_files import STDIO, is_remote, open_client_file
from sja_units.cli.output import format as render
from sja_units.cli.output.streams import echo, need_root
from sja_units.cli.params import ClientFile, ClientOutput, Fetch, example
from sja_units.errors import SjaError, UsageError
from sja_units.fs.atomic import atomic_writer
from sja_units.job import CONFIG_ROOT, Job
from sja_units.jobs import drop_ins
from sja_units.jobs.lock import alone
from sja_units.jobs.status import list_status
from sja_units.systemd.client import Systemd
from sja_units.systemd.unit import Verb
from sja_units.text import count
from sja_units.toml.location import format_key

_NAMED_AT_MOST = 10


def _receive(path: str, fetch: Fetch) -> int:
    """Write the archive that another host's sjactl gives; return that one's exit status."""
    if path == STDIO:
        _refuse_terminal()
        return fetch(None)
    with _replacing(path) as stream:
        status = fetch(stream)
        try:
            with open(os.dup(stream.fileno()), "rb") as copy:
                copy.seek(0)
                jobs = [entry.job for entry in archives.read_archive(copy).manifest.jobs]
        except ArchiveError as fault:
            if status:
                raise click.exceptions.Exit(status) from None  # it was told why
            raise SjaError(f"{path} was not written: {fault.message}") from None
    _tell_result(path, jobs)
    return status


@click.command("backup", epilog=example("sudo sjactl backup /var/backups/sja-units.tgz"))
@click.argument("file", type=ClientOutput(_receive))
@click.option("-q", "--quiet", is_flag=True, help="Print only what is wrong, as cron wants it.")
def backup_command(file: str, quiet: bool) -> int:
    """Back up all jobs to FILE: configuration, order to run, cookies, and data not sent yet.

    The jobs keep running. Only root can read FILE, since it holds secrets; - is standard output.
    `sjactl restore` takes it back, on this or another host.
    """
    need_root("back up jobs")
    tell = _ignore if quiet else _tell
    if file == STDIO or is_remote():
        report = _store_to_stdout(tell)
    else:
        with _replacing(file) as stream:
            report = store(stream, tell, _tell)
        if not quiet:
            _tell_result(file, report.jobs)
    if file == STDIO and not quiet:
        for job in report.jobs:
            echo(str(job), err=True)
    return 0 if report.is_complete else 1


def _ignore(_line: str) -> None:
    pass


def _tell(line: str) -> None:
    echo(f"sjactl: {render.clean(line)}", err=True)


def _store_to_stdout(tell: Callable[[str], None]) -> Report:
    _refuse_terminal()
    try:
        with open(os.dup(1), "wb") as stream:
            return store(stream, tell, _tell)
    except BrokenPipeError:
        raise SjaError("the backup is not complete: its reader has gone") from None


def _refuse_terminal() -> None:
    if os.isatty(1):
        raise UsageError("refusing to write an archive to a terminal: name a file, or use a pipe")


@contextmanager
def _replacing(path: str) -> Iterator[BinaryIO]:
    # A device or a pipe would be replaced, and a link may be somebody else's.
    if os.path.lexists(path) and not stat.S_ISREG(os.lstat(path).st_mode):
        raise UsageError(f"{path} is not a regular file; - is standard output")
    try:
        # In a person's folder NAME.new may be somebody's.
        with atomic_writer(path, suffix=".sja-unfinished") as stream:
            yield stream
    except OSError as error:
        raise SjaError(f"{path} was not written: {error.strerror}") from None


def _tell_result(path: str, jobs: Sequence[Job]) -> None:
    size = render.show_size(os.stat(path).st_size)
    echo(f"{count(len(jobs), 'job')}, {size}, in {path}", err=True)
    for job in jobs:
        echo(str(job))


@click.command(
    "restore", epilog=example("sudo sjactl restore --dry-run /var/backups/sja-units.tgz")
)
@click.argument("file", type=ClientFile())
@click.option("--replace", is_flag=True, help="Replace files that differ; old ones are kept.")
@click.option(
    "--with-host-settings",
    is_flag=True,
    help="Also sja-units.toml, whose programs root runs, and grants.",
)
@click.option("--no-start", is_flag=True, help="Only write files; mark nothing as wanted.")
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
def restore_command(
    file: str, replace: bool, with_host_settings: bool, no_start: bool, dry_run: bool
) -> int:
    """Restore the jobs of a backup to this host, and start those that were wanted.

    FILE is checked as a whole before anything is touched; - is standard input. Restore only
    archives that you trust: jobs run programs. A file that exists here and differs is kept, and
    so is always the state that a job has here: it is newer. To get the state of the backup,
    `sjactl remove` the job first.

    If a restore was interrupted, the same command completes it.
    """
    need_root("restore jobs")
    with _open(file) as stream, alone(), Systemd() as systemd:
        try:
            archive = archives.read_archive(stream)
        except ArchiveError as fault:
            raise SjaError(f"{file}: {fault.message}", fault.hint) from None
        plan = make_plan(
            archive,
            restore.look(systemd, archive),
            Choices(replace, not no_start, with_host_settings),
        )
        _tell_plan(archive, plan)
        if dry_run:
            _show(plan)
            return 1 if plan.left else 0
        _put(stream, archive, plan)
        is_well = _run(systemd, archive, plan)
    return 0 if is_well and not plan.left else 1


@contextmanager
def _open(file: str) -> Iterator[BinaryIO]:
    """Give the archive as a file that can be read twice."""
    if file != STDIO or is_remote():
        if not (is_remote() or stat.S_ISREG(os.stat(file).st_mode)):
            raise UsageError(f"{file} is not a regular file; - is standard input")
        with open_client_file(file) as stream:
            yield stream
        return
    with tempfile.TemporaryFile(dir="/var/tmp") as stream:
        with open_client_file(file) as source:
            shutil.copyfileobj(source, stream)
        yield stream


def _put(stream: BinaryIO, archive: Archive, plan: Plan) -> None:
    try:
        restore.put(stream, archive, plan)
    except OSError as error:
        place = error.filename or "the disk"
        raise SjaError(
            f"{place}: {error.strerror}", "once that is fixed, the same command completes it"
        ) from None


def _tell_plan(archive: Archive, plan: Plan) -> None:
    """Tell what is not done, and why."""
    for path in plan.left:
        _tell(f"{CONFIG_ROOT}/{path} differs and is kept; --replace takes the backup's")
    for path in plan.skipped:
        _tell(f"{CONFIG_ROOT}/{path} is not restored; --with-host-settings takes it")
    if plan.kept:
        names = " ".join(map(str, plan.kept[:_NAMED_AT_MOST]))
        if len(plan.kept) > _NAMED_AT_MOST:
            names += f" and {len(plan.kept) - _NAMED_AT_MOST} more"
        _tell(f"state that is here already is kept, the backup's is not taken: {names}")
    files, faults = restore.read_settled(plan, archive)
    for fault in faults:
        _tell(f"restored as it was, but not valid: {fault}")
    for job, job_file in files.items():
        for each in job_file.settings.host_faults():
            _tell(f"{job} cannot run here yet: {format_key(each.place)}: {each.message}")
    host = archive.manifest.host
    if plan.starts and host != socket.gethostname():
        _tell(f"stop these jobs on {host}: both hosts would use the same sessions and devices")


def _show(plan: Plan) -> None:
    for path in plan.files:
        verb = "replaced" if path in plan.replaced else "written"
        echo(f"{CONFIG_ROOT}/{path}  {verb}")
    for jobs, words in (
        (plan.states, "gets the backup's state"),
        (plan.starts, "is started"),
        (plan.restarts, "is restarted"),
    ):
        for job in jobs:
            echo(f"{job}  {words}")


def _run(systemd: Systemd, archive: Archive, plan: Plan) -> bool:
    """Tell systemd of the files, and start what is to run; return whether all of that does."""
    files, _ = restore.read_settled(plan, archive)
    drop_ins.apply_drop_ins(systemd, dict(files))
    for job in plan.settled:
        if f"{job}.toml" in plan.files and job not in (*plan.starts, *plan.restarts):
            echo(str(job))
    work: list[tuple[Verb, tuple[Job, ...]]] = [("start", plan.starts), ("restart", plan.restarts)]
    done = [not jobs or carry_out(systemd, verb, list_status(systemd, jobs)) for verb, jobs in work]
    return all(done)
