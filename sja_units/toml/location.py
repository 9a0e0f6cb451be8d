"""Where in a TOML text a value stands, for people who look for a fault. Pure."""

import re
from collections import Counter

from sja_units.toml.reader import Fault, Place

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*[.=]""")


def describe(fault: Fault, text: str) -> str:
    """Return a fault as one line: its line number where it can be found, its key, the message."""
    line = find_line(text, fault.place)
    where = f"line {line}: " if line else ""
    return f"{where}{name_place(fault.place)} {fault.message}".strip()


def name_place(place: Place) -> str:
    """Return a place as people write it: device[2].point[1].address, counted from one."""
    name = ""
    for part in place:
        name += f"[{part + 1}]" if isinstance(part, int) else f".{part}"
    return name.removeprefix(".")


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
