"""One point from all sides: each type and byte order, and the addresses near by."""

import time
from typing import Any, NamedTuple

from sja_units.acquisition.config import AcquisitionConfig, Device, find_pacing
from sja_units.acquisition.modbus.connect import open_link
from sja_units.acquisition.points.point import Point
from sja_units.acquisition.points.types import BYTE_ORDERS, RegisterTable
from sja_units.acquisition.probe.client import (
    Found,
    ProbeClient,
    read_point,
    read_singly,
    try_point,
)
from sja_units.acquisition.probe.interpretations import (
    Interpretation,
    gather,
    list_addresses,
    list_interpretations,
    list_places,
)
from sja_units.actions.held import Held
from sja_units.cli.output.probe import name_place, show_value, show_words, tabulate
from sja_units.errors import UsageError
from sja_units.text import suggest

_STUDY_SECONDS = 30.0
_MOST_REGISTERS = 4  # of a text; every other type has no more


class Study(NamedTuple):
    """All that was read for one point."""

    found: Found  # as configured, in one request
    words: dict[tuple[RegisterTable, int], int]
    faults: dict[tuple[RegisterTable, int], str]


def find_point(settings: AcquisitionConfig, words: str) -> tuple[Device, Point]:
    """Return the point called DEVICE.POINT or POINT. Raises UsageError unless it is just one."""
    pairs = [(device, point) for device in settings.devices for point in device.points]
    found = [(d, p) for d, p in pairs if words in (f"{d.name}.{p.name}", p.name)]
    if len(found) == 1:
        return found[0]
    if found:
        names = " or ".join(f"{d.name}.{p.name}" for d, p in found)
        raise UsageError(f"{words!r} is ambiguous: {names}")
    known = [f"{d.name}.{p.name}" for d, p in pairs] + [p.name for _, p in pairs]
    raise UsageError(f"no such point: {words}{suggest(words, known)}")


def study(device: Device, point: Point) -> Study:
    """Read a point, and one by one all registers that it may have been meant to be.

    Raises LinkError where the device does not answer.
    """
    link = open_link(device.endpoint, find_pacing([device]))
    client = ProbeClient(device, link, time.monotonic() + _STUDY_SECONDS)
    try:
        found = try_point(client, point)
        return Study(found, *read_singly(client, list_addresses(_cut(point))))
    finally:
        link.close()


def study_held(device: Device, point: Point, held: Held) -> Study:
    """Return what a running job's last cycle says of a point, and of the registers near by."""
    words = held.words(device)
    near = list_addresses(_cut(point))
    why = "not in the running job's last cycle"
    return Study(
        held.find(device, point),
        {place: words[place] for place in near if place in words},
        {place: why for place in near if place not in words},
    )


def note_away(point: Point, fault: str) -> Study:
    """Return what there is of a device that does not answer."""
    return Study(Found(point, (), None, fault), {}, {})


def _cut(point: Point) -> Point:
    return point._replace(size=min(point.size, _MOST_REGISTERS))


def describe(device: Device, study: Study) -> list[str]:
    """Return the tables for people."""
    found, point = study.found, _cut(study.found.point)
    kind = point.type if point.is_bits else f"{point.type} {point.byte_order}"
    said = found.fault or f"{show_value(found.value, point.unit)} ({show_words(found.words)})"
    lines = [f"{device.name}.{point.name} · {name_place(found.point)} {kind}: {said}"]
    if point.scale != 1 or point.offset != 0:
        lines.append(f"  all numbers below: times {point.scale:g}, plus {point.offset:g}")
    interpretations = [] if point.is_bits else list_interpretations(point, study.words)
    if interpretations:
        lines += [
            "",
            *tabulate([("TYPE", *BYTE_ORDERS), *(_row(i, point) for i in interpretations)]),
        ]
        if point.type != "bit":  # which the line below shows
            lines.append("  * as configured")
    if not point.is_bits and (word := study.words.get((point.table, point.address))) is not None:
        bits = f"{word:016b}"
        lines.append(f"  bits 15 to 0: {' '.join(bits[i : i + 4] for i in range(0, 16, 4))}")
    heads = ("PLACE", "RAW", "VALUE", "WHY")
    return [*lines, "", *tabulate([heads, *_describe_places(study, point)])]


def _row(meaning: Interpretation, point: Point) -> tuple[str, ...]:
    cells = [show_value(value) for value in meaning.values]
    is_own = meaning.type == point.type and meaning.byte in ("", point.byte)
    is_own = is_own and point.byte_order in BYTE_ORDERS
    own = BYTE_ORDERS.index(point.byte_order) if is_own else 0
    if meaning.type == "string" or not meaning.type.endswith(("32", "64")):
        cells[1] = cells[3] = ""  # the order of registers makes no difference
        own &= 2
        if meaning.type == "bool":
            cells[2] = ""
            own = 0
    if is_own:
        cells[own] += " *"
    return (f"{meaning.type} {meaning.byte}".strip(), *cells)


def _describe_places(study: Study, point: Point) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for place in list_places(point):
        there = point._replace(table=place.table, address=place.address)
        value = _find(there, study)
        raw = show_words(value.words) if value.words else "-"
        shown = value.fault or show_value(value.value, point.unit)
        rows.append((name_place(there), raw, shown, place.reason))
    return rows


def _find(point: Point, study: Study) -> Found:
    """Return what a point would be, from single registers."""
    data = gather(point, study.words)
    if data is not None:
        return read_point(point, data, 0)
    places = [(point.table, address) for address in range(point.address, point.end)]
    faults = [study.faults[place] for place in places if place in study.faults]
    return Found(point, (), None, faults[0] if faults else "not read")


def as_json(device: Device, study: Study) -> dict[str, Any]:
    """Return the same for programs."""
    found, point = study.found, _cut(study.found.point)
    places = []
    for place in list_places(point):
        there = point._replace(table=place.table, address=place.address)
        places.append(_place_as_json(_find(there, study)) | {"reason": place.reason})
    interpretations = [] if point.is_bits else list_interpretations(point, study.words)
    return {
        "point": f"{device.name}.{point.name}",
        **_place_as_json(found),
        "type": point.type,
        "byte_order": point.byte_order,
        "types": [
            {"type": i.type, "byte": i.byte, **dict(zip(BYTE_ORDERS, i.values, strict=True))}
            for i in interpretations
        ],
        "places": places,
    }


def _place_as_json(found: Found) -> dict[str, Any]:
    return {
        "table": found.point.table,
        "address": found.point.address,
        "words": list(found.words),
        "value": found.value,
        "message": found.fault,
    }
