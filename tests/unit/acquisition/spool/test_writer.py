import errno
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sja_units.acquisition.config import SpoolConfig
from sja_units.acquisition.spool import segment as segments
from sja_units.acquisition.spool.writer import OVERFLOW_BYTES, Spool
from sja_units.errors import WorkerError
from tests.unit.acquisition.harness import TOP
from tests.unit.acquisition.spooling import BOUNDS, file_size_limit, opened, put, segments_in, take
from tests.waiting import PATIENCE, wait_for


def test_what_is_put_comes_out_in_order_once(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        put(spool, *range(100))
        assert take(spool, 30) == list(range(30))
        put(spool, *range(100, 150))
        assert take(spool) == list(range(30, 150))
        assert spool.reader.read(10) == []
        assert spool.state().batches == spool.state().bytes == 0


def test_what_was_not_acknowledged_is_there_after_a_restart(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        put(spool, *range(10))
        take(spool, 4)
        spool.reader.read(3)
    with opened(tmp_path) as spool:
        assert spool.state().batches == 6
        assert spool.state().oldest_ns == 4
        put(spool, 10)
        assert take(spool) == [*range(4, 11)]


def test_a_person_can_read_it(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        spool.put(b"m a=1i 5\nm a=2i 6\n", 2, 5)
    (file,) = segments_in(tmp_path)
    comment, *lines = file.read_text().splitlines()
    assert comment.startswith("# sja1 ")
    assert lines == ["m a=1i 5", "m a=2i 6"]


@pytest.mark.slow
@settings(max_examples=30)
@given(cut=st.integers(1, 200), tail=st.sampled_from([b"", b"\0" * 512, b"# sja1 0", b"m v=1i\n"]))
def test_a_torn_tail_is_put_aside_and_the_rest_is_whole(
    tmp_path_factory: pytest.TempPathFactory, cut: int, tail: bytes
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    with opened(folder) as spool:
        put(spool, *range(10))
    (file,) = segments_in(folder)
    whole = file.read_bytes()
    file.write_bytes(whole[:-cut] + tail)
    kept = whole[: len(whole) - cut].count(b"\n") // 2
    with opened(folder) as spool:
        put(spool, 77)
        assert take(spool) == [*range(kept), 77]
    torn = b"".join(path.read_bytes() for path in folder.glob("torn-*"))
    assert torn == (whole[:-cut] + tail)[segments.find_end(whole[:-cut]) :]


def test_damage_in_the_middle_costs_only_what_is_damaged(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        put(spool, *range(10))
    (file,) = segments_in(tmp_path)
    file.write_bytes(file.read_bytes().replace(b"v=4i", b"v=9i"))
    with opened(tmp_path) as spool:
        assert take(spool) == [0, 1, 2, 3, 5, 6, 7, 8, 9]
        assert spool.state().batches == 0
        assert spool.state().dropped == 1
    (torn,) = tmp_path.glob("torn-*")
    assert b"v=9i" in torn.read_bytes()


def test_a_segment_that_somebody_removed_stops_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        put(spool, 1, 2, 3)
        segments_in(tmp_path)[0].unlink()
        assert take(spool) == []
        assert spool.state().dropped == 3


@pytest.mark.parametrize("is_running", [False, True])
def test_a_segment_that_cannot_be_read_stops_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], is_running: bool
) -> None:
    def spoil() -> None:
        file = segments_in(tmp_path)[0]
        file.unlink()
        file.symlink_to("/dev/zero")

    bounds = BOUNDS._replace(max_bytes=2**20)
    with opened(tmp_path, bounds) as spool:
        put(spool, 1, 2, padding=100_000)
        put(spool, 3)
        if is_running:
            spoil()
            assert take(spool) == [3]
            assert spool.state().dropped == 2
    if not is_running:
        spoil()
    with opened(tmp_path, bounds) as spool:
        put(spool, 4)
        assert take(spool) == ([4] if is_running else [3, 4])
    assert len(list(tmp_path.glob("unreadable-*"))) == 1
    assert "cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("sent", [0, 3])
def test_a_segment_that_cannot_be_read_while_it_grows_costs_only_what_it_held(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    sent: int,
) -> None:
    with opened(tmp_path) as spool:
        put(spool, 1, 2, 3)
        assert take(spool, sent) == [1, 2, 3][:sent]
        bad = str(segments_in(tmp_path)[0])
        real = os.open

        def open_file(path: str, flags: int, mode: int = 0o777, **folder: int | None) -> int:
            if path == bad and not flags & os.O_WRONLY:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return real(path, flags, mode, **folder)

        monkeypatch.setattr(os, "open", open_file)
        put(spool, 4)
        assert take(spool) == []
        for number in (5, 6):
            put(spool, number)
            assert take(spool) == [number]
        state = spool.state()
        assert state.dropped == 4 - sent
        assert (state.batches, state.lines, state.bytes) == (0, 0, 0)
    assert len(list(tmp_path.glob("unreadable-*"))) == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("sent", [0, 3])
def test_a_segment_that_somebody_removed_while_it_grows_costs_only_what_it_held(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sent: int
) -> None:
    with opened(tmp_path) as spool:
        put(spool, 1, 2, 3)
        assert take(spool, sent) == [1, 2, 3][:sent]
        segments_in(tmp_path)[0].unlink()
        put(spool, 4, 5)
        assert take(spool) == [4, 5]
        put(spool, 6)
        assert take(spool) == [6]
        assert spool.state().dropped == 3 - sent
    told = capsys.readouterr().err
    assert told.count("\n") == (1 if sent < 3 else 0)
    assert "unreadable-" not in told  # there is no such file


def test_a_segment_that_somebody_emptied_while_it_grows_costs_only_what_it_held(
    tmp_path: Path,
) -> None:
    with opened(tmp_path) as spool:
        put(spool, 1, 2, 3)
        segments_in(tmp_path)[0].write_bytes(b"")
        put(spool, 4, 5)
        assert take(spool) == [4, 5]
        assert spool.state().dropped == 3


@pytest.mark.parametrize("keeps_all", [False, True])
def test_what_is_put_after_somebody_removed_the_last_segment_is_on_the_disk(
    tmp_path: Path, keeps_all: bool
) -> None:
    with opened(tmp_path, keeps_all=keeps_all) as spool:
        put(spool, 1)
        segments_in(tmp_path)[0].unlink()
        put(spool, 2, 3)
        assert _numbers_in(*segments_in(tmp_path)) == [2, 3]
        segments_in(tmp_path)[0].rename(tmp_path / "elsewhere")
        put(spool, 4)
        assert _numbers_in(*segments_in(tmp_path)) == [4]
    with opened(tmp_path, keeps_all=keeps_all) as spool:
        segments_in(tmp_path)[-1].unlink()
        put(spool, 5)
        assert not spool.state().fault
        assert _numbers_in(*segments_in(tmp_path)) == [5]


def _numbers_in(file: Path) -> list[int]:
    return [batch.time_ns for batch in segments.find_batches(file.read_bytes())]


def test_what_is_written_just_as_the_reader_gives_its_segment_up_is_written_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path) as spool:
        put(spool, 1)
        real = os.fdatasync

        def lose_it(fd: int) -> None:
            real(fd)
            monkeypatch.setattr(os, "fdatasync", real)
            segments_in(tmp_path)[0].unlink()
            assert take(spool) == []

        monkeypatch.setattr(os, "fdatasync", lose_it)
        put(spool, 2)
        assert take(spool) == [2]
        assert spool.state().dropped == 1


def test_segments_that_were_sent_leave_the_disk(tmp_path: Path) -> None:
    with opened(tmp_path, SpoolConfig(2**20, 86400.0)) as spool:
        for number in range(60):
            put(spool, number, padding=10_000)
            assert take(spool) == [number]
        assert sum(path.stat().st_size for path in segments_in(tmp_path)) < 2**20 / 4


def test_the_oldest_is_dropped_and_counted_when_it_is_full(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sja_units.acquisition.spool.writer._BOUND_SECONDS", 0.0)
    bounds = SpoolConfig(2**20, 86400.0)
    with opened(tmp_path, bounds) as spool:
        put(spool, *range(100), padding=20_000)
        state = spool.state()
        assert sum(path.stat().st_size for path in segments_in(tmp_path)) <= 2**20
        assert state.dropped > 0
        assert state.is_dropping
    with opened(tmp_path, bounds) as spool:
        assert spool.state().dropped == state.dropped
        assert take(spool) == [*range(state.dropped, 100)]
        put(spool, 100)
        assert not spool.state().is_dropping
    assert capsys.readouterr().err.count("full") == 1


def test_a_local_spool_lets_nothing_go_but_what_the_bounds_want(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sja_units.acquisition.spool.writer._BOUND_SECONDS", 0.0)
    bounds = SpoolConfig(2**20, 86400.0)
    with opened(tmp_path, bounds, keeps_all=True) as spool:
        put(spool, *range(20))
        assert spool.state().batches == 20
    with opened(tmp_path, bounds, keeps_all=True) as spool:
        assert spool.state().batches == 20
        put(spool, *range(20, 120), padding=20_000)
        assert 0 < spool.state().dropped == 120 - spool.state().batches
        assert sum(path.stat().st_size for path in segments_in(tmp_path)) <= 2**20


def test_no_two_workers_on_one_spool(tmp_path: Path) -> None:
    with opened(tmp_path), pytest.raises(WorkerError):
        Spool(str(tmp_path), BOUNDS)


def test_a_disk_that_takes_nothing_is_waited_for(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        put(spool, 1)
        with file_size_limit(200_000):
            put(spool, 2, padding=300_000)
            put(spool, 3)
            state = spool.state()
            assert state.fault
            assert state.write_errors == 2
            assert state.lines == 3
            assert take(spool) == [1]
        put(spool, 4)
        assert not spool.state().fault
        assert take(spool) == [2, 3, 4]
    with opened(tmp_path) as spool:
        put(spool, 5)
        assert take(spool) == [5]
    assert not list(tmp_path.glob("torn-*"))


def test_the_overflow_is_bounded(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        with file_size_limit(200_000):
            put(spool, *range(20), padding=2**20)
            state = spool.state()
            assert state.bytes <= OVERFLOW_BYTES
            assert state.dropped > 0
        spool.flush()
        assert take(spool) == [*range(state.dropped, 20)]


WRITER = """
import sys
from sja_units.acquisition.config import SpoolConfig
from sja_units.acquisition.spool.writer import Spool
spool = Spool(sys.argv[1], SpoolConfig(2**20, 86400.0))
number = int(sys.argv[2])
while True:
    # Larger than a page and than what is written at once, so that kills hit the middle of writes.
    spool.put(b"m v=%di,s=\\"%b\\" %d\\n" % (number, b"x" * 9000, number), 1, number)
    print(number, flush=True)
    if batches := spool.reader.read(5):
        if len(batches) > 2 or number % 3 == 0:
            print(*(-batch.time_ns for batch in batches), flush=True)
            spool.reader.acknowledge(batches)
    number += 1
"""


def _has_grown(log: Path, size: int) -> bool:
    return log.stat().st_size > size


@pytest.mark.slow
def test_no_kill_loses_what_was_put_nor_sends_it_out_of_order(tmp_path: Path) -> None:
    """Kills a process that puts and takes, eight times, at moments that vary."""
    folder = tmp_path / "spool"
    put_so_far: list[int] = []
    sent: list[int] = []
    for round_ in range(8):
        start = max(put_so_far, default=0) + 1
        log = tmp_path / f"log{round_}"
        with log.open("wb") as out:
            command = [sys.executable, "-c", WRITER, str(folder), str(start)]
            process = subprocess.Popen(command, cwd=TOP, stdout=out)
        wait_for(partial(_has_grown, log, 400 + 150 * (round_ % 7)), "the writer's progress")
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE)
        words = [int(word) for word in log.read_text().rpartition("\n")[0].split()]
        put_so_far += [word for word in words if word > 0]
        sent += [-word for word in words if word < 0]
    with opened(folder, SpoolConfig(2**20, 86400.0)) as spool:
        rest = take(spool)
        assert spool.state().dropped == 0
    # Twice is harmless for the database, never is not.
    assert set(put_so_far) <= set(sent) | set(rest)
    assert rest == sorted(set(rest))


def test_a_disk_that_can_only_be_read_is_refused_at_the_start(tmp_path: Path) -> None:
    with opened(tmp_path / "spool") as spool:
        put(spool, 1)
    open_it = "import sys; from sja_units.acquisition.spool.writer import Spool, SpoolConfig; "
    open_it += "Spool(sys.argv[1], SpoolConfig(2**20, 86400.0))"
    script = 'mount --bind -o ro "$1" "$1" && cd "$2" && exec "$3" -c "$4" "$1/spool"'
    # A namespace of its own: the folder stays as it is for everybody else.
    words = ["unshare", "--mount", "--map-root-user", "sh", "-c", script, "sh"]
    words += [str(tmp_path), str(TOP), sys.executable, open_it]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert "Read-only file system" in done.stderr
    with opened(tmp_path / "spool") as spool:
        assert take(spool) == [1]
