import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sja_units import job
from sja_units.acquisition.config import SpoolConfig
from sja_units.acquisition.spool.cursor import Cursor, SavedCursor, format_slot
from sja_units.acquisition.spool.snapshot import SpoolSnapshot, has_unsent
from sja_units.acquisition.spool.writer import Spool
from sja_units.backup import snapshot
from sja_units.backup.snapshot import read_state
from sja_units.fs.safe_open import read_regular
from sja_units.keepalive.cookie import Cookie
from sja_units.keepalive.store import load_jar, save_jar, take_incoming
from tests.unit.backup.archives import ALICE, LINE1

COPY = job.Job("command", "copy")
BOUNDS = SpoolConfig(2**20, 3600.0)


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[job.Job], Path]:
    """Makes a job's state folder."""
    monkeypatch.setattr(job, "STATE_ROOT", str(tmp_path))

    def make(of: job.Job) -> Path:
        folder = tmp_path / of.kind / of.name
        folder.mkdir(parents=True)
        return folder

    return make


def read(of: job.Job) -> tuple[dict[str, bytes], list[str]]:
    told: list[str] = []
    return {file.path: file.data for file in read_state(of, told.append, told.append)}, told


def fill(spool: Spool, first: int, count: int) -> None:
    for n in range(first, first + count):
        spool.put(b"m x=%d %d\n" % (n, n), 1, n)


def drain(folder: Path) -> list[bytes]:
    """Return the lines that a worker sends from a spool that it finds."""
    spool = Spool(str(folder), BOUNDS)
    lines = []
    while batches := spool.reader.read(1000):
        lines += [batch.body for batch in batches]
        spool.reader.acknowledge(batches)
    spool.close()
    return lines


def copy_to(folder: Path, files: dict[str, bytes]) -> None:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)


def test_a_job_that_never_ran_has_no_state(state: object) -> None:
    assert read(ALICE) == ({}, [])


def test_what_is_not_sent_is_all_there_and_no_more(
    state: Callable[[job.Job], Path], tmp_path: Path
) -> None:
    folder = state(LINE1)
    spool = Spool(str(folder / "spool"), BOUNDS)
    fill(spool, 0, 10)
    spool.reader.acknowledge(spool.reader.read(4))
    (folder / "dead-letter.lp").write_bytes(b"# why\nm x=1 1\n")
    files, told = read(LINE1)  # while the worker holds the spool
    assert told == []
    assert files["dead-letter.lp"] == b"# why\nm x=1 1\n"
    copy_to(tmp_path / "copy", files)
    assert drain(tmp_path / "copy/spool") == [b"m x=%d %d\n" % (n, n) for n in range(4, 10)]
    assert not list((tmp_path / "copy/spool").glob("torn-*"))
    spool.close()


def test_a_batch_that_is_being_written_is_not_copied(
    state: Callable[[job.Job], Path], tmp_path: Path
) -> None:
    folder = state(LINE1)
    spool = Spool(str(folder / "spool"), BOUNDS)
    fill(spool, 0, 3)
    spool.close()
    (segment,) = (folder / "spool").glob("*.lp")
    whole = segment.read_bytes()
    for cut in range(1, 30):
        segment.write_bytes(whole + whole[:cut])
        copy_to(tmp_path / "copy", read(LINE1)[0])
        assert (tmp_path / "copy/spool" / segment.name).read_bytes() == whole


def slot(number: int, offset: int) -> bytes:
    return format_slot(SavedCursor(1, Cursor(number, offset, 0), 0))


def test_segments_that_are_sent_stay_behind(state: Callable[[job.Job], Path]) -> None:
    folder = state(LINE1) / "spool"
    folder.mkdir()
    for number in (1, 2, 3):
        (folder / f"{number:012}.lp").write_bytes(b"old\n")
    (folder / "cursor").write_bytes(slot(2, 1))
    assert {"spool/000000000001.lp"} == {f"spool/{p.name}" for p in folder.iterdir()} - set(
        read(LINE1)[0]
    )


