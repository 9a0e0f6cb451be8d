"""A line taken apart: whatever it is, without a failure, and in a time that its length bounds."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sja_units.acquisition.influxdb.fields import split_line
from sja_units.acquisition.influxdb.parser import parse_samples, read_time

BITS = st.lists(st.sampled_from(["\\", "=", ",", " ", '"', "a", "1", "i", "\n", "m v=1 1"]))


@given(st.text() | BITS.map("".join))
def test_nonsense_is_no_failure(text: str) -> None:
    for sample in parse_samples(text):
        assert sample.line
    read_time(text.encode("utf-8", "replace"))


@given(st.binary())
def test_nonsense_in_bytes_is_no_failure(data: bytes) -> None:
    split_line(data)
    read_time(data)


@pytest.mark.parametrize(
    "line",
    [
        "m v=nan 1",
        "m v=inf 1",
        "m v=1e999 1",
        "m v=1_0 1",
        "m v=0x1 1",
        "m v=i 1",
        "m v=u 1",
        "m v=--1 1",
        f"m v={'9' * 5000}i 1",
        f"m v={'9' * 5000} 1",
        f"m v=1i {'9' * 5000}",
    ],
)
def test_a_number_that_no_database_takes_has_no_sample(line: str) -> None:
    assert list(parse_samples(line)) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit", ["\\", "\\\\ ", "\\=", "a=\\", '"', 'a="', 'a="\\', ",", "a=1,", " "]
)
@pytest.mark.parametrize("frame", ["{}", "m {} 1", 'm a="{} 1', "m,{} v=1 1"])
def test_time_grows_with_the_length_only(unit: str, frame: str) -> None:
    """20 kB of backslashes took 13 s."""
    line = frame.format(unit * (400_000 // len(unit)))
    began = time.process_time()
    for _ in parse_samples(line):
        pass
    assert time.process_time() - began < 5
