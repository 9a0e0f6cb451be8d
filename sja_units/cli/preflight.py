"""What `sjactl create` warns of: other jobs on the same device or session, devices that are off."""

from sja_units.acquisition.config import AcquisitionConfig
from sja_units.cli.output import format as render
from sja_units.cli.output.streams import echo
from sja_units.command.config import CommandConfig
from sja_units.config.job_file import JobFile
from sja_units.job import Job
from sja_units.jobs import inventory
from sja_units.jobs.claims import find_conflicts, make_claims, read_claims

TRY_SECONDS = 4.0  # and one more at the most for who is on his way to an answer
_NAMED_AT_MOST = 5


def warn_of_others(job: Job, file: JobFile, jar_text: str | None) -> None:
    """Name the jobs that use what this one is to use."""
    from sja_units.keepalive.jar import parse_jar

    jar = parse_jar(jar_text, file.settings.host) if jar_text else ()
    others = [other for other in inventory.list_configured() if other.kind == job.kind]
    claims = read_claims(others)
    claims[job] = make_claims(file.settings, jar)
    for conflict in find_conflicts(claims):
        if job in conflict.jobs:
            echo(f"warning: {job} {conflict.describe(job)}", err=True)


def warn_of_program(file: JobFile) -> None:
    """Tell of a program that its job will not see, or of a user that nobody is."""
    settings = file.settings
    if user := find_missing_user(file):
        echo(f"warning: this host has no user {user!r}, so systemd cannot run it", err=True)
    if not isinstance(settings, CommandConfig) or settings.user or "ProtectHome" in file.service:
        return
    for path in (settings.command[0], settings.working_directory):
        if path.startswith(("/home/", "/root/", "/run/user/")):
            hint = 'user = "…" makes it run as somebody who has it'
            echo(f"warning: {path} is hidden from a job with no `user`: {hint}", err=True)


def find_missing_user(file: JobFile) -> str:
    """Return the user that a job is to run as and that this host does not have, or ""."""
    import pwd

    user = file.settings.user if isinstance(file.settings, CommandConfig) else ""
    try:
        return "" if not user or pwd.getpwnam(user) else user
    except KeyError:
        return user


def warn_of_devices(file: JobFile) -> None:
    """Tell which devices do not answer as the file says, after 5 s at the most."""
    if not isinstance(file.settings, AcquisitionConfig):
        return
    from sja_units.acquisition.probe.devices import try_devices

    for report in try_devices(file.settings.devices, TRY_SECONDS):
        bad = [f"{found.point.name}: {found.fault}" for found in report.found if found.fault]
        if report.fault:
            words = f"no values yet: {report.fault}"
        elif bad:
            more = f" and {len(bad) - _NAMED_AT_MOST} more" if len(bad) > _NAMED_AT_MOST else ""
            words = ", ".join(bad[:_NAMED_AT_MOST]) + more
        else:
            continue
        echo(f"warning: {report.device.name}: {render.clean(words)}", err=True)
