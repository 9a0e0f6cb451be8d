"""What a job holds, read by somebody else: whole, in order, and without disturbing the worker."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sja_units.acquisition.config import SpoolConfig
from sja_units.acquisition.influxdb.line_protocol import (
    format_key,
    format_line,
    format_series,
    format_value,
)
from sja_units.acquisition.influxdb.parser import parse_samples, read_time
from sja_units.acquisition.points.point import is_unsafe_name
from sja_units.acquisition.spool import segment as segments
from sja_units.acquisition.spool.snapshot import SpoolSnapshot
from sja_units.acquisition.spool.writer import Spool
from tests.unit.acquisition.line_parser import parse_line

BOUNDS = SpoolConfig(2**28, 86400.0)


def put(spool: Spool, *numbers: int, padding: int = 1) -> None:
    for number in numbers:
        spool.put(b'm v="%b",n=%di %d\n' % (b"x" * padding, number, number), 1, number)


def read(home: Path, *, sent_too: bool = True) -> list[int | None]:
    with SpoolSnapshot(str(home)) as snapshot:
        return [read_time(line) for line in snapshot.read_lines(sent_too=sent_too)]


def segment(home: Path, number: int = 1) -> Path:
    return home / "spool" / segments.name_segment(number)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(str(tmp_path / "spool"), BOUNDS)


def test_a_running_job_is_read_as_it_grows(tmp_path: Path, spool: Spool) -> None:
    put(spool, 1, 2, 3)
    assert read(tmp_path) == [1, 2, 3]
    with SpoolSnapshot(str(tmp_path)) as snapshot:
        lines = snapshot.read_lines(sent_too=True)
        next(lines)
        put(spool, 4)
        rest = [read_time(line) for line in lines]
    assert rest[:2] == [2, 3]
    assert read(tmp_path) == [1, 2, 3, 4]
    # The worker's lock and files are as they were.
    put(spool, 5)
    spool.close()
    again = Spool(str(tmp_path / "spool"), BOUNDS)
    assert [batch.time_ns for batch in again.reader.read(100)] == [1, 2, 3, 4, 5]
    again.close()


def test_what_is_sent_is_left_out(tmp_path: Path, spool: Spool) -> None:
    put(spool, *range(1, 6))
    spool.reader.acknowledge(spool.reader.read(2))
    assert read(tmp_path, sent_too=False) == [3, 4, 5]
    assert read(tmp_path) == [1, 2, 3, 4, 5]
    spool.reader.acknowledge(spool.reader.read(100))
    assert read(tmp_path, sent_too=False) == []
    spool.close()


def test_several_segments_and_large_batches(tmp_path: Path, spool: Spool) -> None:
    put(spool, *range(1, 13), padding=3 * 2**20)  # several windows of the reader each
    put(spool, *range(13, 20))
    assert segment(tmp_path, 2).exists()
    assert read(tmp_path) == list(range(1, 20))
    spool.close()


@given(st.binary(max_size=200), st.integers(0, 60))
def test_torn_tails_are_passed_over(
    tmp_path_factory: pytest.TempPathFactory, garbage: bytes, cut: int
) -> None:
    home = tmp_path_factory.mktemp("home")
    spool = Spool(str(home / "spool"), BOUNDS)
    put(spool, 1, 2, 3)
    spool.close()
    path = segment(home)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) - cut])
    each = len(data) // 3
    assert read(home) == [1, 2, 3][: (len(data) - cut) // each]
    path.write_bytes(data + garbage)
    assert read(home)[:3] == [1, 2, 3]


def test_damage_in_the_middle_costs_only_itself(tmp_path: Path, spool: Spool) -> None:
    put(spool, 1, 2, 3)
    spool.close()
    path = segment(tmp_path)
    data = bytearray(path.read_bytes())
    data[data.index(b"n=2i")] ^= 1
    path.write_bytes(data)
    assert read(tmp_path) == [1, 3]
    # A claim of more bytes than there are, or than anybody has, takes neither.
    path.write_bytes(b"# sja1 00000000 9999999999 1 1\n" + b"x" * 3_000_000 + b"\n" + bytes(data))
    assert read(tmp_path) == [1, 3]


def test_nothing_is_followed_or_waited_for(tmp_path: Path, spool: Spool) -> None:
    put(spool, 1)
    spool.close()
    secret = tmp_path / "secret"
    secret.write_bytes(segments.format_batch(b"m v=7i 7\n", 1, 7))
    segment(tmp_path, 2).symlink_to(secret)
    os.mkfifo(segment(tmp_path, 3))
    segment(tmp_path, 4).mkdir()
    (tmp_path / "spool" / "cursor").unlink(missing_ok=True)
    (tmp_path / "spool" / "cursor").symlink_to("/dev/zero")
    assert read(tmp_path) == [1]
    assert read(tmp_path, sent_too=False) == [1]
    (tmp_path / "spool").rename(tmp_path / "elsewhere")
    (tmp_path / "spool").symlink_to("elsewhere")
    with pytest.raises(OSError, match="spool"):
        read(tmp_path)


@pytest.mark.parametrize("cursor", [b"", b"x y z", b"-1 -1 0", b"99", b"9" * 99])
def test_a_cursor_that_makes_no_sense_hides_little(
    tmp_path: Path, spool: Spool, cursor: bytes
) -> None:
    put(spool, 1)
    spool.close()
    (tmp_path / "spool" / "cursor").write_bytes(cursor)
    expected = [] if cursor.startswith(b"999") else [1]
    assert read(tmp_path, sent_too=False) in (expected, [1])


def test_a_job_that_has_never_run(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        SpoolSnapshot(str(tmp_path))


# Lines and their samples.

names = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=8).filter(
    lambda text: not is_unsafe_name(text) and not text.startswith("#")
)
values = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=8),
)


@given(names, st.dictionaries(names, names, max_size=3), st.dictionaries(names, values, min_size=1))
def test_samples_are_what_was_written(
    measurement: str, tags: dict[str, str], fields: dict[str, bool | int | float | str]
) -> None:
    tags.pop("point", None)
    written = [f"{format_key(key)}={format_value(value)}" for key, value in fields.items()]
    line = format_line(format_series(measurement, tags), written, 1_700_000_000_123_456_789)
    samples = list(parse_samples(line))
    assert [(sample.point, sample.value) for sample in samples] == list(fields.items())
    assert [type(sample.value) for sample in samples] == [type(v) for v in fields.values()]
    for sample in samples:
        assert sample.time_ns == read_time(line.encode()) == 1_700_000_000_123_456_789
        assert (sample.series.measurement, sample.series.tags) == (measurement, tags)
        alone = parse_line(sample.line)
        assert (alone.measurement, alone.tags) == (measurement, tags)
        assert alone.fields == {sample.point: sample.value}


def test_a_narrow_line_names_its_point() -> None:
    (sample,) = parse_samples("hall,device=d,point=my\\ point,quality=good value=1.5 7")
    assert (sample.point, sample.value) == ("my point", 1.5)


@pytest.mark.parametrize("line", ["", "#", "# a comment 1", "m", "m v=1", "m v= 1", " v=1 1"])
def test_what_is_no_line_has_no_samples(line: str) -> None:
    assert list(parse_samples(line)) == []
