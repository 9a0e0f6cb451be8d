"""The jobs: their folders and files, their drop-ins, and whether they are in each other's way."""

import grp
import os
import pwd
import stat
from collections.abc import Iterator

from sja_units.actions.check import find_unmanaged
from sja_units.config import host as host_config
from sja_units.doctor.finding import OK, PROBLEM, WARNING, Finding
from sja_units.errors import ConfigError
from sja_units.job import CONFIG_ROOT, KINDS, NAME, Job, parse_unit
from sja_units.jobs import drop_ins
from sja_units.jobs.claims import find_conflicts, read_claims
from sja_units.jobs.files import OPERATORS, read_job
from sja_units.jobs.inventory import list_configured
from sja_units.jobs.markers import list_wanted_units

_TMPFILES = "/usr/local/lib/tmpfiles.d/sja-units.conf"


def check_folders() -> Iterator[Finding]:
    with open(_TMPFILES, encoding="utf-8") as file:
        lines = [line.split() for line in file if line.startswith("d ")]
    findings = [
        finding
        for _, path, mode, user, group, *_ in lines
        for finding in _check_folder(path, int(mode, 8), user, group)
    ]
    yield from findings or [Finding(OK, f"{len(lines)} folders are there, with the right owners")]


def _check_folder(path: str, mode: int, user: str, group: str) -> Iterator[Finding]:
    advice = f"systemd-tmpfiles --create {_TMPFILES}"
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        yield Finding(PROBLEM, f"{path} is missing", advice)
        return
    if not stat.S_ISDIR(status.st_mode):
        yield Finding(PROBLEM, f"{path} is not a folder", f"move it away; then {advice}")
        return
    owner, now = _name_owner(status), stat.S_IMODE(status.st_mode)
    if owner != f"{user}:{group}":
        yield Finding(PROBLEM, f"{path} belongs to {owner}, not to {user}:{group}", advice)
    elif now & ~mode & 0o022:
        yield Finding(PROBLEM, f"{path} can be changed by others: mode {now:04o}", advice)
    elif now != mode:
        yield Finding(WARNING, f"{path} has mode {now:04o}, not {mode:04o}", advice)


def _name_owner(status: os.stat_result) -> str:
    try:
        user = pwd.getpwuid(status.st_uid).pw_name
    except KeyError:
        user = str(status.st_uid)
    try:
        group = grp.getgrgid(status.st_gid).gr_name
    except KeyError:
        group = str(status.st_gid)
    return f"{user}:{group}"


def check_jobs() -> Iterator[Finding]:
    jobs = list_configured()
    findings = [*_check_host_file(), *_check_names()]
    for job in jobs:
        try:
            findings += _check_job(job)
        except ConfigError as fault:
            advice = f"sjactl edit {job}"
            findings += [
                Finding(PROBLEM, f"{fault.where}: {each}", advice) for each in fault.faults
            ]
        except PermissionError:
            findings.append(Finding(WARNING, f"{job.config_path} cannot be read by you", ""))
    yield from findings or [
        Finding(OK, f"{len(jobs)} files are valid, and only root can write them")
    ]


def _check_host_file() -> Iterator[Finding]:
    path = host_config.PATH
    try:
        webhook = (alert := host_config.read_host_config().alert) and alert.webhook
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return  # all is as it is by default
    except ConfigError as fault:
        yield from (Finding(PROBLEM, f"{path}: {each}", f"edit {path}") for each in fault.faults)
        return
    if webhook and mode & 0o004:
        right = f"chown root:{OPERATORS} {path} && chmod 0640 {path}"
        yield Finding(WARNING, f"{path} has a webhook, and all can read it", right)


def _check_names() -> Iterator[Finding]:
    for kind in KINDS:
        for name in sorted(os.listdir(f"{CONFIG_ROOT}/{kind}")):
            stem = name.removesuffix(".toml")
            if stem != name and not NAME.fullmatch(stem):
                words = f"{CONFIG_ROOT}/{kind}/{name}: {stem!r} is not a valid job name"
                advice = "use lower-case letters, digits, '-' and '_', 23 at the most"
                yield Finding(WARNING, words, advice)


def _check_job(job: Job) -> Iterator[Finding]:
    path = job.config_path
    file = read_job(job)
    status = os.stat(path)
    mode = stat.S_IMODE(status.st_mode)
    right = f"chown root:{OPERATORS} {path} && chmod 0640 {path}"
    if status.st_uid != 0:
        yield Finding(PROBLEM, f"{path} can be changed by {_name_owner(status)}", right)
    if mode & 0o004 and file.settings.has_secrets():
        yield Finding(WARNING, f"{path} holds secrets, and all can read it", right)
    elif not mode & 0o004 and (_name_owner(status).split(":")[1] != OPERATORS or not mode & 0o040):
        yield Finding(WARNING, f"{path} cannot be read by group {OPERATORS}", right)


def check_drop_ins() -> Iterator[Finding]:
    findings = []
    jobs = list_configured()
    for job in jobs:
        try:
            current = drop_ins.is_drop_in_current(job, read_job(job))
        except (ConfigError, PermissionError):
            continue  # told by the check of the files
        if not current:
            words = f"{job.config_path} is not applied yet"
            findings.append(Finding(WARNING, words, f"sjactl apply {job}"))
    for job in drop_ins.list_orphaned_drop_ins():
        words = f"{job.drop_in_path} is left over from a job that is gone"
        findings.append(Finding(WARNING, words, "sjactl apply"))
    yield from findings or [Finding(OK, f"{len(jobs)} jobs: their files are applied")]


def check_sharing() -> Iterator[Finding]:
    jobs = [job for unit in sorted(list_wanted_units()) if (job := parse_unit(unit))]
    shared = find_conflicts(read_claims(jobs))
    yield from [
        Finding(WARNING, f"{each.jobs[0]} {each.describe(each.jobs[0])}", "make it one job")
        for each in shared
    ] or [Finding(OK, f"{len(jobs)} wanted jobs share no device or session")]


def check_unmanaged() -> Iterator[Finding]:
    findings = []
    for found in find_unmanaged():
        words = f"{found.job}: {found.message}" if found.job else found.message
        findings.append(Finding(WARNING if found.is_warning else PROBLEM, words))
    yield from findings or [Finding(OK, "no job runs outside its unit")]
