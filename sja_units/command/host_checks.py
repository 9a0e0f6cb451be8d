"""What a command's file asks of this host: its programs, its user, and its schedule."""

import pwd
import subprocess

from sja_units.command.config import CommandConfig
from sja_units.runtime.programs import check_program
from sja_units.toml.reader import Fault

_SECONDS = 10


def find_faults(config: CommandConfig) -> list[Fault]:
    """Return what is wrong with the file on this host."""
    faults = [*check_program(("command",), config.command)]
    if config.probe:
        faults += check_program(("probe", "exec"), config.probe.command)
    if config.user and not _is_known(config.user):
        faults.append(Fault(("user",), f"this host has no user {config.user!r}", of_host=True))
    if config.schedule and not is_calendar_event(config.schedule):
        faults.append(
            Fault(
                ("schedule",),
                'must be a calendar event such as "Mon..Fri 03:00" or "hourly", '
                f"not {config.schedule!r}; see systemd.time(7)",
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
