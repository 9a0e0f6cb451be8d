"""What jobs that are gone have left on this host. Nothing of a job that has a file is in it."""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from sja_units.fs.tree import remove_tree, walk
from sja_units.job import (
    CONFIG_ROOT,
    KINDS,
    NAME,
    PRIVATE_ROOT,
    RUN_ROOT,
    STAGING,
    STATE_ROOT,
    Job,
    parse_unit,
)
from sja_units.jobs import drop_ins
from sja_units.jobs.inventory import list_configured
from sja_units.jobs.markers import list_wanted_units
from sja_units.jobs.state_dir import find_places, is_ours
from sja_units.kinds import get_kind
from sja_units.systemd.client import Systemd

# Texts that `sjactl edit` refused, and what a kill has left of a file that was being written.
_DRAFT = re.compile(rf"{NAME.pattern}\.toml(\.rejected[T0-9-]*)?(\.new)?(?<!\.toml)")


class Leftover(NamedTuple):
    """Something that nobody needs any more."""

    paths: tuple[str, ...]  # to be removed in this order; the first one is its name
    about: str
    size: int  # bytes
    job: Job | None  # whose it was; None where a job may have a file nevertheless
    is_drop_in: bool = False


class Findings(NamedTuple):
    """What a search has found."""

    leftovers: list[Leftover]
    kept: list[str]  # what looks left over and stays, with the reason, a line each


class _Extent(NamedTuple):
    size: int
    newest: float  # Unix time of the newest change; links do not count, they hold nothing


def find_leftovers(systemd: Systemd, before: float) -> Findings:
    """Return what is left over and was not changed since that Unix time. Raises OSError.

    A spool that holds unsent data stays, and so does what is none of ours.
    """
    rows = systemd.list_units(f"sja-{kind}@*.service" for kind in KINDS)
    active = {row.name for row in rows if row.active not in ("inactive", "failed") or row.job_type}
    search = _Search(before, set(list_configured()), active)
    search.run()
    return Findings(search.leftovers, search.kept)


def remove_leftover(systemd: Systemd, leftover: Leftover) -> bool:
    """Remove it, unless its job has come back meanwhile; return whether it is gone.

    No link is followed. Raises OSError.
    """
    job = leftover.job
    if job is not None and os.path.lexists(job.config_path):
        return False
    if job is not None and leftover.is_drop_in:
        drop_ins.apply_drop_ins(systemd, {job: None})
        return True
    for path in leftover.paths:
        with suppress(FileNotFoundError):
            if stat.S_ISDIR(os.lstat(path).st_mode):
                remove_tree(path)
            else:
                os.unlink(path)
    return True


