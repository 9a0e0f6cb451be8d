"""Orders on jobs: files and systemd together."""

import grp
import os
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress

from sja_units.config import job_file
from sja_units.errors import NotAllowed, SjaError
from sja_units.fs.atomic import replace_file, sync_folder
from sja_units.job import PRIVATE_ROOT, RUN_ROOT, SYSTEMD_ROOT, Job, parse_unit
from sja_units.jobs.files import lock_files
from sja_units.jobs.markers import COMPLETED, is_wanted
from sja_units.jobs.schedule import choose_unit, is_scheduled
from sja_units.jobs.unit_files import has_schedule, render_units
from sja_units.jobs.wanted import forget, want_configured
from sja_units.kinds import get_kind
from sja_units.systemd.client import Order, Systemd

_USUAL_TTY_GROUP = "dialout"


def give_jar(job: Job, text: str) -> None:
    """Leave a jar for a keep-alive job to take up at its next look.

    The folder may be the job's own, which is not trusted: nothing is followed or overwritten.
    """
    os.makedirs(job.state_dir, mode=0o700, exist_ok=True)
    folder = os.open(job.state_dir, os.O_RDONLY | os.O_DIRECTORY)
    try:
        owner = os.fstat(folder)
        with suppress(FileNotFoundError):
            os.unlink("incoming.new", dir_fd=folder)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with open(os.open("incoming.new", flags, 0o600, dir_fd=folder), "wb") as file:
            os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            file.write(text.encode(errors="surrogateescape"))
            file.flush()
            os.fsync(file.fileno())
        os.rename("incoming.new", "incoming.txt", src_dir_fd=folder, dst_dir_fd=folder)
        os.fsync(folder)
    finally:
        os.close(folder)


def note_completed(job: Job, moment: str) -> None:
    """Note that a command did its work (RFC 3339, UTC), as its hook does."""
    replace_file(job.run_path, f"{COMPLETED}{moment}\n".encode(), 0o644)


def apply_drop_ins(systemd: Systemd, files: dict[Job, job_file.JobFile | None]) -> list[Job]:
    """Make each job's drop-in what its file asks for; None stands for a file that is gone.

    Returns the jobs whose drop-in changed; systemd has read them by then.
    """
    ended = [job for job, file in files.items() if is_scheduled(job) and not has_schedule(file)]
    if ended:
        systemd.order(Order("stop", job.schedule_unit) for job in ended)
    changed = [job for job, file in files.items() if _write_units(job, file)]
    if changed:
        systemd.reload()
    return changed


def is_drop_in_current(job: Job, file: job_file.JobFile) -> bool:
    """Tell whether systemd has been told what a job's file asks for."""
    return all(_read(path) == text for path, text in _render_units(job, file).items())


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def _render_units(job: Job, file: job_file.JobFile | None) -> dict[str, str]:
    return render_units(job, file, _find_groups(file.settings.ttys()) if file else ())


def _write_units(job: Job, file: job_file.JobFile | None) -> bool:
    texts = _render_units(job, file)
    changed = [path for path, text in texts.items() if text != _read(path)]
    for path in changed:
        _replace(path, texts[path])
    return bool(changed)


def _replace(path: str, text: str) -> None:
    if text:
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        replace_file(path, text.encode(), 0o644)
        return
    os.unlink(path)
    if os.path.dirname(path) != SYSTEMD_ROOT:
        with suppress(OSError):  # an admin's own drop-ins may be in it
            os.rmdir(os.path.dirname(path))


def _find_groups(ttys: Iterable[str]) -> set[str]:
    """Return the groups that may use serial ports; one that is not plugged in has the usual one."""
    groups = set()
    for tty in ttys:
        with suppress(KeyError):
            try:
                status = os.stat(tty)
            except OSError:
                groups.add(grp.getgrnam(_USUAL_TTY_GROUP).gr_name)
                continue
            if status.st_gid and status.st_mode & 0o060 == 0o060:
                groups.add(grp.getgrgid(status.st_gid).gr_name)
    return groups


