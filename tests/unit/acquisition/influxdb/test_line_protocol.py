import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sja_units.acquisition.influxdb.line_protocol import (
    format_key,
    format_line,
    format_series,
    format_value,
)
from sja_units.acquisition.points.decode import Value
from sja_units.acquisition.points.point import is_unsafe_name
from tests.unit.acquisition.line_parser import parse_line

names = st.text(
    st.one_of(
        st.sampled_from(', ="\\#_海'),
        st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]),
    ),
    min_size=1,
).filter(lambda name: not is_unsafe_name(name))
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]))
values = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
)


@pytest.mark.slow
@given(
    names.filter(lambda name: not name.startswith("#")),
    st.dictionaries(names, st.one_of(st.just(""), names)),
    st.dictionaries(names, values, min_size=1),
    st.integers(0, 2**63 - 1),
)
def test_a_reader_finds_what_was_written(
    measurement: str, tags: dict[str, str], fields: dict[str, Value], time: int
) -> None:
    pairs = [f"{format_key(key)}={format_value(value)}" for key, value in fields.items()]
    line = parse_line(format_line(format_series(measurement, tags), pairs, time))
    assert line.measurement == measurement
    assert line.tags == {key: value for key, value in tags.items() if value}
    assert line.fields == fields
    assert {k: type(v) for k, v in line.fields.items()} == {k: type(v) for k, v in fields.items()}
    assert line.time == time


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_keeps_every_bit(value: float) -> None:
    line = parse_line(format_line("m", [f"f={format_value(value)}"], 1))
    assert isinstance(line.fields["f"], float)
    assert math.copysign(1, line.fields["f"]) == math.copysign(1, value)
    assert line.fields["f"] == value


def test_an_unsigned_number_is_marked_as_one() -> None:
    assert format_value(2**64 - 1, unsigned=True) == "18446744073709551615u"
