"""What a restore does, decided before anything is touched. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

from sja_units.backup.archive import Archive, Stored
from sja_units.backup.contents import Member
from sja_units.errors import ConfigError
from sja_units.job import HOST_FILE, Job
from sja_units.toml.load import load_toml


class Here(NamedTuple):
    """What this host has of all that the archive holds."""

    files: Mapping[str, bytes | None]  # None: something that is no plain file stands there
    states: frozenset[Job]  # the jobs that hold something
    wanted: frozenset[Job]
    active: frozenset[Job]
    scheduled: frozenset[Job]  # commands whose schedule goes on, whether they run now or not
    failed: frozenset[Job]  # ended for good, so that starting them would not help


class Choices(NamedTuple):
    """What the person asked for."""

    replace: bool = False
    start: bool = True
    host_settings: bool = False  # they may run programs as root, and give rights to others


class Plan(NamedTuple):
    """What is to be done. A job is in at most one of `starts` and `restarts`."""

    files: dict[str, Stored]  # to be written, by path below /etc/sja-units
    replaced: frozenset[str]  # those of them that take another one's place
    left: tuple[str, ...]  # other files than the archive's, which stay
    skipped: tuple[str, ...]  # host settings that were not asked for
    states: tuple[Job, ...]  # whose state is put in place
    kept: tuple[Job, ...]  # which hold something already, so that the archive's is not taken
    completions: dict[Job, str]  # of commands that did their work, and when
    wants: tuple[Job, ...]  # to be noted as wanted
    starts: tuple[Job, ...]
    restarts: tuple[Job, ...]
    settled: tuple[Job, ...]  # whose file is the archive's in the end


def make_plan(archive: Archive, here: Here, choices: Choices) -> Plan:
    """Return what to do so that this host has all of the archive and loses nothing of its own.

    What a job holds here is newer than any backup: an old jar would log somebody out. And its last
    order was given here, unless its file is replaced by the archive's.
    """
    skipped = [
        path
        for path, file in archive.files.items()
        if is_host_setting(path)
        and not choices.host_settings
        and not _is_blank(path, file.data)
        and here.files.get(path) != file.data
    ]
    left = [
        path
        for path in archive.files
        if path not in skipped
        and _differs(archive, here, path)
        and not (choices.replace or _is_blank(path, here.files[path]))
    ]
    writes = {
        path: file
        for path, file in archive.files.items()
        if path not in skipped
        and (path not in here.files or (path not in left and _differs(archive, here, path)))
    }
    wanted = {entry.job for entry in archive.manifest.jobs if entry.wanted}
    written = {job for path in writes if (job := Member(path).configures)}
    settled = [e.job for e in archive.manifest.jobs if f"{e.job}.toml" not in left]
    stored = [job for job in settled if job in archive.states]
    orders = choices.start
    wants = [job for job in settled if orders and job in written and job in wanted]
    idle = here.wanted - here.failed
    starts = [job for job in settled if orders and (job in wants or job in idle)]
    return Plan(
        files=writes,
        replaced=frozenset(path for path in writes if path in here.files),
        left=tuple(left),
        skipped=tuple(skipped),
        states=tuple(job for job in stored if job not in here.states),
        kept=tuple(job for job in stored if job in here.states),
        completions={
            entry.job: entry.completed
            for entry in archive.manifest.jobs
            if entry.completed and f"{entry.job}.toml" not in here.files
        },
        wants=tuple(wants),
        starts=tuple(job for job in starts if job not in here.active | here.scheduled),
        # What has a schedule does as its file says from its next run on.
        restarts=tuple(
            job for job in settled if orders and job in written & here.active - here.scheduled
        ),
        settled=tuple(settled),
    )


def is_host_setting(path: str) -> bool:
    """Tell whether a file below /etc/sja-units decides what root runs, or who may do what."""
    return path == HOST_FILE or path.startswith("grants.d/")


def _differs(archive: Archive, here: Here, path: str) -> bool:
    data = archive.files[path].data
    return path in here.files and here.files[path] != data and not _is_blank(path, data)


def _is_blank(path: str, data: bytes | None) -> bool:
    """Return whether it is the host's defaults as installed, all of them comments."""
    if path != HOST_FILE or data is None:
        return False
    try:
        return not load_toml(data.decode(), path)
    except (UnicodeDecodeError, ConfigError):
        return False
