"""What systemd itself must know of a job's file: a drop-in for its unit, a timer. Pure."""

from collections.abc import Iterable

from sja_units.acquisition.config import AcquisitionConfig
from sja_units.command.config import CommandConfig
from sja_units.config.job_file import JobFile
from sja_units.job import Job
from sja_units.keepalive.config import CREDENTIAL, KeepaliveConfig
from sja_units.runtime.credentials import name_credential

_HEADER = "# Written by sjactl from the job's file; change that and run `sjactl apply`.\n"


def render_units(job: Job, file: JobFile | None, groups: Iterable[str] = ()) -> dict[str, str]:
    """Return the texts of all files for systemd that a job may have, by path, "" for none.

    file: None stands for one that is gone; groups: those whose members may use its serial ports.
    """
    texts = {job.drop_in_path: _render_drop_in(job, file, groups) if file else ""}
    if job.kind == "command":
        texts[job.timer_path] = _render_timer(job, _find_schedule(file)) if file else ""
    return texts


def _render_drop_in(job: Job, file: JobFile, groups: Iterable[str]) -> str:
    unit = [f"Wants={job.schedule_unit}"] if _find_schedule(file) else []
    lines = _open_ttys(list_ttys(file), groups) + _change_user(file)
    lines += [line for name, path in _list_files(file) for line in _hand_over(name, path)]
    lines += [f"{key}={value}" for key, values in file.service.items() for value in values]
    sections = [("Unit", unit), ("Service", lines)]
    text = "".join(f"[{name}]\n" + "\n".join(body) + "\n" for name, body in sections if body)
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
        f"[Timer]\nOnCalendar={schedule}\nPersistent=yes\nAccuracySec=1s\nUnit={job.unit}\n"
    )


def has_schedule(file: JobFile | None) -> bool:
    """Tell whether a job's file asks for times to run at; None stands for one that is gone."""
    return bool(_find_schedule(file))


def _find_schedule(file: JobFile | None) -> str:
    settings = file.settings if file else None
    return settings.schedule.replace("%", "%%") if isinstance(settings, CommandConfig) else ""


def _change_user(file: JobFile) -> list[str]:
    settings = file.settings
    if not isinstance(settings, CommandConfig) or not settings.user:
        return []
    # Somebody who exists has a home, and may write there and where else he may: but for the
    # system's own folders. He may run other programs, whose shared memory is not this job's.
    own = ["DynamicUser=no", f"User={settings.user}", "PrivateUsers=no", "RemoveIPC=no"]
    return [*own, "ProtectSystem=full", "ProtectHome=no"]


def list_ttys(file: JobFile) -> list[str]:
    """Return the serial ports of a job, each once, as its file names them."""
    if not isinstance(file.settings, AcquisitionConfig):
        return []
    endpoints = (device.endpoint for device in file.settings.devices)
    return list(dict.fromkeys(each.tty for each in endpoints if each.tty))


def _list_files(file: JobFile) -> list[tuple[str, str]]:
    """Return the files that the job's own user need not be able to read, with their names."""
    settings = file.settings
    if isinstance(settings, AcquisitionConfig):
        return [(name_credential(path), path) for path in settings.list_files()]
    if not isinstance(settings, KeepaliveConfig):
        return []
    files = [(name_credential(path), path) for path in [settings.ca_file] if path]
    if settings.login and settings.login.secrets:
        files.append((CREDENTIAL, settings.login.secrets))
    return files


def _hand_over(name: str, path: str) -> list[str]:
    name = name.replace("%", "%%")
    # A blank one where the file is missing: the worker can say so, systemd could only loop.
    return [rf"SetCredential={name}:\n", f"LoadCredential={name}:{path}"]


def _open_ttys(ttys: list[str], groups: Iterable[str]) -> list[str]:
    if not ttys:
        return []
    # The real /dev, where an adapter that is plugged in again appears; but nothing else in it
    # can be opened: DevicePolicy=closed still holds.
    lines = ["PrivateDevices=no", *(f"DeviceAllow={tty} rw" for tty in ttys)]
    return lines + [f"SupplementaryGroups={group}" for group in sorted(set(groups))]
