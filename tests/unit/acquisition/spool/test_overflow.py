"""What waits while the disk takes nothing: the next worker finds it, in order and once."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from sja_units.acquisition.spool.writer import OVERFLOW_BYTES, Spool
from tests.unit.acquisition.harness import TOP
from tests.unit.acquisition.spooling import BOUNDS, opened, put, segments_in, take
from tests.waiting import PATIENCE, wait_for

BreakDisk = Callable[[], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of tmpfs; the spool's own is beside it."""
    folder = tmp_path / "overflow"
    folder.mkdir()
    return folder


@pytest.fixture
def break_disk(monkeypatch: pytest.MonkeyPatch) -> BreakDisk:
    """Lets the disk take nothing until monkeypatch is undone: only the spool syncs data."""

    def refuse(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    return partial(monkeypatch.setattr, os, "fdatasync", refuse)


def reopen(folder: Path, *numbers: int) -> list[int]:
    """Open the spool as the next worker does, put so many more, and return all that it holds."""
    with opened(folder.parent / "spool", overflow=str(folder)) as spool:
        put(spool, *numbers)
        assert spool.state().dropped == 0
        return take(spool)


def test_the_next_worker_finds_it(
    folder: Path, break_disk: BreakDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(folder.parent / "spool", overflow=str(folder)) as spool:
        put(spool, 1)
        break_disk()
        put(spool, 2, 3)
        state = spool.state()
        assert (state.lines, state.overflow_lines, state.volatile_lines) == (3, 2, 0)
        put(spool, 4)
    with opened(folder.parent / "spool", overflow=str(folder)) as spool:
        put(spool, 5)
        assert spool.state().overflow_lines == 4
        assert take(spool) == [1]
    monkeypatch.undo()
    assert reopen(folder, 6) == [2, 3, 4, 5, 6]
    assert segments_in(folder) == []


def test_it_leaves_the_folder_when_the_disk_takes_it(
    folder: Path, break_disk: BreakDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(folder.parent / "spool", overflow=str(folder)) as spool:
        break_disk()
        put(spool, *range(40), padding=30_000)  # several files
        assert len(segments_in(folder)) > 2
        monkeypatch.undo()
        put(spool, 40)
        assert segments_in(folder) == []
        assert take(spool) == [*range(41)]


def test_what_came_onto_the_disk_just_before_a_kill_is_not_doubled(
    folder: Path, break_disk: BreakDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(folder.parent / "spool", overflow=str(folder)) as spool:
        break_disk()
        put(spool, *range(5))
        shutil.copytree(folder, folder.parent / "before")
        monkeypatch.undo()
        put(spool, 5)
    shutil.copytree(folder.parent / "before", folder, dirs_exist_ok=True)
    assert reopen(folder, 6) == [*range(7)]
    assert segments_in(folder) == []


def test_a_torn_file_costs_only_what_is_torn(
    folder: Path, break_disk: BreakDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(folder.parent / "spool", overflow=str(folder)) as spool:
        break_disk()
        put(spool, 1, 2, 3)
    (file,) = segments_in(folder)
    file.write_bytes(file.read_bytes()[:-3])
    monkeypatch.undo()
    assert reopen(folder, 4) == [1, 2, 4]


@pytest.mark.parametrize("place", ["missing", "file/below", ""])
def test_without_the_folder_it_waits_in_memory_and_says_so_once(
    folder: Path,
    break_disk: BreakDisk,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    place: str,
) -> None:
    (folder / "file").write_text("")
    overflow = str(folder / place) if place else ""
    with opened(folder.parent / "spool", overflow=overflow) as spool:
        break_disk()
        put(spool, 1, 2, 3)
        assert spool.state().volatile_lines == 3
        monkeypatch.undo()
        put(spool, 4)
        assert spool.state().volatile_lines == 0
        assert take(spool) == [1, 2, 3, 4]
    assert capsys.readouterr().err.count("in memory only") == 1


def test_its_bound_drops_the_oldest_and_counts_it_over_restarts(
    folder: Path, break_disk: BreakDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A directory in its way: the cursor cannot be written to this disk either.
    (folder.parent / "spool/cursor/x").mkdir(parents=True)
    with opened(folder.parent / "spool", overflow=str(folder)) as spool:
        break_disk()
        put(spool, *range(50), padding=200_000)
        dropped = spool.state().dropped
        assert dropped > 0
        assert sum(path.stat().st_size for path in segments_in(folder)) <= OVERFLOW_BYTES
    monkeypatch.undo()
    with opened(folder.parent / "spool", overflow=str(folder)) as spool:
        put(spool, 50)
        assert spool.state().dropped == dropped
        assert take(spool) == [*range(dropped, 51)]


def test_what_was_sent_while_the_disk_was_full_is_not_sent_again(
    folder: Path, break_disk: BreakDisk
) -> None:
    with opened(folder.parent / "spool", overflow=str(folder)) as spool:
        put(spool, 1, 2, 3)
    cursor = folder.parent / "spool/cursor"
    cursor.unlink()
    (cursor / "x").mkdir(parents=True)
    with opened(folder.parent / "spool", overflow=str(folder)) as spool:
        assert take(spool, 2) == [1, 2]
    assert reopen(folder) == [3]


WRITER = """
import os, sys
from sja_units.acquisition.config import SpoolConfig
from sja_units.acquisition.spool.writer import Spool
sync = os.fdatasync
def refuse(_):
    raise OSError(28, "No space left on device")
spool = Spool(sys.argv[1], SpoolConfig(2**28, 86400.0), sys.argv[2])
number = int(sys.argv[3])
while True:
    print("try", number, flush=True)
    os.fdatasync = sync if number // 15 % 2 else refuse
    spool.put(b"m v=%di,s=\\"%b\\" %d\\n" % (number, b"x" * 30000, number), 1, number)
    print("put", number, flush=True)
    if number % 4 == 0 and (batches := spool.reader.read(7)):
        numbers = [batch.time_ns for batch in batches]
        print("sent", *numbers, flush=True)
        spool.reader.acknowledge(batches)
        print("done", *numbers, flush=True)
    number += 1
"""


def _has_lines(log: Path, count: int) -> bool:
    return log.read_text().count("\n") > count


@pytest.mark.slow
def test_no_kill_loses_or_doubles_what_waits_for_the_disk(tmp_path: Path, folder: Path) -> None:
    """Kills a process whose disk fails again and again, eight times, at moments that vary."""
    found: dict[str, list[int]] = {"try": [], "put": [], "sent": [], "done": []}
    for round_ in range(8):
        start = max(found["try"], default=0) + 1
        log = tmp_path / f"log{round_}"
        with log.open("wb") as out:
            words = [sys.executable, "-c", WRITER, str(tmp_path / "spool"), str(folder)]
            process = subprocess.Popen([*words, str(start)], cwd=TOP, stdout=out)
        wait_for(partial(_has_lines, log, 10 + 19 * (round_ % 5)), "the writer's progress")
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE)
        for line in log.read_text().rpartition("\n")[0].splitlines():
            kind, *numbers = line.split()
            found[kind] += map(int, numbers)
    spool = Spool(str(tmp_path / "spool"), BOUNDS, str(folder))
    spool.flush()
    rest = take(spool)
    spool.close()
    assert spool.state().dropped == 0
    assert set(found["put"]) <= {*found["sent"], *rest}
    # What the kill found between the sending and the acknowledgement may come twice, no other.
    kept = [*found["done"], *rest]
    assert len(kept) == len(set(kept))
    assert rest == sorted(rest)
