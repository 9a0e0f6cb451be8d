"""What systemd itself must know of jobs' files, kept as they ask for it: drop-ins and timers."""

import grp
import os
from collections.abc import Iterable
from contextlib import suppress

from sja_units.config.job_file import JobFile
from sja_units.fs.atomic import replace_file
from sja_units.job import SYSTEMD_ROOT, Job, parse_unit
from sja_units.jobs.schedule import is_scheduled
from sja_units.jobs.unit_files import has_schedule, render_units
from sja_units.systemd.client import Systemd
from sja_units.systemd.orders import Order, run_orders

_USUAL_TTY_GROUP = "dialout"


def apply_drop_ins(systemd: Systemd, files: dict[Job, JobFile | None]) -> list[Job]:
    """Make each job's drop-in what its file asks for; None stands for a file that is gone.

    Returns the jobs whose drop-in changed; systemd has read them by then.
    """
    ended = [job for job, file in files.items() if is_scheduled(job) and not has_schedule(file)]
    for _ in run_orders(systemd, [Order("stop", job.schedule_unit) for job in ended]):
        pass  # one that does not stop has lost its timer all the same
    changed = [job for job, file in files.items() if _write_units(job, file)]
    if changed:
        systemd.reload()
    return changed


def is_drop_in_current(job: Job, file: JobFile) -> bool:
    """Tell whether systemd has been told what a job's file asks for."""
    return all(_read(path) == text for path, text in _render_units(job, file).items())


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def _render_units(job: Job, file: JobFile | None) -> dict[str, str]:
    return render_units(job, file, _find_groups(file.settings.ttys()) if file else ())


def _write_units(job: Job, file: JobFile | None) -> bool:
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


def list_orphaned_drop_ins() -> list[Job]:
    """Return the jobs whose file is gone, but not the drop-in that was written from it."""
    names = [name.removesuffix(".d") for name in os.listdir(SYSTEMD_ROOT) if name.endswith(".d")]
    jobs = [job for job in map(parse_unit, names) if job is not None]
    return [
        job
        for job in jobs
        if os.path.exists(job.drop_in_path) and not os.path.lexists(job.config_path)
    ]
