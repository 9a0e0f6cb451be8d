"""Plots and moments in plain text."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sja_units.cli.output.plot import HEIGHT, WIDTH, draw, thin
from sja_units.errors import UsageError
from sja_units.times import format_local, format_moment, parse_moment

SECOND = 10**9
NOW = 1_800_000_000.0
samples = st.lists(
    st.tuples(st.integers(0, 10**18), st.floats(allow_nan=False, allow_infinity=False)),
    min_size=1,
    max_size=300,
).map(sorted)


@given(samples, st.integers(1, 50))
def test_thinning_keeps_time_and_extremes(taken: list[tuple[int, float]], half: int) -> None:
    spans = thin(taken, 2 * half)
    assert len(spans) <= 2 * half
    assert spans[0].first_ns == taken[0][0]
    assert spans[-1].last_ns == taken[-1][0]
    assert min(span.low for span in spans) == min(value for _, value in taken)
    assert max(span.high for span in spans) == max(value for _, value in taken)
    assert all(a.last_ns <= b.first_ns for a, b in pairwise(spans))


@given(samples.flatmap(st.permutations), st.integers(1, 50))
def test_times_that_go_back_are_drawn_as_well(taken: list[tuple[int, float]], half: int) -> None:
    lines = draw(thin(taken, 2 * half))
    assert all(len(line) <= WIDTH for line in lines)
    assert any("*" in line for line in lines)


def test_thinning_is_even() -> None:
    spans = thin(((i, float(i)) for i in range(100_000)), 512)
    widths = [span.last_ns - span.first_ns for span in spans[:-1]]
    assert len(spans) > 256
    assert len(set(widths)) == 1


@given(samples)
def test_a_plot_fits_a_terminal(taken: list[tuple[int, float]]) -> None:
    lines = draw(thin(taken))
    assert len(lines) == HEIGHT + 2
    assert all(len(line) <= WIDTH and line.isascii() for line in lines)
    assert any("*" in line for line in lines)


def test_a_ramp_rises() -> None:
    lines = draw(thin((i * SECOND, float(i)) for i in range(101)))
    rows = [line.find("*") for line in lines[:HEIGHT]]
    assert rows == sorted(rows, reverse=True)
    labels = [line.split()[0] for line in lines[:HEIGHT] if "+" in line]
    assert labels == ["100", "66.667", "33.333", "0"]
    assert format_local(0) in lines[-1]
    assert lines[-1].endswith(format_local(100))


def test_one_sample_and_a_constant() -> None:
    for taken in ([(5, 7.0)], [(5, -1.7958972376246913e308)], [(i, 7.0) for i in range(1000)]):
        lines = draw(thin(taken))
        assert sum("*" in line for line in lines) == 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("-1h", NOW - 3600),
        ("15min", NOW - 900),
        ("1h 30min", NOW - 5400),
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-02T00:00:00.5Z", 86400.5),
    ],
)
def test_moments_that_people_write(text: str, seconds: float) -> None:
    assert parse_moment(text, NOW) == int(seconds * 1e9)


def test_a_moment_without_a_zone_is_the_host_s() -> None:
    local = datetime(2026, 1, 31, 8).astimezone(UTC).timestamp()
    for text in ("2026-01-31 08:00", "2026-01-31T08:00:00"):
        assert parse_moment(text, NOW) == int(local) * SECOND


@given(st.integers(0, 4 * 10**18))
def test_moments_come_back(ns: int) -> None:
    text = format_moment(ns)
    assert parse_moment(text, NOW) == ns // 1000 * 1000
    assert parse_moment(format_moment(ns, 0), NOW) == ns // SECOND * SECOND


@pytest.mark.parametrize("text", ["", "yesterday", "1h ago", "-", "0001-01-01", "2026-13-01"])
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(UsageError):
        parse_moment(text, NOW)
