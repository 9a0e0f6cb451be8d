"""What a command's file asks of this host: whether its user and its schedule mean something."""

import pwd
import subprocess

from sja_units.command.config import CommandConfig
from sja_units.toml.reader import Fault

_SECONDS = 10


def find_faults(config: CommandConfig) -> list[Fault]:
    """Return what is wrong with the file on this host."""
    faults = []
    if config.user and not _is_known(config.user):
        faults.append(Fault(("user",), f"is {config.user!r}, but nobody here is called so"))
    if config.schedule and not is_calendar_event(config.schedule):
        faults.append(
            Fault(
                ("schedule",),
                f"is {config.schedule!r}, which systemd does not understand: write it as in "
                '"Mon..Fri 03:00" or "hourly", see systemd.time(7)',
            )
        )
    return faults


def is_calendar_event(text: str) -> bool:
    """Tell whether systemd takes the text for times of its calendar."""
    words = ["systemd-analyze", "calendar", "--", text]
    try:
        done = subprocess.run(words, capture_output=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return True  # who cannot be asked refuses nothing; systemd itself will
    return done.returncode == 0


def _is_known(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
