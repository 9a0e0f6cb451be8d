"""A line taken apart into its fields, and put together again with some of them. Pure."""

import re
from typing import NamedTuple

# Possessive: what is no line must not cost more than one look at it.
_SERIES = re.compile(rb"((?:\\.|[^ \\])++) ", re.DOTALL)
_FIELD = re.compile(rb'((?:\\.|[^=\\])++)=("(?:\\.|[^"\\])*+"|[^," ]++)', re.DOTALL)
_TIME = re.compile(rb" (-?[0-9]{1,20})")
_MEASUREMENT = re.compile(rb"(?:\\.|[^,\\])++", re.DOTALL)
_ESCAPED = re.compile(r"\\([,= ])")
_TYPES = {"i": "integer", "u": "unsigned", '"': "string", "e": "boolean"}  # by the last letter


class FieldKey(NamedTuple):
    """A field of a measurement that has values of a type; "" for any type."""

    measurement: str
    field: str
    type: str  # float, integer, unsigned, string, boolean


class Fields(NamedTuple):
    """A line taken apart."""

    series: bytes  # measurement and tags as they stand there
    measurement: str
    fields: tuple[bytes, ...]  # KEY=VALUE
    keys: tuple[FieldKey, ...]
    values: tuple[bytes, ...]
    time: bytes

    def only(self, indexes: list[int]) -> bytes:
        """Return a line of some of the fields."""
        return b"%b %b %b" % (self.series, b",".join(self.fields[i] for i in indexes), self.time)


def split_line(line: bytes) -> Fields | None:
    """Return the parts of a line, None if it is not one."""
    series = _SERIES.match(line)
    if series is None:
        return None
    start = _MEASUREMENT.match(series[1])
    measurement = unescape(start[0]) if start else ""
    fields: list[bytes] = []
    keys: list[FieldKey] = []
    values: list[bytes] = []
    at = series.end()
    while field := _FIELD.match(line, at):
        fields.append(field[0])
        keys.append(FieldKey(measurement, unescape(field[1]), type_of(field[2])))
        values.append(field[2])
        at = field.end()
        if line[at : at + 1] != b",":
            break
        at += 1
    time = _TIME.fullmatch(line, at)
    if time is None or not fields:
        return None
    return Fields(series[1], measurement, tuple(fields), tuple(keys), tuple(values), time[1])


def unescape(name: bytes) -> str:
    """Return a measurement's, tag's or field's name as people know it."""
    return _ESCAPED.sub(r"\1", name.decode("utf-8", "replace"))


def type_of(value: bytes) -> str:
    """Return what a database takes a value for."""
    return _TYPES.get(chr(value[-1]), "float")