def order(
    systemd: Systemd, verb: str, jobs: Iterable[Job], done: Callable[[Job, str], None]
) -> bool:
    """Carry out one order on jobs, all at once; return whether each did what it was told.

    done: called with each job and the result as it comes. A start of a command that has a
    schedule begins that; a restart runs it at once.
    """
    chosen = list(jobs)
    if verb == "stop":
        return _stop(systemd, chosen, done)
    by_unit = {choose_unit(job) if verb == "start" else job.unit: job for job in chosen}
    want_configured(chosen)
    # A stop that is given meanwhile drops the marker. An operator's start has none yet.
    marked = {unit for unit, job in by_unit.items() if is_wanted(job.unit)}
    results = systemd.order(
        [Order(verb, unit) for unit in by_unit],
        lambda order, result: done(by_unit[order.unit], result),
        lambda order: order.unit not in marked or is_wanted(by_unit[order.unit].unit),
    )
    return all(result == "done" for result in results.values())


def _stop(systemd: Systemd, jobs: list[Job], done: Callable[[Job, str], None]) -> bool:
    """Stop jobs, whose markers are dropped before and after that.

    Before, so that nobody who brings wanted jobs back starts one meanwhile. After, because one may
    have been on its way, and systemd runs nothing of a unit that had failed already; but each as
    soon as it has stopped, as somebody may start it while others still stop.
    """
    # The hook of a command's schedule notes the order, too, which an operator cannot.
    moving = {job: {job.unit, choose_unit(job)} for job in jobs}
    by_unit = {unit: job for job, units in moving.items() for unit in units}
    with suppress(NotAllowed):  # an operator, whose order the job's hook notes
        forget(jobs)
    refused: list[NotAllowed] = []

    def tell(order: Order, result: str) -> None:
        job = by_unit[order.unit]
        if order.unit == job.unit:
            done(job, result)

    def note_rest(order: Order) -> None:
        job = by_unit[order.unit]
        moving[job].remove(order.unit)
        if not moving[job]:
            try:
                forget([job])
            except NotAllowed as fault:
                refused.append(fault)

    results = systemd.order([Order("stop", unit) for unit in by_unit], tell, on_rest=note_rest)
    if refused:
        raise refused[0]
    return all(result == "done" for result in results.values())


def remove(systemd: Systemd, job: Job, *, keep_state: bool) -> None:
    """Stop a job and delete what is its own: file, marker, drop-in, records and state."""
    if not os.access(os.path.dirname(job.config_path), os.W_OK):
        raise NotAllowed("only root can remove jobs", "try sudo")
    forget([job])
    result = systemd.order([Order("stop", job.unit)])[job.unit]
    if result == "canceled":  # by a start that was on its way
        result = systemd.order([Order("stop", job.unit)])[job.unit]
    if result != "done":
        raise SjaError(f"{job} could not be stopped ({result}), nothing was deleted")
    with suppress(SjaError):  # systemd may have forgotten the unit already
        systemd.reset_failed(job.unit)
    with lock_files(job.kind), suppress(FileNotFoundError):
        os.unlink(job.config_path)
        sync_folder(os.path.dirname(job.config_path))
    for path in (
        job.wanted_path,
        job.ended_path,
        job.run_path,
        job.alert_path,
    ):
        with suppress(FileNotFoundError):
            os.unlink(path)
            sync_folder(os.path.dirname(path))
    with suppress(FileNotFoundError):
        os.unlink(f"{RUN_ROOT}/backoff/{job.unit}")
    for folder, is_state in get_kind(job.kind).run_folders(job.name).items():
        if not (is_state and keep_state):
            shutil.rmtree(folder, ignore_errors=True)
    apply_drop_ins(systemd, {job: None})
    if not keep_state:
        _delete_state(job)
    elif os.path.isdir(job.state_dir):
        os.utime(job.state_dir)  # `sjactl cleanup` counts from here


def _delete_state(job: Job) -> None:
    if os.path.islink(job.state_dir):
        os.unlink(job.state_dir)
    for folder in (job.state_dir, f"{PRIVATE_ROOT}/{job.kind}/{job.name}"):
        if os.path.isdir(folder):
            shutil.rmtree(folder)


def list_orphaned_drop_ins() -> list[Job]:
    """Return the jobs whose file is gone, but not the drop-in that was written from it."""
    names = [name.removesuffix(".d") for name in os.listdir(SYSTEMD_ROOT) if name.endswith(".d")]
    jobs = [job for job in map(parse_unit, names) if job is not None]
    return [
        job
        for job in jobs
        if os.path.exists(job.drop_in_path) and not os.path.lexists(job.config_path)
    ]
