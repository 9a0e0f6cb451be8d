"""Which lines and fields a database refuses, as far as its answer names them. Pure.

InfluxDB 1.x and 2.x name the field of one conflict, or quote lines that they cannot parse; 3.x
lists lines by their numbers, each with a reason that may name the column. Sources:
https://github.com/influxdata/influxdb/blob/1.8/tsdb/shard.go (PartialWriteError) and
https://docs.influxdata.com/influxdb3/core/write-data/http-api/v3-write-lp/ .
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from sja_units.acquisition.influxdb.api import BadRequest, read_json, shorten
from sja_units.acquisition.influxdb.fields import FieldKey, Fields, split_line

_CONFLICT = re.compile(
    r'input field "(?P<field>.*?)" on measurement "(?P<measurement>.*?)"'
    r"(?: is type (?P<type>[a-z]+)\d*, already exists as type [a-z]+\d*| is invalid)"
)
_TYPES = re.compile(r"is type ([a-z]+)\d*, already exists as type ([a-z]+)")
_COLUMN = re.compile(
    r"invalid column type for column '(?P<column>.*)', expected \S*?(?P<known>\w+), "
    r"got iox::column_type::field::(?P<type>\w+)"
)
_DROPPED = re.compile(r" dropped=\d+$")
_UNPARSABLE = re.compile(r"unable to parse '(.*?)': ([^\n]*)", re.DOTALL)


class Refused(NamedTuple):
    """What cannot be written, with the reason."""

    line: bytes
    reason: str


class Named(NamedTuple):
    """What an answer names."""

    fields: dict[FieldKey, str]  # with the reason
    lines: dict[int, str]  # by their place, with the reason


def find_named(answer: BadRequest, lines: Sequence[bytes]) -> Named:
    """Return the fields and lines that an answer names; only what was sent counts."""
    fields = dict(_find_conflicts(answer))
    at = {}
    for number, message in _list_line_faults(answer.body):
        if 0 < number <= len(lines):
            conflict = _find_column(lines[number - 1], message)
            if conflict:
                fields[conflict] = shorten(message)
            else:
                at[number - 1] = shorten(message)
    quoted = dict(_find_quoted(answer))
    if quoted:
        at |= {i: quoted[line] for i, line in enumerate(lines) if line in quoted}
    return Named(fields, at)


def read_reason(answer: BadRequest, line: bytes) -> str:
    """Return why a line that was sent alone is refused."""
    return find_named(answer, [line]).lines.get(0, _clean(answer.message))


def _read_text(answer: BadRequest) -> str:
    said = read_json(answer.body)
    text = (said.get("error") or said.get("message")) if isinstance(said, dict) else None
    return text if isinstance(text, str) else answer.body.decode("utf-8", "replace")


def _find_conflicts(answer: BadRequest) -> Iterator[tuple[FieldKey, str]]:
    for match in _CONFLICT.finditer(_read_text(answer)):
        key = FieldKey(match["measurement"], match["field"], match["type"] or "")
        yield key, _clean(answer.message)


def _find_quoted(answer: BadRequest) -> Iterator[tuple[bytes, str]]:
    for match in _UNPARSABLE.finditer(_read_text(answer)):
        yield match[1].encode(), _clean(f"400: unable to parse: {match[2]}")


def _clean(reason: str) -> str:
    """Return a reason without the number of lines that one request has lost."""
    return shorten(_DROPPED.sub("", reason))


def _list_line_faults(body: bytes) -> Iterator[tuple[int, str]]:
    """Yield number, from 1, and reason of each line that 3.x has refused."""
    said = read_json(body)
    data = said.get("data") if isinstance(said, dict) else None
    for fault in data if isinstance(data, list) else [data]:
        if isinstance(fault, dict):
            number, message = fault.get("line_number"), fault.get("error_message")
            if isinstance(number, int) and isinstance(message, str):
                yield number, message


def _find_column(line: bytes, message: str) -> FieldKey | None:
    match = _COLUMN.search(message)
    parts = split_line(line)
    if match is None or parts is None:
        return None
    kind = {"uinteger": "unsigned"}.get(match["type"], match["type"])
    return FieldKey(parts.measurement, match["column"], kind)


class Types(NamedTuple):
    """Why a field is refused."""

    sent: str
    known: str  # to the database


def parse_types(reason: str) -> Types | None:
    """Return the types that a reason names, None if it names none."""
    if match := _TYPES.search(reason):
        return Types(match[1], match[2])
    if match := _COLUMN.search(reason):
        return Types(match["type"], match["known"])
    return None


class Stripped(NamedTuple):
    """Lines without what is refused."""

    rest: list[bytes]
    refused: list[Refused]


def strip_fields(lines: Sequence[bytes], reasons: Mapping[FieldKey, str]) -> Stripped:
    """Take fields out of lines; a line that has no other goes as a whole."""
    rest: list[bytes] = []
    refused: list[Refused] = []
    for line in lines:
        parts = split_line(line) if reasons else None
        bad = _find_bad(parts, reasons) if parts else {}
        if not parts or not bad:
            rest.append(line)
            continue
        for reason in dict.fromkeys(bad.values()):
            taken = [i for i, why in bad.items() if why == reason]
            refused.append(Refused(parts.only(taken), reason))
        if good := [i for i in range(len(parts.fields)) if i not in bad]:
            rest.append(parts.only(good))
    return Stripped(rest, refused)


def _find_bad(parts: Fields, reasons: Mapping[FieldKey, str]) -> dict[int, str]:
    found = {}
    for i, key in enumerate(parts.keys):
        reason = reasons.get(key) or reasons.get(key._replace(type=""))
        if reason:
            found[i] = reason
    return found
