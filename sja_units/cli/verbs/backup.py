"""`sjactl backup` and `sjactl restore`."""

import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

import click

from sja_units.backup import archive as archives
from sja_units.backup import restore
from sja_units.backup.archive import Archive
from sja_units.backup.contents import ArchiveError
from sja_units.backup.plan import Choices, Plan, make_plan
from sja_units.backup.store import Report, store
from sja_units.cli.client_files import STDIO, is_remote, open_client_file
from sja_units.cli.output import format as render
from sja_units.cli.output.streams import echo, need_root
from sja_units.cli.params import ClientFile, ClientOutput, Fetch
from sja_units.cli.verbs.order import carry_out
from sja_units.errors import SjaError, UsageError
from sja_units.fs.atomic import atomic_writer
from sja_units.job import CONFIG_ROOT, Job
from sja_units.jobs import drop_ins
from sja_units.jobs.lock import alone
from sja_units.jobs.status import list_status
from sja_units.systemd.client import Systemd
from sja_units.systemd.unit import Verb

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


@click.command("backup")
@click.argument("file", type=ClientOutput(_receive))
def backup_command(file: str) -> int:
    """Store all jobs in FILE: their files, what is wanted, cookies, and data not sent yet.

    The jobs go on meanwhile. FILE is for root alone, as it holds secrets; - stands for standard
    output. `sjactl restore` puts it back, on this host or on another one.
    """
    need_root("make a backup")
    if file == STDIO or is_remote():
        report = _store_to_stdout()
    else:
        with _replacing(file) as stream:
            report = store(stream, _tell)
        _tell_result(file, report.jobs)
    if file == STDIO:
        for job in report.jobs:
            echo(str(job), err=True)
    return 0 if report.is_complete else 1


def _tell(line: str) -> None:
    echo(f"sjactl: {render.clean(line)}", err=True)


def _store_to_stdout() -> Report:
    _refuse_terminal()
    try:
        with open(os.dup(1), "wb") as stream:
            return store(stream, _tell)
    except BrokenPipeError:
        raise SjaError("whoever was to take the backup has gone: it is not complete") from None


def _refuse_terminal() -> None:
    if os.isatty(1):
        raise UsageError("an archive is nothing for a terminal: name a file, or a pipe after it")


@contextmanager
def _replacing(path: str) -> Iterator[BinaryIO]:
    # A device or a pipe would be replaced, and a link may be somebody else's.
    if os.path.lexists(path) and not stat.S_ISREG(os.lstat(path).st_mode):
        raise UsageError(f"{path} is no plain file: - writes to standard output")
    try:
        # In a person's folder NAME.new may be somebody's.
        with atomic_writer(path, suffix=".sja-unfinished") as stream:
            yield stream
    except OSError as error:
        raise SjaError(f"{path} was not written: {error.strerror}") from None


def _tell_result(path: str, jobs: Sequence[Job]) -> None:
    size = render.show_size(os.stat(path).st_size)
    echo(f"{len(jobs)} jobs, {size}, in {path}", err=True)
    for job in jobs:
        echo(str(job))


@click.command("restore")
@click.argument("file", type=ClientFile())
@click.option("--replace", is_flag=True, help="Files that differ here, too; the old ones are kept.")
@click.option("--no-start", is_flag=True, help="Only write files: nothing is wanted or started.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be done.")
def restore_command(file: str, replace: bool, no_start: bool, dry_run: bool) -> int:
    """Put the jobs of a backup on this host, and start those that were wanted.

    FILE is checked as a whole before anything is touched; - stands for standard input. A file that
    is here already and differs stays as it is, and what a job holds here stays in any case: it is
    newer than the backup's. To take the backup's, `sjactl remove` the job before.

    A restore that was cut off is completed by the same command.
    """
    need_root("restore a backup")
    with _open(file) as stream, alone(), Systemd() as systemd:
        try:
            archive = archives.read_archive(stream)
        except ArchiveError as fault:
            raise SjaError(f"{file}: {fault.message}", fault.hint) from None
        plan = make_plan(archive, restore.look(systemd, archive), Choices(replace, not no_start))
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
            raise UsageError(f"{file} is no plain file: - reads standard input")
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
            f"{place}: {error.strerror}", "when that is mended, the same command completes it"
        ) from None


def _tell_plan(archive: Archive, plan: Plan) -> None:
    """Tell what is not done, and why."""
    for path in plan.left:
        _tell(f"{CONFIG_ROOT}/{path} is another one here and stays; --replace takes the backup's")
    if plan.kept:
        names = " ".join(map(str, plan.kept[:_NAMED_AT_MOST]))
        if len(plan.kept) > _NAMED_AT_MOST:
            names += f" and {len(plan.kept) - _NAMED_AT_MOST} more"
        _tell(f"what is held here already stays, the backup's is not taken: {names}")
    files, faults = restore.read_settled(plan, archive)
    for fault in faults:
        _tell(f"restored as it was, but faulty: {fault}")
    for job, job_file in files.items():
        for place, message in job_file.settings.host_faults():
            _tell(f"{job} cannot run here yet: {'.'.join(map(str, place))} {message}")
    host = archive.manifest.host
    if plan.starts and host != socket.gethostname():
        _tell(f"stop these jobs on {host}, or both hosts use the same sessions and devices")


def _show(plan: Plan) -> None:
    for path in plan.files:
        verb = "replaced" if path in plan.replaced else "written"
        echo(f"{CONFIG_ROOT}/{path}  {verb}")
    for jobs, words in (
        (plan.states, "gets the state that is in the backup"),
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
