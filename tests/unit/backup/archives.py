"""Archives for tests: whole ones, and ones that somebody has tampered with."""

import gzip
import io
import tarfile
from collections.abc import Iterable
from hashlib import sha256

from sja_units.backup.archive import Stored, write_archive
from sja_units.backup.contents import (
    MANIFEST,
    SUMS,
    JobEntry,
    Manifest,
    format_manifest,
    format_sums,
)
from sja_units.job import Job

ALICE, LINE1 = Job("keepalive", "alice"), Job("acquisition", "line1")
MANIFEST_OF_TWO = Manifest(
    "0.1.0",
    "here",
    "2026-01-02T03:04:05Z",
    (JobEntry(ALICE, "爱丽丝", True), JobEntry(LINE1, "", False)),
)
FILES = {
    "sja-units.toml": Stored(b"# defaults\n"),
    "keepalive/alice.toml": Stored(b'url = "http://127.0.0.1/"\n'),
    "acquisition/line1.toml": Stored(b'interval = "1s"\n'),
    "alice.secret": Stored(b"sesame\n", 0o600, "root"),
}
STATE = {(ALICE, "jar.json"): b"{}", (LINE1, "spool/000000000001.lp"): b"x" * 70_000}


def make_archive() -> bytes:
    """Return a good archive of two jobs."""
    stream = io.BytesIO()
    with write_archive(stream, MANIFEST_OF_TWO) as writer:
        for path, stored in FILES.items():
            writer.add_file(path, stored)
        for (job, path), data in STATE.items():
            writer.add_state(job, path, data, 1.0)
    return stream.getvalue()


def file(name: str, data: bytes = b"x") -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    return info, data


def link(name: str, kind: bytes, target: str = "/etc/shadow") -> tuple[tarfile.TarInfo, bytes]:
    """Return a member that is no plain file."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""


def craft(
    members: Iterable[tuple[tarfile.TarInfo, bytes]], manifest: Manifest = MANIFEST_OF_TWO
) -> bytes:
    """Return an archive of these members whose list of sums is right."""
    all_of_it = [file(MANIFEST, format_manifest(manifest)), *members]
    sums = {info.name: sha256(data).hexdigest() for info, data in all_of_it}
    all_of_it.append(file(SUMS, format_sums(sums)))
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info, data in all_of_it:
            tar.addfile(info, io.BytesIO(data))
    return gzip.compress(stream.getvalue())
