"""What systemd itself must know of a job's file: a drop-in for its unit, a timer. Pure."""

from collections.abc import Iterable

from sja_units.config.job_file import JobFile
from sja_units.job import Job
from sja_units.kinds import get_kind

_HEADER = "# Written by sjactl from the job's file; change that and run `sjactl apply`.\n"


def render_units(job: Job, file: JobFile | None, groups: Iterable[str] = ()) -> dict[str, str]:
    """Return the texts of all files for systemd that a job may have, by path, "" for none.

    file: None stands for one that is gone; groups: those whose members may use its serial ports.
    """
    texts = {job.drop_in_path: _render_drop_in(job, file, groups) if file else ""}
    if get_kind(job.kind).has_schedule:
        texts[job.timer_path] = _render_timer(job, file.settings.schedule) if file else ""
    return texts


def _render_drop_in(job: Job, file: JobFile, groups: Iterable[str]) -> str:
    settings = file.settings
    lines = settings.unit_lines()
    lines.setdefault("Unit", [])
    lines.setdefault("Service", [])
    if settings.schedule:
        lines["Unit"].append(f"Wants={job.schedule_unit}")
    if settings.ttys():
        lines["Service"] += [f"SupplementaryGroups={group}" for group in sorted(set(groups))]
    if settings.credentials():
        # Its failure costs time at other jobs' starts, and nothing at this one.
        lines["Service"].append("ExecStartPost=-+/usr/local/lib/sja-units/ready %n")
    for name, path in settings.credentials():
        lines["Service"] += _hand_over(name, path)
    lines["Service"] += [
        f"{key}={value}" for key, values in file.service.items() for value in values
    ]
    text = "".join(f"[{name}]\n" + "\n".join(body) + "\n" for name, body in lines.items() if body)
    return _HEADER + text if text else ""


def _render_timer(job: Job, schedule: str) -> str:
    if not schedule:
        return ""
    # Started and stopped with the schedule's own unit, whose hooks note what was ordered: who
    # stops the timer has given an order. A run that was missed while the host was off is made up
    # for.
    return (
        f"{_HEADER}[Unit]\nDescription=Runs of SJA command job {job.name}\n"
        f"PartOf={job.schedule_unit}\nPropagatesStopTo={job.schedule_unit}\n"
        "IgnoreOnIsolate=yes\n"
        f"[Timer]\nOnCalendar={schedule.replace('%', '%%')}\nPersistent=yes\nAccuracySec=1s\n"
        f"Unit={job.unit}\n"
    )


def has_schedule(file: JobFile | None) -> bool:
    """Tell whether a job's file asks for times to run at; None stands for one that is gone."""
    return file is not None and bool(file.settings.schedule)


def _hand_over(name: str, path: str) -> list[str]:
    name = name.replace("%", "%%")
    # A blank one where the file is missing: the worker can say so, systemd could only loop.
    return [rf"SetCredential={name}:\n", f"LoadCredential={name}:{path}"]
