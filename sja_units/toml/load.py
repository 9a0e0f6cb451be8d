"""A TOML text as values, or its first fault in words that help. Pure."""

import re
from typing import Any

from sja_units.errors import ConfigError, FaultLine
from sja_units.text import find_lookalike, to_ascii

_MOST_BITS = 4096  # of an integer
_MOST_PARTS = 32  # of a dotted key: tomllib takes memory by the square of them
_DEEP_KEY = re.compile(rf"(?<![\w-])(?:[\w-]++\s*+\.\s*+){{{_MOST_PARTS}}}")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"|' + r"'[^']*'")
_PLACE = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)


def load_toml(text: str, where: str) -> dict[str, Any]:
    """Return what a TOML text says; raise ConfigError with the place of the first fault."""
    import tomllib  # a listing of jobs seldom reads a whole file, and starts sooner without

    for number, line in enumerate(text.splitlines(), 1):
        if line.count(".") < _MOST_PARTS:
            continue
        if _DEEP_KEY.search(_STRING.sub("x", line).partition("#")[0]):
            raise ConfigError(where, [place_line(f"a key has over {_MOST_PARTS} parts", number)])
    try:
        values = tomllib.loads(text)
        _check_integers(values)
    except RecursionError:
        raise ConfigError(where, ["tables or lists are nested too deeply"]) from None
    except ValueError as error:  # TOMLDecodeError is one; so is an integer of 5,000 digits
        raise ConfigError(where, [_describe(str(error), text)]) from None
    return values


def _check_integers(value: object) -> None:
    """Raise ValueError for an integer that could not even be shown: a hexadecimal one may be so."""
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        raise ValueError(f"an integer has more than {_MOST_BITS} bits")
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in items:
        _check_integers(item)


def _describe(message: str, text: str) -> FaultLine:
    match = _PLACE.fullmatch(message)
    if match is None:
        return place_line(f"not valid TOML: {message}", None)
    said = f"not valid TOML: {match[1][:1].lower()}{match[1][1:]}"
    if not match[2]:
        return place_line(f"{said} (at the end)", None)
    number = int(match[2])
    line = next(iter(text.split("\n")[number - 1 : number]), "")
    # Where an input method or a word processor was at work, that is the fault.
    if other := find_lookalike(_STRING.sub("", line)):
        return place_line(f"{other!r} is not ASCII: write {to_ascii(other)!r}", number)
    return place_line(f"{said} (column {match[3]})", number)


def place_line(message: str, line: int | None) -> FaultLine:
    """Return a fault of a line, as one that has no key."""
    return FaultLine(f"line {line}: {message}" if line else message, "", line, message)
