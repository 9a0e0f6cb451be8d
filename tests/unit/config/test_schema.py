"""The schemas say what the readers say: a real validator and the readers judge the same files."""

import copy
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from sja_units.config.examples import read_example
from sja_units.config.host import read_host
from sja_units.config.job_file import examine
from sja_units.config.samples import list_samples
from sja_units.config.schema import make_schema
from sja_units.job import KINDS
from sja_units.toml.reader import Fault, TableReader

CHECKOUT = Path(__file__).parents[3]
ALL = [*KINDS, "host"]
SCHEMAS = {kind: make_schema(kind) for kind in ALL}

Path_ = tuple[str | int, ...]


def read(kind: str, values: dict[str, Any]) -> list[Fault]:
    if kind != "host":
        return examine(kind, values)[1]
    table = TableReader(values, (), [])
    read_host(table)
    return table.faults


def validate(kind: str, values: dict[str, Any]) -> list[str]:
    validator = Draft202012Validator(SCHEMAS[kind])
    return [error.message for error in validator.iter_errors(values)]


def list_good(kind: str) -> list[dict[str, Any]]:
    """Return files that a reader takes, with all keys between them that it can take."""
    texts = list_samples(kind)
    if kind != "host":
        texts = [*texts, read_example(kind)]
    files = [tomllib.loads(text) for text in texts]
    return [values for values in files if not read(kind, values)]


def walk(value: Any, place: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    yield place, value
    keys = (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    for key in keys:
        yield from walk(value[key], (*place, key))


def put(values: dict[str, Any], place: Path_, new: Any) -> dict[str, Any]:
    changed = copy.deepcopy(values)
    table: Any = changed
    for key in place[:-1]:
        table = table[key]
    table[place[-1]] = new
    return changed


@pytest.mark.parametrize("kind", ALL)
def test_schemas_are_well_formed(kind: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[kind])


@pytest.mark.parametrize("kind", ALL)
def test_what_a_reader_takes_is_valid(kind: str) -> None:
    files = list_good(kind)
    assert files
    for values in files:
        assert validate(kind, values) == []


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_manual_shows_is_valid(kind: str) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", (CHECKOUT / "README.md").read_text(), re.DOTALL)
    shown = [tomllib.loads(block) for block in blocks]
    for values in shown:
        if not read(kind, values):
            assert validate(kind, values) == []


@pytest.mark.parametrize("kind", ALL)
def test_a_value_of_another_type_is_refused_by_both(kind: str) -> None:
    tried = 0
    for values in list_good(kind):
        for place, value in walk(values):
            if not place or "service" in place or not isinstance(place[-1], str):
                continue
            # No key takes an empty table in a list in a list.
            changed = put(values, place, [[{}]])
            assert read(kind, changed), (place, value)
            assert validate(kind, changed), (place, value)
            tried += 1
    assert tried > 3


@pytest.mark.parametrize("kind", ALL)
def test_an_unknown_key_is_refused_by_both(kind: str) -> None:
    for values in list_good(kind):
        for place, value in walk(values):
            free = {"service", "tags", "environment", "headers", "json"}
            if isinstance(value, dict) and not free & {*place}:
                changed = put(values, (*place, "nonsense"), 1)
                assert read(kind, changed)
                assert validate(kind, changed)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_required_is_missed_by_both(kind: str) -> None:
    for values in list_good(kind):
        for place, value in walk(values):
            if not isinstance(value, dict):
                continue
            for key in value:
                changed = put(
                    {"": values}, ("", *place), {k: v for k, v in value.items() if k != key}
                )
                if validate(kind, changed[""]):
                    assert read(kind, changed[""]), (place, key)


def list_bounds(schema: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield values that a schema refuses at a key, for all keys with words or bounds."""
    for key, inner in schema.get("properties", {}).items():
        here = (*place, key)
        if inner.get("type") == "integer":
            yield here, inner["minimum"] - 1
            yield here, inner["maximum"] + 1
        elif "enum" in inner or inner.get("pattern", "").startswith("^(?:"):
            yield here, "nonsense"
        yield from list_bounds(inner, here)
        yield from list_bounds(inner.get("items", {}), (*here, "0"))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ALL)
def test_a_value_out_of_bounds_is_refused_by_both(kind: str) -> None:
    tried = set()
    for place, bad in list_bounds(SCHEMAS[kind]):
        where = tuple(int(part) if part.isdigit() else part for part in place)
        for values in list_good(kind):
            if where[:-1] in dict(walk(values)):
                changed = put(values, where, bad)
                assert validate(kind, changed), (place, bad)
                assert read(kind, changed), (place, bad)
                tried.add(place)
    assert tried
