"""A reader of InfluxDB line protocol, made from its reference and not from our encoder."""

from typing import NamedTuple

Value = bool | int | float | str


class Line(NamedTuple):
    measurement: str
    tags: dict[str, str]
    fields: dict[str, Value]
    time: int


def parse_line(line: str) -> Line:
    """Return what a line says; raise ValueError where a database would refuse it."""
    if line.startswith("#") or "\n" in line:
        raise ValueError("a comment, or more than one line")
    measurement, at = _read_until(line, 0, ", ", escapable=", ")
    tags: dict[str, str] = {}
    while line[at] == ",":
        key, at = _read_until(line, at + 1, "=", escapable=",= ")
        tags[key], at = _read_until(line, at + 1, ", ", escapable=",= ")
        if not key or not tags[key]:
            raise ValueError("an empty tag")
    fields: dict[str, Value] = {}
    while True:
        key, at = _read_until(line, at + 1, "=", escapable=",= ")
        fields[key], at = _read_value(line, at + 1)
        if line[at] == " ":
            break
        if line[at] != ",":
            raise ValueError(f"unexpected {line[at]!r}")
    return Line(measurement, tags, fields, int(line[at + 1 :]))


def _read_until(line: str, at: int, ends: str, *, escapable: str) -> tuple[str, int]:
    """Return the text up to one of `ends` that no backslash escapes, and where that is."""
    text = ""
    while line[at] not in ends:
        if line[at] == "\\" and line[at + 1] in escapable:
            at += 1
        text += line[at]
        at += 1
    return text, at


def _read_value(line: str, at: int) -> tuple[Value, int]:
    if line[at] == '"':
        return _read_string(line, at + 1)
    text, at = _read_until(line, at, ", ", escapable="")
    if text in ("true", "false"):
        return text == "true", at
    if text[-1] in "iu":
        return int(text[:-1]), at
    return float(text), at


def _read_string(line: str, at: int) -> tuple[str, int]:
    text = ""
    while line[at] != '"':
        if line[at] == "\\" and line[at + 1] in '"\\':
            at += 1
        text += line[at]
        at += 1
    return text, at + 1
