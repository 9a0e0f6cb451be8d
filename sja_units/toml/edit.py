"""A job's file made from a person's words on the command line. Pure."""

import tomllib
from collections.abc import Iterable
from datetime import date, time
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Table

from sja_units.errors import UsageError

MASK = "***"


def compose(text: str, settings: list[tuple[str, str]]) -> str:
    """Return a TOML text with settings put into it, its comments and layout kept.

    settings: (dotted key, value as TOML, or plain words which then stand for a text). A number
    in a key picks one of several tables: device.0.host. Raises UsageError.
    """
    try:
        document = tomlkit.parse(text)
    except TOMLKitError as error:  # of valid TOML, too, now and then
        raise UsageError(f"nothing can be set in this file: {error}") from None
    for key, value in settings:
        _put(document, key, read_value(value))
    return tomlkit.dumps(document)


def read_value(text: str) -> Any:
    """Return the TOML value that the text spells, else the text itself.

    A time of the day is a text as well: no key takes TOML's own.
    """
    try:
        value = tomllib.loads(f"value = {text}")["value"]
        return text if isinstance(value, date | time) else tomlkit.value(text)
    except (TOMLKitError, ValueError):
        return text


def _put(document: Any, dotted: str, value: Any) -> None:
    *path, last = dotted.split(".")
    if not all([*path, last]):
        raise UsageError(f"{dotted!r} is not a key such as alive.status")
    place = document
    try:
        for part in path:
            place = _enter(place, part, dotted)
        if isinstance(place, AoT) or not hasattr(place, "__setitem__"):
            raise UsageError(f"{dotted!r} is not a single value: name the key of a table")
        place[last] = value
    except (TOMLKitError, ValueError, TypeError):  # into a table on one line no other one goes
        raise UsageError(f"{dotted!r} cannot be set on the command line: use a file") from None


def _count_tables(number: int) -> str:
    return f"they go from 0 to {number - 1}" if number > 1 else "the only one is 0"


def _enter(place: Any, part: str, dotted: str) -> Any:
    if isinstance(place, AoT | list):
        if part not in map(str, range(len(place))):
            raise UsageError(f"{dotted!r}: no table {part!r}, {_count_tables(len(place))}")
        return place[int(part)]
    if part not in place:
        place[part] = tomlkit.table()
    inner = place[part]
    if not isinstance(inner, Table | AoT | list | dict):
        raise UsageError(f"{dotted!r}: {part} is a value, not a table")
    return inner


def mask(text: str, keys: Iterable[str]) -> str:
    """Return a TOML text with "***" for the values of some dotted keys, all else as it was.

    A table stands for all that is in it. The text has to be valid TOML.
    """
    document: Any = tomlkit.parse(text)
    for key in keys:
        *path, last = key.split(".")
        place = document
        for part in path:
            place = place.get(part, {}) if isinstance(place, dict) else {}
        if isinstance(place, dict) and last in place:
            _mask(place, last)
    return tomlkit.dumps(document)


def _mask(place: Any, key: str) -> None:
    if not isinstance(place[key], dict):
        place[key] = MASK
        return
    for inner in place[key]:
        _mask(place[key], inner)
