"""Making an archive of this host's jobs, which go on running meanwhile."""

import grp
import os
import re
import socket
import stat
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import BinaryIO, NamedTuple

from sja_units import __version__
from sja_units.backup.archive import Stored, Writer, write_archive
from sja_units.backup.contents import (
    MAX_FILE,
    MAX_FILES,
    JobEntry,
    Manifest,
    Member,
    find_configured,
    is_storable,
)
from sja_units.backup.snapshot import read_state
from sja_units.config import job_file
from sja_units.config.host import parse_host_config
from sja_units.errors import ConfigError, UsageError
from sja_units.fs.safe_open import open_regular, read_regular
from sja_units.job import CONFIG_ROOT, HOST_FILE, KINDS, NAME, STATE_ROOT, Job
from sja_units.jobs.inventory import parse_head
from sja_units.jobs.markers import list_wanted_units, read_completed
from sja_units.kinds import get_kind


class Report(NamedTuple):
    """What came of a backup."""

    jobs: tuple[Job, ...]
    is_complete: bool


class _Notes:
    """Tells what a person has to know, and remembers whether anything is missing."""

    def __init__(self, tell: Callable[[str], None], warn: Callable[[str], None]) -> None:
        self.tell = tell
        self._warn = warn
        self.is_complete = True

    def miss(self, words: str) -> None:
        self.is_complete = False
        self._warn(words)


def store(
    stream: BinaryIO, tell: Callable[[str], None], warn: Callable[[str], None] | None = None
) -> Report:
    """Write an archive of all jobs to a stream; return what is in it.

    tell: called with a line for what a person has to take along, or should know.
    warn: called with a line for data that are left out; `tell` if it is not given.
    Raises OSError if the stream takes nothing.
    """
    notes = _Notes(tell, warn or tell)
    files = dict(_read_files(notes))
    wanted, completed = list_wanted_units(), read_completed()
    entries = []
    needs: dict[str, list[str]] = {}
    for path, file in files.items():
        if job := find_configured(path):
            title, done = _read_title(file.data), completed.get(job.unit, "")
            entries.append(JobEntry(job, title, job.unit in wanted, done))
            for each in _list_needs(job, file.data, notes):
                needs.setdefault(each, []).append(str(job))
        elif path == HOST_FILE:
            for each in _list_alert_needs(file.data, notes):
                needs.setdefault(each, []).append("[alert]")
    moment = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    manifest = Manifest(__version__, socket.gethostname(), moment, tuple(entries))
    with write_archive(stream, manifest) as writer:
        for path, file in files.items():
            writer.add_file(path, file)
        jobs = tuple(entry.job for entry in entries)
        for job in jobs:
            _add_state(writer, job, notes)
            _name_what_waits(job, notes)
    _name_what_has_no_file(set(jobs), notes)
    _tell_needs(needs, notes)
    return Report(jobs, notes.is_complete)


def _add_state(writer: Writer, job: Job, notes: _Notes) -> None:
    files = read_state(job, notes.tell, notes.miss)
    while True:
        try:
            file = next(files, None)
        except OSError as error:
            notes.miss(f"{job.state_dir}: {error.strerror}, it is left out")
            return
        if file is None:
            return
        writer.add_state(job, file.path, file.data, file.changed)


def _name_what_waits(job: Job, notes: _Notes) -> None:
    """Tell of values that are on no disk, as that takes nothing."""
    for folder, is_state in get_kind(job.kind).run_folders(job.name).items():
        with suppress(FileNotFoundError, NotADirectoryError):
            if is_state and set(os.listdir(folder)) - {"cursor", "clock"}:
                notes.miss(f"{job}: cannot write to disk, and what waits in {folder} is left out")


