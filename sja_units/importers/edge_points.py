"""One point of the older edge system, as lines of a job's file. Pure."""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sja_units.acquisition.points.point import is_unsafe_name
from sja_units.acquisition.points.types import FLOATS, INTEGERS
from sja_units.importers.takeover import clean, quote

Row = Mapping[str, Any]

_CODES = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
# A manual's numbers: the table, and where it begins.
_DISPLAYED = (("holding", 40001), ("input", 30001), ("discrete", 10001), ("coil", 1))
_HIGHEST_SHORT = 49999
_WORDS = {"short": "int16", "int": "int16", "word": "uint16", "dint": "int32", "dword": "uint32"}
_WORDS |= {"float": "float32", "real": "float32", "double": "float64"}
_SIZES = {**INTEGERS, **FLOATS}


class Left(Exception):
    """Something of theirs cannot be taken over; the message says why."""


class Found(NamedTuple):
    """One point of theirs as lines of a job's file, and what is to be looked at."""

    name: str
    lines: list[str]
    notes: list[str]


def read_point(point: Row, template: Row, *, decoded: bool) -> Found:
    """Return a point's lines in a job's file; raise Left where they cannot be known.

    template: what it shares with others, empty where it has none; decoded: as a value of its type,
    scaled, under a new name, instead of as the older system wrote it.
    """
    code = clean(point.get("code"))
    if not code or code == "time" or is_unsafe_name(code):
        raise Left("its code cannot be the name of a field")
    extra = read_json(point["extra"])
    if is_broken(point["extra"]):
        raise Left("its extra cannot be read")
    notes: list[str] = []
    table, address = _find_place(point["address"], extra.get("type"), notes)
    number = read_whole(extra.get("num") or 1)
    if not 1 <= number <= (125 if table in ("holding", "input") else 2000):
        raise Left(f"has {clean(str(extra.get('num')))!r} registers, which no request reads")
    value = _write_as_before(table, number)
    if decoded and table in ("holding", "input"):
        words = (extra.get("type"), template.get("data_type"))
        better = [f'type = "{_find_type(words, number, notes)}"']
        better += _read_scale(template.get("coefficient"), notes)
        if better != value:
            value, code = better, f"{code}_value"
    lines = [f"name = {quote(code)}", f'table = "{table}"', f"address = {address}", *value]
    for key, column in (("unit", "unit"), ("cn_name", "name")):
        text = clean(template.get(column))
        if text and not is_unsafe_name(text):
            lines.append(f"{key} = {quote(text)}")
    return Found(code, lines, notes)


def _write_as_before(table: str, number: int) -> list[str]:
    """Return how the older system wrote so many registers or bits: raw, several as a JSON text."""
    kind = ['type = "uint16"'] if table in ("holding", "input") else []
    if number > 1:
        return [*kind, f"registers = {number}", 'write_as = "json"']
    return kind or ['write_as = "integer"']


def _find_place(text: object, kind: object, notes: list[str]) -> tuple[str, int]:
    """Return table and zero-based address, as the older reader found them.

    Only a function code chose another table than holding registers; the address was what remained
    of its number without the beginning of its range, and 100001 stood for no range of its own.
    """
    try:
        number = int(str(text).strip())
    except ValueError:
        raise Left(f"its address {clean(str(text))!r} is not a number") from None
    shown, begin = next((r for r in _DISPLAYED if number >= r[1]), ("holding", 0))
    table = _CODES.get(read_whole(kind), "holding")
    if number and table != shown:
        notes.append(f"its address stands for {shown}, but {table} is read, as before")
    elif number > _HIGHEST_SHORT:
        notes.append(f"address {number} reads register {number - begin}, as before")
    if not 0 <= number - begin <= 65535:
        raise Left(f"its address {number} is out of range, and was never read")
    return table, number - begin


def _find_type(words: Iterable[object], number: int, notes: list[str]) -> str:
    """Return the type of so many registers, as the first word that fits says it."""
    if number not in _SIZES.values():
        raise Left("has more registers than a number can have")
    for word in words:
        name = clean(word).lower()
        kind = _WORDS.get(name, name)
        if _SIZES.get(kind) == number and not kind.endswith("t8"):
            if number != 1:
                notes.append(f"{kind}: try its byte order, sjactl probe JOB --point POINT")
            return kind
    if number == 1:
        return "uint16"  # what the older reader's library gives
    raise Left(f"has {number} registers, and nothing says what number they make")


def _read_scale(coefficient: object, notes: list[str]) -> list[str]:
    if coefficient in (None, ""):
        return []
    try:
        scale = float(str(coefficient))
    except ValueError:
        scale = 0.0
    if scale == 0 or not math.isfinite(scale):
        notes.append(f"its coefficient {clean(str(coefficient))!r} is taken as 1")
        return []
    return [] if scale == 1 else [f"scale = {scale!r}"]


def is_broken(text: object) -> bool:
    """Tell whether something stands where an object of JSON should, and is none."""
    return text not in (None, "", "null", "{}") and not read_json(text)


def read_json(text: object) -> dict[str, Any]:
    """Return an object of JSON, an empty one where there is none."""
    try:
        value = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def read_whole(value: object) -> int:
    """Return a whole number, -1 if it is none."""
    text = value.strip() if isinstance(value, str) else value
    if isinstance(text, float) and text.is_integer():  # as a spreadsheet gives numbers
        return int(text)
    if isinstance(text, str):
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1
    return text if isinstance(text, int) and not isinstance(text, bool) else -1


def read_seconds(value: object) -> float:
    """Return a time that a device may have to answer, 0 if it is none."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return 0.0
    return float(value) if 0.01 <= value <= 30 else 0.0
