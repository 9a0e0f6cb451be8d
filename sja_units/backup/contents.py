"""What an archive holds, by the names of its members. Pure.

manifest.json                  who made it, and which jobs are in it
etc/sja-units.toml             what is in /etc/sja-units, as it is there
etc/KIND/NAME.toml
state/KIND/NAME/...            what is in a job's state folder
SHA256SUMS                     of all the others, as `sha256sum --check` takes it
"""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sja_units.errors import SjaError, UsageError
from sja_units.job import KINDS, Job, make_job

FORMAT = 1  # of the archive; a higher one is not for us
MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"
MAX_FILE = 64 * 2**20  # bytes; no file of ours is as large
MAX_FILES = 256 * 2**20  # bytes of all in /etc/sja-units, which are read into memory
_MAX_DEPTH = 8
_MAX_PART = 200  # bytes
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_SUM = re.compile(r"([0-9a-f]{64})  (.+)")


class ArchiveError(SjaError):
    """What was given is no archive of ours, or not all of it is there."""


class Member(NamedTuple):
    """One file of an archive: of the host if `job` is None, else of that job's state."""

    path: str  # below /etc/sja-units, or below the job's state folder
    job: Job | None = None

    @property
    def name(self) -> str:
        return f"state/{self.job}/{self.path}" if self.job else f"etc/{self.path}"

    @property
    def configures(self) -> Job | None:
        """The job whose file this is."""
        return None if self.job else find_configured(self.path)


class JobEntry(NamedTuple):
    """A job of the archive."""

    job: Job
    title: str
    wanted: bool
    completed: str = ""  # when a command's last run did its work (RFC 3339, UTC)


class Manifest(NamedTuple):
    """Who made the archive, and the jobs in it."""

    version: str
    host: str
    created: str  # RFC 3339, UTC
    jobs: tuple[JobEntry, ...]


def is_plain_part(part: str) -> bool:
    """Return whether part of a path can be stored: one name, printable, and of sane length."""
    return (
        part not in ("", ".", "..")
        and "/" not in part
        and part.isprintable()
        and "\\" not in part
        and len(part.encode(errors="surrogatepass")) <= _MAX_PART
    )


def is_storable(path: str) -> bool:
    """Return whether a relative path can be a member's: it leads nowhere but below."""
    parts = path.split("/")
    return len(parts) <= _MAX_DEPTH and all(map(is_plain_part, parts))


def find_configured(path: str) -> Job | None:
    """Return the job that a file below /etc/sja-units configures, None for any other file.

    Raises UsageError for a job's file whose name no job can have.
    """
    folder, slash, name = path.partition("/")
    if not slash or folder not in KINDS or "/" in name or not name.endswith(".toml"):
        return None
    return make_job(folder, name.removesuffix(".toml"))


def parse_member(name: str) -> Member:
    """Return what a member's name stands for. Raises ArchiveError if it could be none of ours."""
    if is_storable(name):
        try:
            return _parse(name.split("/"))
        except UsageError as fault:
            raise ArchiveError(f"invalid member {name!r}: {fault}") from None
    raise ArchiveError(f"unexpected member {name!r}")


def _parse(parts: list[str]) -> Member:
    if parts[0] == "etc" and len(parts) > 1:
        member = Member("/".join(parts[1:]))
        find_configured(member.path)
        return member
    if parts[0] == "state" and len(parts) > 3:
        return Member("/".join(parts[3:]), make_job(parts[1], parts[2]))
    raise ArchiveError(f"unexpected member {'/'.join(parts)!r}")


def check_together(names: Iterable[str]) -> None:
    """Raise ArchiveError if a name comes twice, or is a file here and a folder there."""
    seen: set[str] = set()
    folders: set[str] = set()
    for name in names:
        parts = name.split("/")
        above = {"/".join(parts[:depth]) for depth in range(1, len(parts))}
        if name in seen or name in folders or above & seen:
            raise ArchiveError(f"member {name!r} comes more than once")
        seen.add(name)
        folders |= above


def format_manifest(manifest: Manifest) -> bytes:
    """Return the manifest as the archive holds it."""
    jobs = [
        {
            "job": str(entry.job),
            "kind": entry.job.kind,
            "name": entry.job.name,
            "title": entry.title,
            "wanted": entry.wanted,
            "completed": entry.completed or None,
        }
        for entry in manifest.jobs
    ]
    document = {
        "format": FORMAT,
        "version": manifest.version,
        "host": manifest.host,
        "created": manifest.created,
        "jobs": jobs,
    }
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode(errors="replace")


def parse_manifest(data: bytes) -> Manifest:
    """Return what a manifest says. Raises ArchiveError, also for one of a newer version."""
    try:
        document = json.loads(data)
        form = document["format"]
    except (ValueError, RecursionError, TypeError, KeyError):
        raise ArchiveError("its manifest is not readable") from None
    if not isinstance(form, int) or form > FORMAT:
        version = str(document.get("version"))[:40]
        raise ArchiveError(
            f"a newer sja-units ({version!r}) made it", "install that version, then restore"
        )
    try:
        return _read_manifest(document)
    except (UsageError, ValueError, TypeError, KeyError) as error:
        raise ArchiveError(f"its manifest is not readable: {error}") from None


def _read_manifest(document: Mapping[str, Any]) -> Manifest:
    jobs = []
    for entry in document["jobs"]:
        if not isinstance(entry["wanted"], bool):
            raise ValueError("wanted is neither true nor false")
        completed = entry["completed"] or ""
        if completed and not (_TIME.fullmatch(completed) and datetime.fromisoformat(completed)):
            raise ValueError("completed is not a time")
        job = make_job(str(entry["kind"]), str(entry["name"]))
        jobs.append(JobEntry(job, str(entry["title"]), entry["wanted"], completed))
    if len({entry.job for entry in jobs}) < len(jobs):
        raise ValueError("a job comes twice")
    version, host, created = (str(document[key]) for key in ("version", "host", "created"))
    return Manifest(version, host, created, tuple(jobs))


def format_sums(sums: Mapping[str, str]) -> bytes:
    """Return names and SHA-256 digests as the archive holds them."""
    return "".join(f"{digest}  {name}\n" for name, digest in sums.items()).encode()


def check_sums(data: bytes, sums: Mapping[str, str]) -> None:
    """Raise ArchiveError unless the archive's own list says what was read."""
    matches = [_SUM.fullmatch(line) for line in data.decode(errors="replace").splitlines()]
    told = {match[2]: match[1] for match in matches if match}
    for name in (*told, *sums):
        if told.get(name) != sums.get(name):
            raise ArchiveError(f"damaged: {name!r} does not match its checksum")
