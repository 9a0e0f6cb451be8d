"""JSON Schemas of the files, made from what their readers ask for."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from sja_units.config.host import read_host
from sja_units.config.job_file import examine
from sja_units.config.samples import SAMPLE_NAME, list_samples
from sja_units.toml.reader import DURATION, SIZE, Place, TableReader

Schema = dict[str, Any]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array"}


class _Node:
    """What is known of one table, or of all tables of an array."""

    def __init__(self) -> None:
        self.keys: dict[str, list[Schema]] = {}
        self.raw: dict[str, list[Any]] = {}  # values of keys that are read without a type
        self.is_open = False  # its keys are the user's own words
        self.runs: list[set[str]] = []  # which keys were required each time it was read

    def add(self, key: str, schema: Schema) -> None:
        known = self.keys.setdefault(key, [])
        if schema not in known:
            known.append(schema)

    def render(self) -> Schema:
        """Return the table's schema."""
        properties = {key: _join(schemas) for key, schemas in self.keys.items()}
        for key, values in self.raw.items():
            properties[key] = _join([*self.keys.get(key, []), *self._describe_raw(key, values)])
        if self.is_open:
            schemas = list(properties.values())
            return {"type": "object", "additionalProperties": _join(schemas) if schemas else {}}
        required = sorted(set.intersection(*self.runs)) if self.runs else []
        schema: Schema = {"type": "object", "properties": dict(sorted(properties.items()))}
        return {**schema, "required": required, "additionalProperties": False}

    def _describe_raw(self, key: str, values: Sequence[Any]) -> Iterator[Schema]:
        for value in values:
            # A word that stands for a value of another type, such as "auto", is just that word.
            is_word = key in self.keys and isinstance(value, str) and value.isalpha()
            yield {"const": value} if is_word else {"type": _TYPES[type(value)]}


def _join(schemas: Sequence[Schema]) -> Schema:
    unique = [schema for i, schema in enumerate(schemas) if schema not in schemas[:i]]
    return unique[0] if len(unique) == 1 else {"anyOf": unique}


def make_schema(kind: str) -> Schema:
    """Return the JSON Schema of the files of a kind of job, or of `host`."""

    class Recorder(_Recorder):
        nodes: ClassVar[dict[tuple[str, ...], _Node]] = {}

    for text in list_samples(kind):
        values = tomllib.loads(text)
        if kind == "host":
            read_host(Recorder(values, (), []))
        else:
            examine(kind, values, Recorder)
    return {"$schema": _DIALECT, "title": f"sja-units: {kind}", **_assemble(Recorder.nodes, ())}


def _assemble(nodes: Mapping[tuple[str, ...], _Node], place: tuple[str, ...]) -> Schema:
    schema = nodes[place].render()
    for key in {path[len(place)] for path in nodes if path and path[:-1] == place}:
        inner = _assemble(nodes, (*place, key))
        known = schema["properties"][key]
        is_table = known["type"] == "object"
        schema["properties"][key] = inner if is_table else {**known, "items": inner}
    return schema


class _Recorder(TableReader):
    """Notes what it is asked for, by table."""

    nodes: ClassVar[dict[tuple[str, ...], _Node]]

    def __init__(self, values: Mapping[str, Any], place: Place, faults: list[Any]) -> None:
        super().__init__(values, place, faults)
        where = tuple(part for part in place if isinstance(part, str))
        self._node = self.nodes.setdefault(where, _Node())
        self._required: set[str] = set()
        self._node.runs.append(self._required)
        self._is_noting = True

    @contextmanager
    def _note(self, key: str, schema: Schema, default: object = None) -> Iterator[None]:
        """Note a key, but not what its own reading asks for."""
        outermost, self._is_noting = self._is_noting, False
        if outermost:
            told = default not in (None, "", (), SAMPLE_NAME)
            shown = {"default": _plain(default)} if told else {}
            self._node.add(key, {**schema, **shown})
            if default is None:
                self._required.add(key)
        try:
            yield
        finally:
            self._is_noting = outermost

    def names(self) -> list[str]:
        self._node.is_open = True
        return super().names()

    def raw(self, key: str) -> object:
        value = super().raw(key)
        if self._is_noting:
            self._node.raw.setdefault(key, []).append(value)
        return value

    def text(
        self, key: str, default: str | None = None, *, choices: Sequence[str] | None = None
    ) -> str:
        schema: Schema = {"enum": list(choices)} if choices else {"type": "string"}
        if default is None and not choices:
            schema["minLength"] = 1
        with self._note(key, schema, default):
            return super().text(key, default, choices=choices)

    def path(self, key: str, default: str | None = None) -> str:
        with self._note(key, {"type": "string", "pattern": "^/|^$"}, default):
            return super().path(key, default)

    def texts(self, key: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        with self._note(key, {"type": "array", "items": {"type": "string"}}, default):
            return super().texts(key, default)

    def flag(self, key: str, default: bool) -> bool:
        with self._note(key, {"type": "boolean"}, default):
            return super().flag(key, default)

    def integer(self, key: str, default: int | None = None, *, low: int, high: int) -> int:
        schema = {"type": "integer", "minimum": low, "maximum": high}
        with self._note(key, schema, default):
            return super().integer(key, default, low=low, high=high)

    def integers(
        self, key: str, default: tuple[int, ...], *, low: int, high: int
    ) -> tuple[int, ...]:
        items = {"type": "integer", "minimum": low, "maximum": high}
        with self._note(key, {"type": "array", "items": items}, default):
            return super().integers(key, default, low=low, high=high)

    def number(self, key: str, default: float) -> float:
        with self._note(key, {"type": "number"}, default):
            return super().number(key, default)

    def seconds(self, key: str, default: str | None = None, *, low: str, high: str) -> float:
        words = f"a duration from {low} to {high}"
        schema = {"type": "string", "pattern": f"^{DURATION}$", "description": words}
        with self._note(key, schema, default):
            return super().seconds(key, default, low=low, high=high)

    def size(self, key: str, default: str, *, low: str, high: str) -> int:
        words = f"a size from {low} to {high}"
        schema = {"type": "string", "pattern": f"^{SIZE}$", "description": words}
        with self._note(key, schema, default):
            return super().size(key, default, low=low, high=high)

    def table(self, key: str) -> TableReader:
        with self._note(key, {"type": "object"}, ()):
            return super().table(key)

    def tables(self, key: str, *, required: bool = False) -> list[TableReader]:
        with self._note(key, {"type": "array"}, None if required else ()):
            return super().tables(key, required=required)


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