def _read_files(notes: _Notes) -> Iterator[tuple[str, Stored]]:
    """Yield what is in /etc/sja-units, by the paths below it."""
    room = MAX_FILES
    for folder, _, names in sorted(os.walk(CONFIG_ROOT, onerror=_raise)):
        for name in sorted(names):
            full = f"{folder}/{name}"
            path = os.path.relpath(full, CONFIG_ROOT)
            if name.endswith(".new"):
                continue  # half written
            try:
                if not is_storable(Member(path).name):
                    raise UsageError("its name cannot be stored")
                find_configured(path)
                file = _read_file(full, min(room, MAX_FILE))
                room -= len(file.data)
                yield path, file
            except FileNotFoundError:
                continue  # removed meanwhile
            except OSError as error:
                notes.miss(f"{full}: {error.strerror}, it is left out")
            except UsageError as fault:
                notes.miss(f"{full} is left out: {fault}")


def _read_title(data: bytes) -> str:
    try:
        return parse_head(job_file.decode(data, "")).title
    except ConfigError:
        return ""


def _raise(error: OSError) -> None:
    raise error


def _read_file(path: str, limit: int) -> Stored:
    data = read_regular(path, limit)
    fd = open_regular(path)
    try:
        status = os.fstat(fd)
    finally:
        os.close(fd)
    try:
        group = grp.getgrgid(status.st_gid).gr_name
    except KeyError:
        group = "root"
    return Stored(data, stat.S_IMODE(status.st_mode), group)


def _list_needs(job: Job, data: bytes, notes: _Notes) -> list[str]:
    """Return the files that a job needs and that are not ours to store."""
    try:
        settings = job_file.parse(job.kind, job_file.decode(data, str(job)), str(job)).settings
    except ConfigError as fault:
        notes.tell(f"{job}: its file is not valid, and is stored as it is: {fault.faults[0]}")
        return []
    return settings.files()


def _list_alert_needs(data: bytes, notes: _Notes) -> list[str]:
    try:
        alert = parse_host_config(job_file.decode(data, HOST_FILE), HOST_FILE).alert
    except ConfigError as fault:
        notes.tell(f"{HOST_FILE} is not valid, and is stored as it is: {fault.faults[0]}")
        return []
    return [*alert.command[:1]] if alert else []


def _tell_needs(needs: Mapping[str, list[str]], notes: _Notes) -> None:
    """Tell of each file outside of the backup, unless a package brings it to the other host."""
    paths = [path for path in needs if not path.startswith(f"{CONFIG_ROOT}/")]
    for path in sorted({*paths} - find_packaged(paths)):
        users = needs[path]
        more = f" and {len(users) - 2} more" if len(users) > 3 else ""
        named = ", ".join(users[:2] if more else users) + more
        notes.tell(f"{path} is not in the backup, take it along: {named} needs it")


def find_packaged(paths: Iterable[str]) -> set[str]:
    """Return those of some files that belong to a Debian package."""
    real = {path: os.path.realpath(path) for path in paths}
    if not real:
        return set()
    # What it does not know goes to standard error, and a folder may have two names.
    command = ["dpkg-query", "--search", "--", *real, *real.values()]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return set()
    known = {_merge(line.partition(": ")[2]) for line in done.stdout.splitlines()}
    return {path for path, target in real.items() if {_merge(path), _merge(target)} & known}


def _merge(path: str) -> str:
    """Return a path as if /bin, /lib and /sbin were links to those in /usr, as they are."""
    return re.sub(r"^/(bin|sbin|lib)/", r"/usr/\1/", path)


def _name_what_has_no_file(stored: set[Job], notes: _Notes) -> None:
    """Tell of unsent data of jobs that are gone: without a file nothing could send them."""
    for kind in KINDS:
        folder = f"{STATE_ROOT}/{kind}"
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            job = Job(kind, name)
            if not NAME.fullmatch(name) or job in stored:
                continue
            if get_kind(kind).has_unsent(job.state_dir):
                notes.miss(f"{job} has no file, so its unsent data in {job.state_dir} are left out")
