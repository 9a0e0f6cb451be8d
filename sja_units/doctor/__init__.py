"""Is this host fit: one check for each thing that jobs rely on, none of which can stop another."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from sja_units.doctor import alerts, configuration, door, host, installation, operators, units
from sja_units.doctor.finding import OK, PROBLEM, UNKNOWN, WARNING, Finding
from sja_units.errors import NotAllowed, SjaError

__all__ = ["CHECKS", "OK", "PROBLEM", "UNKNOWN", "WARNING", "Report", "examine"]


class Check(NamedTuple):
    """Something that jobs rely on, and how it is looked at."""

    name: str
    look: Callable[[], Iterator[Finding]]


class Report(NamedTuple):
    """What one check found, for people and programs."""

    check: str
    result: str  # OK, WARNING, PROBLEM; UNKNOWN where it could not be seen
    message: str
    advice: str


CHECKS = (
    Check("systemd", host.check_systemd),
    Check("dbus", host.check_dbus),
    Check("program", installation.check_program),
    Check("hooks", installation.check_hooks),
    Check("files", installation.check_files),
    Check("units", units.check_units),
    Check("verify", units.check_syntax),
    Check("recovery", units.check_recovery),
    Check("groups", operators.check_groups),
    Check("polkit", operators.check_polkit),
    Check("folders", configuration.check_folders),
    Check("jobs", configuration.check_jobs),
    Check("drop-ins", configuration.check_drop_ins),
    Check("sharing", configuration.check_sharing),
    Check("door", door.check_door),
    Check("strays", configuration.check_unmanaged),
    Check("alerts", alerts.check_alerts),
    Check("clock", host.check_clock),
    Check("journal", host.check_journal),
    Check("disk", host.check_disk),
    Check("run", host.check_run),
    Check("limits", host.check_limits),
)


def examine(checks: Iterable[Check] = CHECKS) -> Iterator[Report]:
    """Yield what each check finds, at least one report a check."""
    for check in checks:
        for finding in _look(check):
            yield Report(check.name, *finding)


def _look(check: Check) -> Iterator[Finding]:
    try:
        yield from check.look()
    except (PermissionError, NotAllowed) as error:
        path = getattr(error, "filename", None) or error
        yield Finding(UNKNOWN, f"not allowed: {path}", "ask as root")
    except SjaError as error:
        yield Finding(UNKNOWN, error.message, error.hint)
    except Exception as error:  # a doctor has to go on, whatever is broken
        yield Finding(UNKNOWN, f"could not be looked at: {type(error).__name__}: {error}")
