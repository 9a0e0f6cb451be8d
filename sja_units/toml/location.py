"""Where in a TOML text a value stands, for people who look for a fault. Pure."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from sja_units.errors import FaultLine
from sja_units.toml.reader import Fault, Place

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*[.=]""")
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def describe(
    fault: Fault, text: str, values: Mapping[str, Any], options: Mapping[str, str] | None = None
) -> FaultLine:
    """Return a fault as one line: its line number where it can be found, its key, the message.

    values: what the text says, for the names of its tables.
    options: by a key such as device.0.host, the option of the command line that gave its value;
    such a fault has that option as its place.
    """
    key = format_key(fault.place)
    if option := _find_option(key, options or {}):
        return FaultLine(f"{option}: {fault.message}", key, None, fault.message, option)
    line = find_line(text, fault.place)
    where = f"line {line}" if line else ""
    parts = [where, name_place(fault.place, values), fault.message]
    return FaultLine(": ".join(filter(None, parts)), key, line, fault.message)


def _find_option(key: str, options: Mapping[str, str]) -> str:
    """Return the option that gave a key's value, or the table that the key is in."""
    while key:
        if key in options:
            return options[key]
        key = key.rpartition(".")[0]
    return ""


def format_key(place: Place) -> str:
    """Return a place as --set takes it: device.1.point.0.address, counted from zero."""
    return ".".join(map(str, place))


def name_place(place: Place, values: object) -> str:
    """Return a place as people know it: device "press1" point "temperature": address.

    A table without a name of its own is counted from zero, as --set does.
    """
    named: list[str] = []
    keys: list[str] = []
    for part in place:
        name = _find_name(values, part)
        if name:
            named.append(f"{'.'.join(keys)} {json.dumps(name, ensure_ascii=False)}")
            keys = []
        else:
            keys.append(str(part) if isinstance(part, int) else _quote_key(part))
        values = _descend(values, part)
    return ": ".join(filter(None, [" ".join(named), ".".join(keys)]))


def _quote_key(key: str) -> str:
    return key if _BARE.fullmatch(key) else json.dumps(key, ensure_ascii=False)


def _descend(values: object, part: str | int) -> object:
    if isinstance(values, Mapping) and isinstance(part, str):
        return values.get(part)
    if isinstance(values, list) and isinstance(part, int) and part < len(values):
        return values[part]
    return None


def _find_name(values: object, part: str | int) -> str:
    """Return the name of one of several tables, "" where it has none or shares it."""
    if not isinstance(values, list) or not isinstance(part, int):
        return ""
    names = [item.get("name") for item in values if isinstance(item, Mapping)]
    name = _descend(_descend(values, part), "name")
    return name if isinstance(name, str) and names.count(name) == 1 else ""


def find_line(text: str, place: Place) -> int | None:
    """Return the line (from 1) of a key, else that of its table, None where neither is found.

    It knows headers and plain keys, which is how people write these files; what stands inside
    inline tables is reported at the line of the table.
    """
    counts: Counter[Place] = Counter()
    current: Place = ()
    best: tuple[int, int] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            current = _enter(tuple(header[2].split(".")), header[1] == "[[", counts)
            here = current
        elif key := _KEY.match(line):
            here = (*current, key[1] or key[2] or key[3])
        else:
            continue
        if place[: len(here)] == here and (best is None or len(here) > best[0]):
            best = (len(here), number)
    return best[1] if best else None


def _enter(names: tuple[str, ...], is_array: bool, counts: "Counter[Place]") -> Place:
    place: Place = ()
    for i, name in enumerate(names):
        place = (*place, name.strip().strip("\"'"))
        last = i == len(names) - 1
        if last and is_array:
            counts[place] += 1
        if counts[place]:
            place = (*place, counts[place] - 1)
    return place
