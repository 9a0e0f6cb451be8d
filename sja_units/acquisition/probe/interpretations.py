"""What registers may mean: each type in each byte order, and the neighbouring addresses. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

from sja_units.acquisition.points.decode import Value, make_decoder
from sja_units.acquisition.points.point import Point
from sja_units.acquisition.points.types import (
    BYTE_ORDERS,
    FLOATS,
    INTEGERS,
    ODD_INTEGERS,
    SIZES,
    RegisterTable,
)

Words = Mapping[tuple[RegisterTable, int], int]
"""What was read, by table and address."""

_PARTS = (("uint8", "high"), ("uint8", "low"), ("int8", "high"), ("int8", "low"))
_MOST_REGISTERS = 4
_OTHER_TABLES: dict[RegisterTable, RegisterTable] = {
    **{"holding": "input", "input": "holding"},
    **{"coil": "discrete", "discrete": "coil"},
}
_REFERENCES: tuple[tuple[int, RegisterTable], ...] = (
    (40001, "holding"),
    (30001, "input"),
    (10001, "discrete"),
)


class Interpretation(NamedTuple):
    """A type, and the value by each of BYTE_ORDERS; None where that is no value."""

    type: str
    byte: str  # of int8 and uint8: which byte of the register; else ""
    values: tuple[Value | None, ...]


class Place(NamedTuple):
    """Where a point might really be, and in which case."""

    table: RegisterTable
    address: int
    reason: str


def list_interpretations(point: Point, words: Words) -> list[Interpretation]:
    """Return what the registers from the point's address on are in each type, scaled like it.

    Types whose registers were not all read are left out; of a text both ends are cut.
    """
    kinds = [(kind, "") for kind in (*INTEGERS, *FLOATS) if not kind.endswith("t8")]
    own = [(point.type, "")] if point.type in ODD_INTEGERS else []
    kinds = [("bool", ""), *_PARTS, *kinds, *own, ("string", "")]
    found = []
    for kind, byte in kinds:
        size = point.size if kind == "string" and point.type == "string" else _size(kind)
        tried = point._replace(type=kind, size=size, byte=byte or "both", write_as=_write_as(kind))
        data = gather(tried, words)
        if data is not None:
            values = (make_decoder(tried._replace(byte_order=o))(data, 0) for o in BYTE_ORDERS)
            found.append(Interpretation(kind, byte, tuple(values)))
    return found


def _size(kind: str) -> int:
    return SIZES.get(kind) or (_MOST_REGISTERS if kind == "string" else 1)


def _write_as(kind: str) -> str:
    if kind in FLOATS:
        return "float"
    if kind == "bool":
        return kind
    return "unsigned" if kind.startswith("u") else "integer"


def gather(point: Point, words: Words) -> bytes | None:
    """Return the data of a point's registers or bit, None where one of them was not read."""
    own = [words.get((point.table, a)) for a in range(point.address, point.end)]
    if any(word is None for word in own):
        return None
    if point.is_bits:
        return bytes([own[0] or 0])
    return b"".join((word or 0).to_bytes(2, "big") for word in own)


def list_places(point: Point) -> list[Place]:
    """Return where a manual's address may really lead, the configured place first."""
    table, address = point.table, point.address
    places = [
        Place(table, address, "as configured"),
        Place(table, address - 1, "if the manual counts from one"),
        Place(table, address + 1, "if the address was lowered by one too often"),
    ]
    for first, where in _REFERENCES:
        if first <= address < first + 9999 and point.is_bits == (where == "discrete"):
            reason = f"if {address} is the manual's reference"
            places.append(Place(where, address - first, reason))
    places.append(Place(_OTHER_TABLES[table], address, "the other table"))
    return [p for p in places if p.address >= 0 and p.address + point.size <= 65536]


def list_addresses(point: Point) -> list[tuple[RegisterTable, int]]:
    """Return the registers or bits that the tables need, each once, in an order to read them."""
    needed: dict[tuple[RegisterTable, int], None] = {}
    most = 1 if point.is_bits else max(point.size, _MOST_REGISTERS)
    for address in range(point.address, min(65536, point.address + most)):
        needed[point.table, address] = None
    for place in list_places(point):
        for address in range(place.address, place.address + point.size):
            needed[place.table, address] = None
    return list(needed)
