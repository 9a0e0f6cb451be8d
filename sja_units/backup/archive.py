"""The archive as a file: gzip and tar, and nothing in it but plain files under names of ours."""

import gzip
import io
import tarfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import IO, BinaryIO, NamedTuple

from sja_units.backup.contents import (
    MANIFEST,
    MAX_FILE,
    MAX_FILES,
    SUMS,
    ArchiveError,
    Manifest,
    Member,
    check_sums,
    check_together,
    format_manifest,
    format_sums,
    parse_manifest,
    parse_member,
)
from sja_units.job import Job

_WINDOW = 2**20
# Whatever Python's modules raise for bytes that are no archive, or a damaged one.
_DAMAGE = (
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    ValueError,
    OverflowError,
    MemoryError,
)


class Stored(NamedTuple):
    """A file of the host: its bytes, and who may read it."""

    data: bytes
    mode: int = 0o640
    group: str = "sja"


class Archive(NamedTuple):
    """All of an archive but the jobs' state, which may be large."""

    manifest: Manifest
    files: dict[str, Stored]  # by their paths below /etc/sja-units
    states: frozenset[Job]  # the jobs whose state is in it
    sums: dict[str, str]  # SHA-256 by member


class Writer:
    """Puts files into an archive. Methods raise OSError."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._sums: dict[str, str] = {}
        self._moment = time.time()

    def add_manifest(self, manifest: Manifest) -> None:
        self._put(MANIFEST, format_manifest(manifest))

    def add_sums(self) -> None:
        self._put(SUMS, format_sums(self._sums))

    def add_file(self, path: str, file: Stored) -> None:
        """Store a file of /etc/sja-units."""
        self._put(Member(path).name, file.data, file.mode, file.group)

    def add_state(self, job: Job, path: str, data: bytes, changed: float | None) -> None:
        """Store a file of a job's state; changed: Unix time, for people who look into it."""
        self._put(Member(path, job).name, data, changed=changed)

    def _put(
        self,
        name: str,
        data: bytes,
        mode: int = 0o600,
        group: str = "root",
        changed: float | None = None,
    ) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(data), mode
        info.mtime = int(self._moment if changed is None else changed)
        info.uname, info.gname = "root", group
        self._tar.addfile(info, io.BytesIO(data))
        self._sums[name] = sha256(data).hexdigest()


@contextmanager
def write_archive(stream: BinaryIO, manifest: Manifest) -> Iterator[Writer]:
    """Give what writes an archive to a stream; it is whole when the block ends. Raises OSError."""
    with (
        gzip.GzipFile(fileobj=stream, mode="wb", compresslevel=6) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        writer = Writer(tar)
        writer.add_manifest(manifest)
        yield writer
        writer.add_sums()


def read_archive(file: BinaryIO) -> Archive:
    """Return what an archive holds, once all of it was read and found whole and safe.

    Raises ArchiveError.
    """
    with _translated():
        return _read_all(file)


def _read_all(file: BinaryIO) -> Archive:
    sums: dict[str, str] = {}
    files: dict[str, Stored] = {}
    states: set[Job] = set()
    room = MAX_FILES
    manifest: Manifest | None = None
    for info, content in _open_members(file):
        if SUMS in sums or info.name in sums:
            raise ArchiveError(f"member {info.name!r} comes twice, or after the end")
        if manifest is None and info.name != MANIFEST:
            raise ArchiveError("not a backup of sja-units")
        if info.name in (MANIFEST, SUMS):
            data = _read(content)
            if info.name == MANIFEST:
                manifest = parse_manifest(data)
            else:
                check_sums(data, sums)
        else:
            member = parse_member(info.name)
            if member.job:
                states.add(member.job)
                sums[info.name] = _digest(content)
                continue
            data = _read(content, min(room, MAX_FILE))
            room -= len(data)
            files[member.path] = Stored(data, info.mode, info.gname)
        sums[info.name] = sha256(data).hexdigest()
    if manifest is None or SUMS not in sums:
        raise ArchiveError("incomplete")
    check_together(sums)
    _check_jobs(manifest, files, states)
    return Archive(manifest, files, frozenset(states), sums)


def _check_jobs(manifest: Manifest, files: dict[str, Stored], states: set[Job]) -> None:
    """Raise ArchiveError unless the jobs of the manifest are those that have a file."""
    listed = {entry.job for entry in manifest.jobs}
    configured = {job for path in files if (job := Member(path).configures)}
    for job in sorted((listed ^ configured) | (states - listed)):
        raise ArchiveError(f"incomplete: it has only a part of {job}")


def read_states(file: BinaryIO, archive: Archive) -> Iterator[tuple[Member, Iterator[bytes]]]:
    """Yield each file of a state, and its bytes piece by piece, of an archive that was read before.

    Raises ArchiveError if it is another one by now: behind a file's last bytes where these differ.
    """
    with _translated():
        for info, content in _open_members(file):
            if info.name not in (MANIFEST, SUMS) and (member := parse_member(info.name)).job:
                yield member, _give(content, info.name, archive)


def _give(content: IO[bytes], name: str, archive: Archive) -> Iterator[bytes]:
    digest = sha256()
    with _translated():
        while part := content.read(_WINDOW):
            digest.update(part)
            yield part
    if digest.hexdigest() != archive.sums.get(name):
        raise ArchiveError("changed while it was read")


def _open_members(file: BinaryIO) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    """Yield the members and what they hold; only plain files are let through."""
    file.seek(0)
    # Not tarfile's own gzip, which passes over a wrong checksum.
    with gzip.GzipFile(fileobj=file) as plain, tarfile.open(fileobj=plain, mode="r|") as tar:
        for info in tar:
            content = tar.extractfile(info) if _is_plain(info) else None
            if content is None:
                raise ArchiveError(f"member {info.name!r} is not a regular file")
            yield info, content
        while plain.read(_WINDOW):
            pass  # its checksum is at its end


def _is_plain(info: tarfile.TarInfo) -> bool:
    return info.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and not info.issparse()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        words = str(error) or type(error).__name__
        raise ArchiveError(f"damaged, or not a backup of sja-units: {words}") from None


def _read(content: IO[bytes], limit: int = MAX_FILE) -> bytes:
    data = content.read(limit + 1)
    if len(data) > limit:
        raise ArchiveError("it has larger files than any job has")
    return data


def _digest(content: IO[bytes]) -> str:
    digest = sha256()
    while part := content.read(_WINDOW):
        digest.update(part)
    return digest.hexdigest()
