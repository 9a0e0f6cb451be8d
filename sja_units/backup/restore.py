"""Putting an archive's jobs on this host: whole files and folders only, so that it can be cut off.

A job's state comes first, then that it is wanted, then its file: a job whose file is there is
complete, and the same restore goes on from where it was cut off.
"""

import grp
import os
import shutil
import time
from collections.abc import Iterable
from typing import BinaryIO

from sja_units.backup.archive import Archive, Stored, read_states
from sja_units.backup.contents import MAX_FILE, Member
from sja_units.backup.plan import Here, Plan
from sja_units.config import job_file
from sja_units.errors import ConfigError, SjaError
from sja_units.fs.atomic import replace_file, sync_folder, write_all
from sja_units.fs.safe_open import read_regular
from sja_units.job import CONFIG_ROOT, STAGING, Job
from sja_units.jobs import manager
from sja_units.jobs.files import OPERATORS
from sja_units.jobs.markers import list_wanted_units
from sja_units.jobs.state_dir import find_places, is_ours
from sja_units.jobs.wanted import want
from sja_units.kinds import get_kind
from sja_units.systemd.client import Systemd

_SPARE = 8 * 2**20  # bytes of a disk that a restore leaves free for the jobs that run


def look(systemd: Systemd, archive: Archive) -> Here:
    """Return what this host has of what the archive holds. Raises OSError."""
    jobs = [entry.job for entry in archive.manifest.jobs]
    units = list_wanted_units()
    asked = [*(job.unit for job in jobs), *(job.schedule_unit for job in jobs)]
    rows = {row.name: row.active for row in systemd.list_units(asked)}
    states = {job: rows.get(job.unit, "inactive") for job in jobs}
    active = frozenset(job for job in jobs if states[job] not in ("inactive", "failed"))
    paths = (path for path in archive.files if os.path.lexists(f"{CONFIG_ROOT}/{path}"))
    return Here(
        files={path: _read_here(f"{CONFIG_ROOT}/{path}") for path in paths},
        states=active | {job for job in jobs if _holds_state(job)},
        wanted=frozenset(job for job in jobs if job.unit in units),
        active=active,
        scheduled=frozenset(
            job
            for job in jobs
            if get_kind(job.kind).has_schedule and rows.get(job.schedule_unit) == "active"
        ),
        failed=frozenset(job for job in jobs if states[job] == "failed"),
    )


def _read_here(path: str) -> bytes | None:
    try:
        return read_regular(path, MAX_FILE)
    except OSError:
        return None


def _holds_state(job: Job) -> bool:
    """Return whether anything is there, be it an admin's link to a disk that is away."""
    places = find_places(*job)
    return any(not is_ours(p, job) or (os.path.isdir(p) and os.listdir(p)) for p in places)


def put(file: BinaryIO, archive: Archive, plan: Plan) -> None:
    """Write all that the plan says; each step outlives a power cut before the next begins.

    Raises OSError and SjaError; the same restore then completes it.
    """
    shutil.rmtree(STAGING, ignore_errors=True)
    try:
        _stage(file, archive, frozenset(plan.states))
        for job in plan.states:
            _put_state(job)
        for job, moment in plan.completions.items():
            manager.note_completed(job, moment)
        for job in plan.wants:
            want(job)
        for path, stored in plan.files.items():
            _put_file(path, stored, keep=path in plan.replaced)
    finally:
        shutil.rmtree(STAGING, ignore_errors=True)


def _stage(file: BinaryIO, archive: Archive, jobs: frozenset[Job]) -> None:
    """Unpack the jobs' state beside where it belongs, and put it on the disk."""
    if not jobs:
        return
    os.mkdir(STAGING, 0o700)
    for member, parts in read_states(file, archive):
        if member.job in jobs:
            path = f"{STAGING}/{member.job}/{member.path}"
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            _write(path, parts)
    for folder, _, _ in os.walk(STAGING, topdown=False):
        sync_folder(folder)


def _write(path: str, parts: Iterable[bytes]) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        for part in parts:
            disk = os.fstatvfs(fd)
            if disk.f_bavail * disk.f_frsize < len(part) + _SPARE:
                raise SjaError(f"the disk of {STAGING} has no room for the jobs' state")
            write_all(fd, part)
        os.fsync(fd)
    finally:
        os.close(fd)


def _put_state(job: Job) -> None:
    """Move a job's state to where systemd finds it, and gives it to the job's user at its start."""
    for place in find_places(*job):  # empty, or `look` had found something
        if os.path.islink(place):
            os.unlink(place)
        else:
            os.rmdir(place)
    parent = os.path.dirname(job.state_dir)
    os.makedirs(parent, mode=0o755, exist_ok=True)
    os.rename(f"{STAGING}/{job}", job.state_dir)
    sync_folder(parent)


def _put_file(path: str, stored: Stored, *, keep: bool) -> None:
    full = f"{CONFIG_ROOT}/{path}"
    operators = grp.getgrnam(OPERATORS).gr_gid
    if not os.path.isdir(os.path.dirname(full)):
        os.makedirs(os.path.dirname(full), mode=0o750)
        os.chown(os.path.dirname(full), -1, operators)
    if keep:
        moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        _keep(full, f"{full}.replaced-{moment}")
    is_job = Member(path).configures is not None
    # What a job's file may be follows from what `create` makes, all others' is as it was.
    mode = 0o640 if is_job else stored.mode & 0o755
    group = operators if is_job or stored.group == OPERATORS else 0
    replace_file(full, stored.data, mode, group=group)


def _keep(path: str, kept: str) -> None:
    """Leave a file under another name as well; whatever else stands there goes there."""
    try:
        os.link(path, kept, follow_symlinks=False)
    except PermissionError:  # a folder has no second name
        os.rename(path, kept)
    sync_folder(os.path.dirname(path))


def read_settled(plan: Plan, archive: Archive) -> tuple[dict[Job, job_file.JobFile], list[str]]:
    """Return what the jobs' files say, for their drop-ins, and the faults of those with some."""
    files: dict[Job, job_file.JobFile] = {}
    faults: list[str] = []
    for job in plan.settled:
        path = f"{job}.toml"
        try:
            text = job_file.decode(archive.files[path].data, job.config_path)
            files[job] = job_file.parse(job.kind, text, job.config_path)
        except ConfigError as fault:
            faults += str(fault).splitlines()
    return files, faults
