"""One point of a device: where it is, how its registers become a value."""

import re
import struct
from typing import NamedTuple

from sja_units.toml.reader import TableReader

TABLES = ("holding", "input", "coil", "discrete")
BYTE_ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")
INTEGERS = {
    **{"int8": 1, "uint8": 1, "int16": 1, "uint16": 1},
    **{"int32": 2, "uint32": 2, "int64": 4, "uint64": 4},
}
FLOATS = {"float16": 1, "float32": 2, "float64": 4}
FORMATS = {
    **{"int8": "b", "uint8": "B", "int16": "h", "uint16": "H", "int32": "i", "uint32": "I"},
    **{"int64": "q", "uint64": "Q", "float16": "e", "float32": "f", "float64": "d"},
}
"""How the module struct calls them."""
TYPES = ("bool", "bit", *INTEGERS, *FLOATS, "string")

# First digit of a Modbus reference: https://modbus.org/specs.php, "Modbus data model".
_REFERENCE_TABLES = {"0": "coil", "1": "discrete", "3": "input", "4": "holding"}
_UNSAFE_NAME = re.compile(r"\\(?:[,= ]|$)")


class Point(NamedTuple):
    """A value of a device, as its file describes it."""

    name: str
    table: str
    address: int  # zero-based
    size: int  # registers; bits in the tables coil and discrete
    type: str
    byte_order: str = "ABCD"
    bit: int = 0  # of type bit: 0 is the least significant of the register
    byte: str = "low"  # of int8 and uint8
    scale: float = 1.0
    offset: float = 0.0
    unit: str = ""
    cn_name: str = ""  # its Chinese name, a tag of the narrow layout
    no_value: float | None = None  # the raw number by which the device says "nothing measured"
    write_as: str = "integer"  # or unsigned, float, json; a bit is also written as bool

    @property
    def is_bits(self) -> bool:
        return self.table in ("coil", "discrete")

    @property
    def end(self) -> int:
        """The address after its last register or bit."""
        return self.address + self.size


def read_point(table: TableReader, max_registers: int) -> Point:
    """Return the point that a table describes; faults go into the table."""
    name = read_name(table, "name")
    if name == "time":
        table.fault("name", "is 'time', which a database keeps for the time of the value")
    where, address = _read_place(table)
    unit, cn_name = read_name(table, "unit", ""), read_name(table, "cn_name", "")
    if where in ("coil", "discrete"):
        table.text("type", "bool", choices=("bool",))
        point = Point(name, where, address, 1, "bool", unit=unit, cn_name=cn_name)
        point = _read_truth(table, point, ("bool", "integer", "json"))
        return _checked(table, _read_count(table, point), max_registers * 16)
    kind = table.text("type", choices=TYPES)
    size = INTEGERS.get(kind) or FLOATS.get(kind) or 1
    if kind == "string":
        size = table.integer("registers", low=1, high=125)
    orders = BYTE_ORDERS if kind != "string" else ("ABCD", "BADC")
    point = Point(
        name,
        where,
        address,
        size,
        kind,
        table.text("byte_order", "ABCD", choices=orders),
        bit=table.integer("bit", low=0, high=15) if kind == "bit" else 0,
        byte=table.text("byte", "low", choices=("low", "high")) if kind.endswith("t8") else "low",
        unit=unit,
        cn_name=cn_name,
    )
    if kind in ("bool", "bit"):
        point = _read_truth(table, point, ("bool", "integer"))
    elif kind != "string":
        point = _read_count(table, _read_number(table, point))
    return _checked(table, point, max_registers)


def _read_truth(table: TableReader, point: Point, ways: tuple[str, ...]) -> Point:
    return point._replace(write_as=table.text("write_as", "bool", choices=ways))


def _read_count(table: TableReader, point: Point) -> Point:
    """Return the point with so many registers, or bits, as its list has."""
    if point.write_as != "json":
        return point
    for key in ("scale", "offset", "no_value"):
        if table.has(key):
            table.fault(key, 'is not for write_as = "json", which writes registers as they are')
    return point._replace(
        size=table.integer("registers", low=1, high=125 if not point.is_bits else 2000)
    )


