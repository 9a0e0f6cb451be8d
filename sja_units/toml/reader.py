"""Typed reading of a TOML table that collects every fault instead of stopping at the first."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from sja_units.text import percent_encode, suggest, to_ascii

Place = tuple[str | int, ...]
"""Keys and zero-based indices from the top of the file down to the value."""

_SECONDS = {"ms": 0.001, "s": 1, "sec": 1, "min": 60, "h": 3600, "d": 86400, "w": 604800}
DURATION = r"(?:[0-9]+(?:\.[0-9]+)?\s*(?:ms|sec|s|min|h|d|w)\s*)+"
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)")
_BYTES = {"": 1, "K": 2**10, "KiB": 2**10, "M": 2**20, "MiB": 2**20, "G": 2**30, "GiB": 2**30}
SIZE = r"([0-9]{1,18})\s*([A-Za-z]*)"
_LONGEST_CREDENTIAL = 255  # of its name, which is made from the path
# systemd reads it as a word of a directive, with % and quotes of its own meaning.
_PLAIN_PATH = re.compile(r"/[^\s%:'\"\\]+")


Word = TypeVar("Word", bound=str)


class Fault(NamedTuple):
    """What is wrong, and where in the file."""

    place: Place
    message: str
    of_host: bool = False  # not of the file as such: another host may have what is missing


def parse_duration(text: str) -> float | None:
    """Return the seconds of a time span such as "15min" or "1h 30min", None if it is none.

    Source: systemd.time(7), the units that people use in configuration files.
    """
    if not re.fullmatch(DURATION, text.strip()):
        return None
    return sum(float(n) * _SECONDS[unit] for n, unit in _DURATION_PART.findall(text))


def parse_size(text: str) -> int | None:
    """Return the bytes of a size such as "256MiB", None if it is none."""
    match = re.fullmatch(SIZE, text.strip())
    if match is None or match[2] not in _BYTES:
        return None
    return int(match[1]) * _BYTES[match[2]]


class TableReader:
    """One TOML table. A reader returns the value, or a harmless one after noting a fault.

    A key without a default is required. `finish` notes keys that nobody asked for.
    """

    def __init__(self, values: Mapping[str, Any], place: Place, faults: list[Fault]) -> None:
        self._values = values
        self._known: set[str] = set()
        self._children: list[TableReader] = []
        self.place = place
        self.faults = faults

    def fault(self, key: str | None, message: str) -> None:
        place = self.place if key is None else (*self.place, key)
        self.faults.append(Fault(place, message))

    def has(self, key: str) -> bool:
        return key in self._values

    def names(self) -> list[str]:
        """Return the keys as written, for tables whose keys are the user's own words."""
        return list(self._values)

    def raw(self, key: str) -> object:
        """Return a value as TOML gave it, for the few that may be of several types."""
        self._known.add(key)
        return self._values[key]

    def _take(self, key: str, default: object, types: tuple[type, ...], words: str) -> Any:
        self._known.add(key)
        if key not in self._values:
            if default is None:
                self.fault(key, f"missing, must be {words}")
            return None
        value = self._values[key]
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            # Its type and not the value, which may be a secret that lacks its quotes.
            self.fault(key, f"must be {words}, not {_name_type(value)}")
            return None
        return value

    def text(
        self, key: str, default: str | None = None, *, choices: Sequence[str] | None = None
    ) -> str:
        """Return a string without control characters; one of `choices` where they are given."""
        words = f"one of {', '.join(choices)}" if choices else "a string"
        value = self._take(key, default, (str,), words)
        if value is None:
            return default or ""
        if choices and value not in choices:
            self.fault(key, f"must be {words}, not {_show(value)}{suggest(value, choices)}")
        elif not choices and (bad := [c for c in value if c < " " or c == "\x7f"]):
            self.fault(key, f"must not contain control characters ({bad[0]!r})")
        elif value == "" and default is None:
            self.fault(key, "must not be empty")
        else:
            return str(value)
        return default or (choices[0] if choices else "")

    def choice(self, key: str, choices: Sequence[Word], default: Word | None = None) -> Word:
        """Return one of a set of words."""
        text = self.text(key, default, choices=choices)
        return next((word for word in choices if word == text), choices[0])

    def path(self, key: str, default: str | None = None) -> str:
        """Return the path of a file that systemd is to hand to the job."""
        path = self.text(key, default)
        if path and not _PLAIN_PATH.fullmatch(path):
            self.fault(key, "must be an absolute path without spaces, quotes, colons and %")
        elif len(percent_encode(path)) > _LONGEST_CREDENTIAL:
            self.fault(key, "path is too long")
        return path

    def texts(self, key: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        value = self._take(key, default, (list,), "a list of strings")
        if value is None:
            return default or ()
        if not all(isinstance(item, str) and "\0" not in item for item in value):
            self.fault(key, "must be a list of strings")
            return default or ()
        return tuple(value)

    def flag(self, key: str, default: bool) -> bool:
        value = self._take(key, default, (bool,), "true or false")
        return default if value is None else bool(value)

    def integer(self, key: str, default: int | None = None, *, low: int, high: int) -> int:
        value = self._take(key, default, (int,), f"an integer from {low} to {high}")
        if value is None:
            return low if default is None else default
        if not low <= value <= high:
            self.fault(key, f"must be from {low} to {high}, not {_show(value)}")
            return low if default is None else default
        return int(value)

    def integers(
        self, key: str, default: tuple[int, ...], *, low: int, high: int
    ) -> tuple[int, ...]:
        words = f"a list of integers from {low} to {high}"
        value = self._take(key, default, (list,), words)
        if value is None:
            return default
        if not all(type(item) is int and low <= item <= high for item in value):
            self.fault(key, f"must be {words}")
            return default
        return tuple(value)

    def number(self, key: str, default: float) -> float:
        """Return a finite number."""
        value = self._take(key, default, (int, float), "a number")
        if value is None:
            return default
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            self.fault(key, f"must be a finite number, not {_show(value)}")
            return default
        return number

    def seconds(self, key: str, default: str | None = None, *, low: str, high: str) -> float:
        """Return a time span in seconds; it is written with its unit, as in "15min"."""
        words = f'a duration with its unit, such as "{default or low}"'
        return self._measure(key, default, low, high, parse_duration, words)

    def size(self, key: str, default: str, *, low: str, high: str) -> int:
        """Return a number of bytes; it is written as in "256MiB"."""
        words = f'a size with its unit, such as "{default}"'
        return int(self._measure(key, default, low, high, parse_size, words))

    def _measure(
        self,
        key: str,
        default: str | None,
        low: str,
        high: str,
        parse: Callable[[str], float | None],
        words: str,
    ) -> float:
        fallback = parse(default or low) or 0
        value = self._take(key, default, (str,), words)
        if value is None:
            return fallback
        measure = parse(value)
        if measure is None:
            self.fault(key, f"must be {words}, not {_show(value)}{_suggest_ascii(value, parse)}")
            return fallback
        if not (parse(low) or 0) <= measure <= (parse(high) or 0):
            self.fault(key, f"must be from {low} to {high}, not {_show(value)}")
            return fallback
        return measure

    def table(self, key: str) -> "TableReader":
        """Return the table of that name, an empty one where it is absent."""
        value = self._take(key, {}, (dict,), f"a table, written [{key}]")
        return self._child(value or {}, (*self.place, key))

    def tables(self, key: str, *, required: bool = False) -> list["TableReader"]:
        """Return the tables written [[key]], in order."""
        words = f"one or more tables, each written [[{key}]]"
        value = self._take(key, None if required else (), (list,), words)
        if value is None:
            return []
        if not all(isinstance(item, dict) for item in value):
            self.fault(key, f"must be {words}")
            return []
        return [self._child(item, (*self.place, key, i)) for i, item in enumerate(value)]

    def _child(self, values: Mapping[str, Any], place: Place) -> "TableReader":
        child = type(self)(values, place, self.faults)
        self._children.append(child)
        return child

    def finish(self) -> None:
        """Note every key that was not asked for, here and in the tables below."""
        for key in self._values:
            if key not in self._known:
                self.fault(key, "unknown key" + suggest(key, self._known))
        for child in self._children:
            child.finish()


def _suggest_ascii(value: str, parse: Callable[[str], float | None]) -> str:
    """Return how a value is written without the full-width letters of an input method."""
    plain = to_ascii(value).strip("\"'")
    is_it = plain != value and parse(plain) is not None
    return f"; full-width characters do not count: write {_show(plain)}" if is_it else ""


def _name_type(value: object) -> str:
    names = {int: "an integer", float: "a number", str: "a string", dict: "a table", list: "a list"}
    return str(value).lower() if isinstance(value, bool) else names.get(type(value), "a date")


def _show(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."