def test_unsent_is_what_stands_behind_the_cursor(state: Callable[[job.Job], Path]) -> None:
    home = state(LINE1)
    assert not has_unsent(str(home))
    folder = home / "spool"
    folder.mkdir()
    (folder / "000000000002.lp").write_bytes(b"")
    assert not has_unsent(str(home))
    (folder / "000000000002.lp").write_bytes(b"damaged or not")
    assert has_unsent(str(home))
    # One beyond the last segment is not believed.
    for cursor, unsent in (
        (slot(2, 14), False),
        (slot(2, 13), True),
        (slot(3, 0), True),
        (b"x", True),
    ):
        (folder / "cursor").write_bytes(cursor)
        assert has_unsent(str(home)) is unsent, cursor
    (folder / "000000000003.lp").write_bytes(b"more")
    (folder / "cursor").write_bytes(slot(2, 14))
    assert has_unsent(str(home))


def test_links_pipes_and_what_is_too_large_are_left_out_and_told(
    state: Callable[[job.Job], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "MAX_FILE", 1000)
    folder = state(LINE1)
    secret = tmp_path / "secret"
    secret.write_text("sesame")
    (folder / "deep/deeper").mkdir(parents=True)
    (folder / "deep/deeper/fine").write_text("x")
    (folder / "link").symlink_to(secret)
    (folder / "deep/link").symlink_to(secret)
    (folder / "folder").symlink_to(tmp_path)
    (folder / "spool").mkdir()
    (folder / "spool/000000000001.lp").symlink_to(secret)
    os.mkfifo(folder / "pipe")
    (folder / "large").write_bytes(b"x" * 1001)
    (folder / "half.new").write_text("x")
    files, told = read(LINE1)
    assert files == {"deep/deeper/fine": b"x"}
    for name in ("link", "deep/link", "folder", "pipe", "large", "000000000001.lp"):
        assert any(name in line for line in told), name


def test_data_that_is_left_out_is_missed_and_a_socket_is_not(
    state: Callable[[job.Job], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "MAX_FILE", 1000)
    folder = state(COPY)
    deep = folder / "a/b/c/d/e"
    deep.mkdir(parents=True)
    (deep / "file").write_text("x")
    (folder / "large.db").write_bytes(b"x" * 1001)
    (folder / "odd\nname").write_text("x")
    (folder / "feed.new").write_text("x")
    os.mkfifo(folder / "pipe")
    told: list[str] = []
    missed: list[str] = []
    files = {file.path for file in read_state(COPY, told.append, missed.append)}
    assert files == {"feed.new"}
    assert len(told) == 1
    assert "pipe" in told[0]
    assert len(missed) == 3
    for name in ("a/b/c/d/e", "large.db", "odd"):
        assert any(name in line for line in missed), name


def test_a_spool_that_is_a_link_is_not_followed(
    state: Callable[[job.Job], Path], tmp_path: Path
) -> None:
    folder = state(LINE1)
    (tmp_path / "other").mkdir()
    (tmp_path / "other/000000000001.lp").write_text("sesame")
    (folder / "spool").symlink_to(tmp_path / "other")
    assert read(LINE1)[0] == {}
    assert not has_unsent(str(folder))
    with pytest.raises(OSError, match="directory"):
        SpoolSnapshot(str(folder))


def test_a_given_jar_that_is_taken_up_meanwhile_neither_gets_lost_nor_wins_twice(
    state: Callable[[job.Job], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = state(ALICE)
    save_jar(str(folder), (Cookie("s", "old", "h"),))
    (folder / "incoming.txt").write_text("s=given")
    moved = (Cookie("s", "moved", "h"),)
    steps: list[Callable[[], object]] = [
        lambda: take_incoming(str(folder), "h"),
        lambda: save_jar(str(folder), moved),
    ]

    def slow(name: str, limit: int, fd: int) -> bytes:
        data = read_regular(name, limit, fd)
        if steps and name == "jar.json":
            steps.pop(0)()  # the worker goes on between two of our reads
        return data

    monkeypatch.setattr(snapshot, "read_regular", slow)
    files, told = read(ALICE)
    assert told == []
    assert not {"incoming.txt", "incoming.taken"} & set(files)
    copy_to(tmp_path / "copy", files)
    assert load_jar(str(tmp_path / "copy")) == moved


def test_a_folder_that_always_changes_is_copied_nevertheless(
    state: Callable[[job.Job], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = state(ALICE)
    (folder / "state.json").write_text("{}")

    def busy(name: str, limit: int, fd: int) -> bytes:
        (folder / "state.json").write_text("{}" + " " * len(os.listdir(folder)))
        (folder / f"more{len(os.listdir(folder))}").write_text("x")
        return read_regular(name, limit, fd)

    monkeypatch.setattr(snapshot, "read_regular", busy)
    assert "state.json" in read(ALICE)[0]
