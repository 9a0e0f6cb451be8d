import gzip
import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sja_units.backup import archive
from sja_units.backup.archive import read_archive, read_states
from sja_units.backup.contents import (
    ArchiveError,
    JobEntry,
    Manifest,
    Member,
    check_together,
    format_manifest,
    is_storable,
    parse_manifest,
    parse_member,
)
from sja_units.job import KINDS, NAME, Job
from tests.unit.backup.archives import (
    ALICE,
    FILES,
    MANIFEST_OF_TWO,
    STATE,
    craft,
    file,
    link,
    make_archive,
)

GOOD = make_archive()
BOTH = [file("etc/keepalive/alice.toml"), file("etc/acquisition/line1.toml")]


def read(data: bytes) -> object:
    return read_archive(io.BytesIO(data))


def test_what_goes_in_comes_out() -> None:
    stream = io.BytesIO(GOOD)
    whole = read_archive(stream)
    assert whole.manifest == MANIFEST_OF_TWO
    assert whole.files == FILES
    assert whole.states == {job for job, _ in STATE}
    states = {
        (member.job, member.path): b"".join(parts) for member, parts in read_states(stream, whole)
    }
    assert states == STATE


def test_people_can_look_into_it() -> None:
    with tarfile.open(fileobj=io.BytesIO(GOOD)) as tar:
        names = tar.getnames()
        sums = tar.extractfile("SHA256SUMS")
        assert sums is not None
        assert len(sums.read().splitlines()) == len(names) - 1
    assert names[0] == "manifest.json"