class _Search:
    """Goes through the places, one after the other."""

    def __init__(self, before: float, configured: set[Job], active: set[str]) -> None:
        self.leftovers: list[Leftover] = []
        self.kept: list[str] = []
        self._before = before
        self._configured = configured
        self._active = active
        self._wanted = list_wanted_units()

    def run(self) -> None:
        for kind in KINDS:
            self._look_for_states(kind)
        for kind in KINDS:
            self._look_for_drafts(f"{CONFIG_ROOT}/{kind}")
        self._look_for_records(f"{STATE_ROOT}/ended", "how a run ended")
        self._look_for_records(f"{STATE_ROOT}/alerts", "what was told")
        self._look_for_records(f"{STATE_ROOT}/runs", "how a run ended")
        self._look_for_records(f"{RUN_ROOT}/backoff", "when the next try was due")
        self._look_for_published_jars()
        self._look_for_drop_ins()
        self._add((STAGING,), "of a restore that was cut off")

    def _is_gone(self, job: Job) -> bool:
        return job not in self._configured and job.unit not in self._active

    def _add(
        self,
        paths: tuple[str, ...],
        about: str,
        job: Job | None = None,
        *,
        is_drop_in: bool = False,
    ) -> None:
        """Take note of something that is ours, if it is old; what is not there is no fault."""
        if job is not None and job.unit in self._wanted:
            return  # an order that still stands, which `sjactl check` tells of
        extent = self._measure(*paths)
        if extent and extent.newest < self._before:
            self.leftovers.append(Leftover(paths, about, extent.size, job, is_drop_in))

    def _measure(self, *paths: str) -> _Extent | None:
        """Return size and age of what is there, None if nothing is; what cannot be read is told."""
        try:
            extents = [_measure(path) for path in paths if os.path.lexists(path)]
        except OSError as error:
            self.kept.append(f"{paths[0]} stays: {error.strerror}")
            return None
        if not extents:
            return None
        return _Extent(sum(e.size for e in extents), max(e.newest for e in extents))

    def _name_foreign(self, path: str) -> None:
        self.kept.append(f"{path} stays: it is nothing that sja-units makes")

    def _look_for_states(self, kind: str) -> None:
        roots = (f"{PRIVATE_ROOT}/{kind}", f"{STATE_ROOT}/{kind}")
        for name in sorted({entry.name for root in roots for entry in _list(root)}):
            job = Job(kind, name)
            places = find_places(kind, name)
            is_name = NAME.fullmatch(name) is not None
            foreign = [place for place in places if not (is_name and is_ours(place, job))]
            for place in foreign:
                self._name_foreign(place)
            if places and not foreign and self._is_gone(job):
                self._judge_state(job, tuple(places))

    def _judge_state(self, job: Job, paths: tuple[str, ...]) -> None:
        extent = self._measure(*paths)
        if extent is None or extent.newest >= self._before:
            return
        if job.unit in self._wanted:
            self.kept.append(
                f"{paths[0]} stays: {job} has no file, but is still wanted; "
                f"sjactl remove {job} deletes what it left"
            )
        elif any(map(get_kind(job.kind).has_unsent, paths)):
            self.kept.append(
                f"{paths[0]} stays: its spool holds data that was never sent. Give {job} its file "
                f"again and start it, and it sends them; rm -r {' '.join(paths)} gives them up"
            )
        else:
            self._add(paths, f"state of {job}, which has no file", job)

    def _look_for_drafts(self, folder: str) -> None:
        for entry in _list(folder):
            if _DRAFT.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                self._add((entry.path,), "a text that never became a job's file")

    def _look_for_records(self, folder: str, about: str) -> None:
        for entry in _list(folder):
            job = parse_unit(entry.name.removeprefix(".").removesuffix(".new"))
            if job is None or not entry.is_file(follow_symlinks=False):
                self._name_foreign(entry.path)
            elif entry.name != job.unit:
                self._add((entry.path,), f"{about}: {job}, not completed")
            elif self._is_gone(job):
                self._add((entry.path,), f"{about}: {job}, which has no file", job)

    def _look_for_published_jars(self) -> None:
        for entry in _list(f"{RUN_ROOT}/cookies"):
            if not NAME.fullmatch(entry.name) or not entry.is_dir(follow_symlinks=False):
                self._name_foreign(entry.path)
            elif self._is_gone(job := Job("keepalive", entry.name)):
                self._add((entry.path,), f"published cookies of {job}, which has no file", job)

    def _look_for_drop_ins(self) -> None:
        for job in drop_ins.list_orphaned_drop_ins():
            if self._is_gone(job):
                about = f"drop-in of {job}, which has no file"
                self._add((job.drop_in_path,), about, job, is_drop_in=True)


def _list(folder: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        return


def _measure(path: str) -> _Extent:
    """Return size and age of a file or of all that is in a folder, no link followed.

    Raises OSError.
    """
    top = os.lstat(path)
    if stat.S_ISLNK(top.st_mode):
        return _Extent(0, 0.0)
    if not stat.S_ISDIR(top.st_mode):
        return _Extent(top.st_size, top.st_mtime)
    size, newest = 0, top.st_mtime
    for status in walk(path):
        if stat.S_ISREG(status.st_mode):
            size += status.st_size
        if stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode):
            newest = max(newest, status.st_mtime)
    return _Extent(size, newest)
