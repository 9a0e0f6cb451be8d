"""Jobs' files and all that belongs to a job: made, read, given, removed."""

import os
from contextlib import suppress

from sja_units.errors import NotAllowed, SjaError
from sja_units.fs.atomic import replace_file, sync_folder
from sja_units.fs.tree import remove_tree
from sja_units.job import PRIVATE_ROOT, RUN_ROOT, Job
from sja_units.jobs.drop_ins import apply_drop_ins
from sja_units.jobs.files import lock_files
from sja_units.jobs.inventory import read_head
from sja_units.jobs.markers import COMPLETED
from sja_units.jobs.wanted import forget
from sja_units.kinds import get_kind
from sja_units.systemd.client import Systemd
from sja_units.systemd.orders import run_order


def give_jar(job: Job, text: str) -> None:
    """Leave a jar for a keep-alive job to take up at its next refresh."""
    leave_file(job, "incoming.txt", text.encode(errors="surrogateescape"))


def leave_file(job: Job, name: str, data: bytes) -> None:
    """Put a file into the job's state, for the job to read.

    The folder may be the job's own, which is not trusted: nothing is followed or overwritten.
    """
    new = f"{name}.new"
    os.makedirs(job.state_dir, mode=0o700, exist_ok=True)
    folder = os.open(job.state_dir, os.O_RDONLY | os.O_DIRECTORY)
    try:
        owner = os.fstat(folder)
        with suppress(FileNotFoundError):
            os.unlink(new, dir_fd=folder)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with open(os.open(new, flags, 0o600, dir_fd=folder), "wb") as file:
            os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.rename(new, name, src_dir_fd=folder, dst_dir_fd=folder)
        os.fsync(folder)
    finally:
        os.close(folder)


def note_completed(job: Job, moment: str) -> None:
    """Note that a command did its work (RFC 3339, UTC), as its hook does."""
    replace_file(job.run_path, f"{COMPLETED}{moment}\n".encode(), 0o644)


def remove(systemd: Systemd, job: Job, *, keep_state: bool) -> None:
    """Stop a job and delete what is its own: file, marker, drop-in, records and state."""
    folder = os.path.dirname(job.config_path)
    if not os.access(folder, os.W_OK):
        if os.geteuid():
            raise NotAllowed("only root can remove jobs", "try sudo")
        raise SjaError(f"{folder} cannot be written to", "it is on a read-only file system")
    forget([job])
    result = run_order(systemd, "stop", job.unit)
    if result == "canceled":  # by a start that was on its way
        result = run_order(systemd, "stop", job.unit)
    if result != "done":
        raise SjaError(f"{job} could not be stopped ({result}), nothing was deleted")
    # Whoever makes a job of that name later must not find another's state in it.
    _note_template(job)
    with suppress(SjaError):  # systemd may have forgotten the unit already
        systemd.reset_failed(job.unit)
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
            with suppress(OSError):
                remove_tree(folder)
    apply_drop_ins(systemd, {job: None})
    if not keep_state:
        _delete_state(job)
        with suppress(FileNotFoundError):
            os.unlink(job.left_path)
    elif os.path.isdir(job.state_dir):
        os.utime(job.state_dir)  # `sjactl cleanup` counts from here
    # The file last: as long as it is there, what was cut off can be repeated.
    with lock_files(job.kind), suppress(FileNotFoundError):
        os.unlink(job.config_path)
        sync_folder(os.path.dirname(job.config_path))


def _note_template(job: Job) -> None:
    template = read_head(job).template
    if template is not None and os.path.lexists(job.state_dir):
        replace_file(job.left_path, template.encode())


def _delete_state(job: Job) -> None:
    if os.path.islink(job.state_dir):
        os.unlink(job.state_dir)
    for folder in (job.state_dir, f"{PRIVATE_ROOT}/{job.kind}/{job.name}"):
        if os.path.isdir(folder):
            remove_tree(folder)