def test_a_part_of_an_archive_is_refused() -> None:
    for size in (0, 1, 20, len(GOOD) // 2, len(GOOD) - 1):
        with pytest.raises(ArchiveError):
            read(GOOD[:size])
    plain = gzip.decompress(GOOD)
    # Whole as a gzip file, cut off as a tar file, also exactly between two members.
    for size in range(0, len(plain.rstrip(b"\0")), 512 * 7):
        with pytest.raises(ArchiveError):
            read(gzip.compress(plain[:size], 1))


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_a_changed_byte_is_found_or_changes_nothing(at: int, change: int) -> None:
    damaged = bytearray(GOOD)
    damaged[at] ^= change
    stream = io.BytesIO(damaged)
    try:
        whole = read_archive(stream)
    except ArchiveError:
        return
    assert (whole.manifest, whole.files) == (MANIFEST_OF_TWO, FILES)


@given(st.integers(0, 40_000), st.binary(min_size=1, max_size=600))
def test_a_changed_tar_is_found_or_changes_nothing(at: int, patch: bytes) -> None:
    plain = bytearray(gzip.decompress(GOOD))
    at %= len(plain) - len(patch)
    plain[at : at + len(patch)] = patch
    try:
        whole = read_archive(io.BytesIO(gzip.compress(plain, 1)))
    except ArchiveError:
        return
    assert {p: s.data for p, s in whole.files.items()} == {p: s.data for p, s in FILES.items()}


@pytest.mark.parametrize(
    "name",
    [
        "/etc/shadow",
        "../etc/shadow",
        "etc/../../shadow",
        "etc/keepalive/../../../shadow",
        "etc",
        "etc/",
        "etc//x",
        "etc/./x",
        "etc/keepalive/Alice.toml",
        "etc/keepalive/..toml",
        "etc/acquisition/a b.toml",
        "state/keepalive/alice",
        "state/keepalive/Alice/jar.json",
        "state/nonsense/alice/jar.json",
        "state/keepalive/../x/jar.json",
        "state/keepalive/alice/../../bob/jar.json",
        "state/keepalive/alice/a\nb",
        "state/keepalive/alice/\x1b[2J",
        "state/keepalive/alice/" + "x" * 201,
        "state/keepalive/alice/" + "d/" * 20 + "x",
        "usr/bin/sh",
        "nonsense",
    ],
)
def test_a_name_that_is_none_of_ours_is_refused(name: str) -> None:
    with pytest.raises(ArchiveError, match="member"):
        parse_member(name)
    with pytest.raises(ArchiveError, match="member"):
        read(craft([*BOTH, file(name)]))


@pytest.mark.parametrize(
    "kind",
    [
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.CHRTYPE,
        tarfile.BLKTYPE,
        tarfile.FIFOTYPE,
        tarfile.DIRTYPE,
        tarfile.CONTTYPE,
        tarfile.GNUTYPE_SPARSE,
        b"Z",
    ],
)
def test_what_is_no_plain_file_is_refused(kind: bytes) -> None:
    with pytest.raises(ArchiveError):
        read(craft([*BOTH, link("state/keepalive/alice/jar.json", kind)]))
    with pytest.raises(ArchiveError):
        read(craft([link("state/keepalive/alice", kind), *BOTH]))


def test_what_does_not_fit_together_is_refused() -> None:
    for members in (
        [*BOTH, BOTH[0]],
        BOTH[:1],
        [*BOTH, file("etc/keepalive/bob.toml")],
        [*BOTH, file("state/keepalive/bob/jar.json")],
        [*BOTH, file("state/keepalive/alice/a"), file("state/keepalive/alice/a/b")],
        [*BOTH, file("state/keepalive/alice/a/b"), file("state/keepalive/alice/a")],
        [*BOTH, file("manifest.json")],
    ):
        with pytest.raises(ArchiveError):
            read(craft(members))
    read(craft(BOTH))


def test_an_archive_of_another_kind_is_refused() -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        tar.addfile(file("etc/passwd")[0], io.BytesIO(b"x"))
    for data in (
        stream.getvalue(),
        b"",
        b"not an archive",
        gzip.compress(b""),
        gzip.compress(b"x"),
    ):
        with pytest.raises(ArchiveError):
            read(data)


def test_a_newer_archive_is_refused_by_its_version() -> None:
    newer = format_manifest(MANIFEST_OF_TWO._replace(version="9.9")).replace(
        b'"format": 1', b'"format": 2'
    )
    with pytest.raises(ArchiveError, match=r"9\.9"):
        parse_manifest(newer)


@pytest.mark.slow
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_a_manifest_that_is_none_is_refused(value: object) -> None:
    for data in (repr(value), f'{{"format": 1, "jobs": {value!r}}}', f'{{"format": {value!r}}}'):
        with pytest.raises(ArchiveError):
            parse_manifest(data.encode(errors="replace"))
    with pytest.raises(ArchiveError):
        parse_manifest(b"[" * 100_000)


def test_the_manifest_keeps_its_words() -> None:
    assert parse_manifest(format_manifest(MANIFEST_OF_TWO)) == MANIFEST_OF_TWO
    odd = Manifest("\ud800", "h", "c", ())
    assert parse_manifest(format_manifest(odd)).host == "h"
    done = JobEntry(Job("command", "report"), "", False, "2026-01-02T03:04:05.678901Z")
    manifest = MANIFEST_OF_TWO._replace(jobs=(done,))
    assert parse_manifest(format_manifest(manifest)) == manifest
    for words in ("x\n", "2026-99-99T99:99:99Z", "0000-00-00T00:00:00Z"):
        no_time = manifest._replace(jobs=(done._replace(completed=words),))
        with pytest.raises(ArchiveError):
            parse_manifest(format_manifest(no_time))


jobs = st.builds(Job, st.sampled_from(KINDS), st.from_regex(NAME, fullmatch=True))


@pytest.mark.slow
@given(jobs, st.text())
def test_a_storable_path_leads_below_and_comes_back(job: Job, path: str) -> None:
    name = Member(path, job).name
    if not is_storable(name):
        with pytest.raises(ArchiveError):
            parse_member(name)
        return
    assert parse_member(name) == Member(path, job)
    assert not path.startswith("/")
    assert ".." not in path.split("/")


@given(st.text())
def test_whatever_is_let_through_is_ours(name: str) -> None:
    try:
        member = parse_member(name)
    except ArchiveError:
        return
    assert member.name == name
    assert name.split("/")[0] in ("etc", "state")
    assert not {"", ".", ".."} & set(name.split("/"))


def test_files_that_would_fill_the_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_FILES", 1000)
    read(craft([*BOTH, file("etc/a", b"x" * 900)]))
    with pytest.raises(ArchiveError, match="larger"):
        read(craft([*BOTH, file("etc/a", b"x" * 900), file("etc/b", b"x" * 99)]))


def test_names_together() -> None:
    check_together(["a/b", "a/c", "ab"])
    for names in (["a", "a"], ["a", "a/b"], ["a/b/c", "a/b"]):
        with pytest.raises(ArchiveError):
            check_together(names)


def test_a_state_that_changed_since_it_was_checked_is_found() -> None:
    stream = io.BytesIO(GOOD)
    whole = read_archive(stream)
    name = Member("jar.json", ALICE).name
    other = whole._replace(sums=whole.sums | {name: "0" * 64})
    with pytest.raises(ArchiveError, match="changed"):
        list(map(list, (parts for _, parts in read_states(stream, other))))