def _read_number(table: TableReader, point: Point) -> Point:
    scale = table.number("scale", 1.0)
    if scale == 0:
        table.fault("scale", "is 0, which would make every value the same")
    no_value = _read_no_value(table, point.type) if table.has("no_value") else None
    write_as = "float"
    if point.type in INTEGERS:
        ways = ("integer", "unsigned", "float", *(["json"] if point.type == "uint16" else []))
        write_as = table.text("write_as", "integer", choices=ways)
        if write_as == "unsigned" and not point.type.startswith("u"):
            table.fault("write_as", f"is 'unsigned', but {point.type} can be negative")
    offset = table.number("offset", 0.0)
    return point._replace(scale=scale, offset=offset, no_value=no_value, write_as=write_as)


def _read_no_value(table: TableReader, kind: str) -> float:
    number = table.number("no_value", 0.0)
    raw = table.raw("no_value")
    # A whole number stays one: a float cannot hold every value of 64 bits.
    number = raw if isinstance(raw, int) and number else number
    try:
        return _as_held(kind, number)
    except (struct.error, OverflowError, ValueError):
        table.fault("no_value", f"is {number}, which no {kind} can be")
        return 0.0


def _as_held(kind: str, number: float) -> float:
    """Return a number as a device sends it: rounded, or of an integer its pattern of bits.

    Raises one of several errors for what the type cannot hold.
    """
    packed = struct.Struct(f">{FORMATS[kind]}")
    if kind in FLOATS:
        held: float = packed.unpack(packed.pack(number))[0]
        if number and not held:
            raise ValueError
        return held
    if number != int(number):
        raise ValueError
    is_pattern = number >= 1 << packed.size * 8 - 1
    sent = struct.Struct(f">{FORMATS[kind].upper()}") if is_pattern else packed
    whole: int = packed.unpack(sent.pack(int(number)))[0]
    return whole


def _checked(table: TableReader, point: Point, limit: int) -> Point:
    if point.end > 65536:
        table.fault(None, f"reaches beyond the last address, 65535: it needs {point.size} of them")
    if point.size > limit:
        table.fault(None, f"needs {point.size} registers, but max_registers is {limit}")
    return point


def is_unsafe_name(name: str) -> bool:
    """Tell whether line protocol has no way to write this name: a backslash in the wrong place."""
    return bool(_UNSAFE_NAME.search(name))


def read_name(table: TableReader, key: str, default: str | None = None) -> str:
    """Return a text that line protocol can carry as a name."""
    name = table.text(key, default)
    if is_unsafe_name(name):
        table.fault(key, "has a backslash at its end or before a space, a comma or an equals sign")
    return name


def _read_place(table: TableReader) -> tuple[str, int]:
    """Return the table and the zero-based address."""
    if not table.has("reference"):
        where = table.text("table", choices=TABLES)
        return where, table.integer("address", low=0, high=65535)
    place = parse_reference(table.raw("reference"))
    if place is None:
        table.fault(
            "reference",
            "is not a Modbus reference: 1 to 9999, 10001, 30001 or 40001 and up, "
            "or six digits such as 400001 (coils above 9999 in quotes: '010000')",
        )
        place = ("holding", 0)
    if table.has("address"):
        table.integer("address", low=0, high=65535)
        table.fault("address", "stands beside a reference: give one of the two")
    if table.has("table") and table.text("table", choices=TABLES) != place[0]:
        table.fault("table", f"is not the one of the reference, which is {place[0]!r}")
    return place


def parse_reference(reference: object) -> tuple[str, int] | None:
    """Return table and zero-based address of a reference such as 40001, 400001 or "000001".

    None if it is none. A number below 10000 is a coil; five digits and six digits each have one
    meaning only.
    """
    if isinstance(reference, int) and not isinstance(reference, bool) and reference > 0:
        digits = f"{reference:05}"
    elif isinstance(reference, str):
        digits = reference
    else:
        return None
    if not re.fullmatch(r"[0-9]{5,6}", digits) or digits[0] not in _REFERENCE_TABLES:
        return None
    number = int(digits[1:])
    return (_REFERENCE_TABLES[digits[0]], number - 1) if 1 <= number <= 65536 else None
