"""Damage of any kind in any file of a spool costs what it hit, and nothing else."""

import os
import random
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sja_units.acquisition.influxdb.parser import read_time
from sja_units.acquisition.spool import segment as segments
from sja_units.acquisition.spool.snapshot import SpoolSnapshot, has_unsent
from tests.unit.acquisition.spooling import BOUNDS, opened, put, segments_in, take

SMALL = BOUNDS._replace(max_bytes=2**20)  # segments of 128 KiB


def fill(folder: Path, overflow: Path, sent: int) -> None:
    """Make a spool of three segments with 30 batches, so many of them sent."""
    with opened(folder, SMALL, str(overflow)) as spool:
        put(spool, *range(30), padding=12_000)
        for _ in range(sent):
            take(spool, 1)


KINDS = st.sampled_from(["bit", "byte", "cut"])


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 29), st.randoms(use_true_random=False), st.sampled_from(["bit", "byte", "cut"])
)
def test_a_flaw_in_any_file_costs_no_more_than_a_batch(
    tmp_path_factory: pytest.TempPathFactory, sent: int, chance: random.Random, kind: str
) -> None:
    home = tmp_path_factory.mktemp("home")
    folder, overflow = home / "spool", home / "overflow"
    overflow.mkdir()
    fill(folder, overflow, sent)
    files = [*sorted(folder.iterdir()), *sorted(overflow.iterdir())]
    path = chance.choice([file for file in files if file.stat().st_size])
    data = bytearray(path.read_bytes())
    at = chance.randrange(len(data))
    if kind == "bit":
        data[at] ^= 1 << chance.randrange(8)
    elif kind == "byte":
        data[at] = chance.randrange(256)
    else:
        del data[at:]
    path.write_bytes(data)
    lost = 30 if kind == "cut" and path.suffix == ".lp" else 1
    with SpoolSnapshot(str(home)) as snapshot:
        shown = [read_time(line) for line in snapshot.read_lines(sent_too=False)]
    with opened(folder, SMALL, str(overflow)) as spool:
        put(spool, 30)
        taken = take(spool)
        # A header that is damaged may be counted as a line.
        assert spool.state().dropped <= lost + 1
    unsent = set(range(sent, 31))
    assert len(unsent - set(taken)) <= lost
    assert len(unsent - set(shown)) <= lost + 1
    assert taken == sorted(taken)  # in order, each once
    assert len(set(taken)) == len(taken)
    assert taken[-1] == 30
    # The worker goes on from there.
    with opened(folder, SMALL, str(overflow)) as spool:
        put(spool, 31)
        assert take(spool) == [31]


NONSENSE = {
    "an empty file": b"",
    "zeros": bytes(300_000),
    "a cut header": b"# sja1 0",
    "headers that claim much": b"# sja1 00000000 9999999999 1 1 1\n" * 3000,
    "headers that claim what is there": b"# sja1 00000000 40 1 1 1\n" * 3000,
    "no lines at all": segments.format_batch(b"", 0, 0),
    "a whole batch of nonsense": segments.format_batch(b'\xff\\"=, \n\n\n' * 100, 7, 0),
    "a batch of huge figures": segments.format_batch(b"m v=9 9\n", 10**9, 10**19, 10**11),
    "backslashes": segments.format_batch(b"\\" * 300_000 + b"\n", 1, 1),
}


@pytest.mark.parametrize("name", ["000000000001.lp", "000000000009.lp", "999999999999.lp"])
@pytest.mark.parametrize("what", list(NONSENSE))
def test_nonsense_in_place_of_a_segment_stops_nothing(tmp_path: Path, name: str, what: str) -> None:
    with opened(tmp_path / "spool", SMALL) as spool:
        put(spool, *range(1, 5), padding=100_000)
    (tmp_path / "spool" / name).write_bytes(NONSENSE[what])
    with SpoolSnapshot(str(tmp_path)) as snapshot:
        list(snapshot.read_lines(sent_too=False))
    has_unsent(str(tmp_path))
    for number in (5, 6):
        with opened(tmp_path / "spool", SMALL) as spool:
            put(spool, number)
            batches = spool.reader.read(10**9)
            while batches:
                spool.reader.acknowledge(batches)
                last = batches[-1].time_ns
                batches = spool.reader.read(10**9)
            assert last == number
            assert spool.state().batches == 0


@pytest.mark.slow
@pytest.mark.parametrize("size", [2**30, 2**40])
def test_a_sparse_file_takes_neither_memory_nor_time(tmp_path: Path, size: int) -> None:
    with opened(tmp_path / "spool", SMALL) as spool:
        put(spool, 1, padding=200_000)
        put(spool, 2)
    sparse = segments_in(tmp_path / "spool")[0]
    began = time.process_time()
    os.truncate(sparse, size)
    with SpoolSnapshot(str(tmp_path)) as snapshot:
        assert [read_time(line) for line in snapshot.read_lines(sent_too=True)] == [1, 2]
        faults: list[OSError] = []
        assert len(list(snapshot.copy(faults.append))) == 2
        assert len(faults) == 1
    with opened(tmp_path / "spool", SMALL) as spool:
        put(spool, 3)
        assert take(spool) == [2, 3]
    assert time.process_time() - began < 10


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit",
    [
        b"# sja1 00000000 9999999 1 1 1\n",
        b"# sja1 00000000 60000000 1 1 1\n",
        b"# sja1 ",
        b"\n# sja1 ",
        b"\n",
    ],
)
def test_time_grows_with_the_size_only(tmp_path: Path, unit: bytes) -> None:
    (tmp_path / "spool").mkdir()
    file = tmp_path / "spool" / segments.name_segment(1)
    file.write_bytes(unit * (8 * 2**20 // len(unit)))
    began = time.process_time()
    with SpoolSnapshot(str(tmp_path)) as snapshot:
        assert list(snapshot.read_lines(sent_too=True)) == []
    with opened(tmp_path / "spool") as spool:
        put(spool, 1)
        assert take(spool) == [1]
    assert time.process_time() - began < 20
