"""What is written as TOML says exactly what it was made from."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sja_units.toml.format import format_toml

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PLAIN = (
    TEXTS
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3)
)


@given(st.dictionaries(TEXTS, VALUES, max_size=5))
def test_a_reader_finds_what_was_written(values: dict[str, Any]) -> None:
    assert tomllib.loads(format_toml(values)) == values


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), "\ud800", b"x", [None]])
def test_what_toml_cannot_say_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"TOML has no|surrogates"):
        format_toml({"key": value})


@given(st.dictionaries(TEXTS, VALUES, max_size=5))
def test_keys_of_the_document_come_before_its_tables(values: dict[str, Any]) -> None:
    lines = format_toml(values).split("\n")
    heads = [i for i, line in enumerate(lines) if line.startswith("[")]
    loose = "\n".join(lines[: heads[0]] if heads else lines)
    tables = (dict, list)
    assert tomllib.loads(loose).keys() >= {
        key for key, value in values.items() if not isinstance(value, tables)
    }
