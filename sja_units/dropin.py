"""What systemd itself must know of a job's file, as a drop-in for its unit. Pure."""

from collections.abc import Iterable

from sja_units.acquisition.config import AcquisitionConfig
from sja_units.acquisition.handed_file import name_credential
from sja_units.config import JobFile
from sja_units.keepalive.config import CREDENTIAL, KeepaliveConfig

_HEADER = "# Written by sjactl from the job's file; change that and run `sjactl apply`.\n"


def render_drop_in(file: JobFile, groups: Iterable[str] = ()) -> str:
    """Return the drop-in's text, "" where the template alone will do.

    groups: those whose members may use the job's serial ports.
    """
    lines = _open_ttys(list_ttys(file), groups)
    lines += [line for name, path in _list_files(file) for line in _hand_over(name, path)]
    lines += [f"{key}={value}" for key, values in file.service.items() for value in values]
    return _HEADER + "[Service]\n" + "".join(f"{line}\n" for line in lines) if lines else ""


def list_ttys(file: JobFile) -> list[str]:
    """Return the serial ports of a job, each once, as its file names them."""
    if not isinstance(file.settings, AcquisitionConfig):
        return []
    ways = (device.way for device in file.settings.devices)
    return list(dict.fromkeys(way.tty for way in ways if way.tty))


def _list_files(file: JobFile) -> list[tuple[str, str]]:
    """Return the files that the job's own user need not be able to read, with their names."""
    settings = file.settings
    if isinstance(settings, AcquisitionConfig):
        return [(name_credential(path), path) for path in settings.list_files()]
    if isinstance(settings, KeepaliveConfig) and settings.login and settings.login.secrets:
        return [(CREDENTIAL, settings.login.secrets)]
    return []


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
