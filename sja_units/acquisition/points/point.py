"""One point of a device: where it is, how its registers become a value."""

import codecs
import re
import struct
from collections.abc import Sequence
from typing import NamedTuple

from sja_units.acquisition.points.types import (
    BYTE_ORDERS,
    FLOATS,
    FORMATS,
    LONG_BYTE_ORDERS,
    ODD_INTEGERS,
    SIZES,
    TABLES,
    TYPES,
    RegisterTable,
    find_limits,
    is_unsigned,
)
from sja_units.toml.reader import TableReader

# First digit of a Modbus reference: https://modbus.org/specs.php, "Modbus data model".
_REFERENCE_TABLES: dict[str, RegisterTable] = {
    **{"0": "coil", "1": "discrete", "3": "input", "4": "holding"}
}
_NUMBER_KEYS = ("scale", "offset", "no_value", "precision", "scale_register")
_KEYS_OF = {"bit": ("bit",), "encoding": ("string",), "byte": ("string", "int8", "uint8")}
# Python's own, or not of single texts; a device's UTF-16 has no mark of its order.
_NO_ENCODINGS = (
    "idna",
    "punycode",
    "unicode_escape",
    "raw_unicode_escape",
    "utf-7",
    "utf-16",
    "utf-32",
)
_UNSAFE_NAME = re.compile(r"\\(?:[,= ]|$)")


class Point(NamedTuple):
    """A value of a device, as its file describes it."""

    name: str
    table: RegisterTable
    address: int  # zero-based
    size: int  # registers; bits in the tables coil and discrete
    type: str
    byte_order: str = "ABCD"
    bit: int = 0  # of type bit: 0 is the least significant of the register
    byte: str = "both"  # low or high of int8 and uint8, and of strings with a character a register
    scale: float = 1.0
    offset: float = 0.0
    unit: str = ""
    cn_name: str = ""  # its Chinese name, a tag of the narrow layout
    no_value: float | None = None  # the raw number by which the device says "nothing measured"
    precision: int | None = None  # digits after the decimal point
    encoding: str = "utf-8"  # of a string
    scale_register: int | None = None  # its address: it holds the power of ten to multiply with
    write_as: str = "integer"  # or unsigned, float, json; a bit also bool; nothing: only read along

    @property
    def is_bits(self) -> bool:
        return self.table in ("coil", "discrete")

    @property
    def is_float(self) -> bool:
        """Whether a number is written as a float."""
        scaled = self.scale != 1 or self.offset != 0 or self.scale_register is not None
        return scaled or self.write_as == "float" or self.type in FLOATS

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
        _refuse_keys_of_others(table, "bool")
        return _checked(table, _read_count(table, point), max_registers * 16)
    kind = table.text("type", choices=TYPES)
    size = SIZES.get(kind, 1)
    if kind == "string":
        size = table.integer("registers", low=1, high=125)
    point = Point(
        name,
        where,
        address,
        size,
        kind,
        _read_byte_order(table, kind, size),
        bit=table.integer("bit", low=0, high=15) if kind == "bit" else 0,
        byte=table.text("byte", "low", choices=("low", "high")) if kind.endswith("t8") else "both",
        unit=unit,
        cn_name=cn_name,
    )
    if kind == "string":
        point = _read_string(table, point)
    if kind in ("bool", "bit"):
        point = _read_truth(table, point, ("bool", "integer"))
    elif kind != "string":
        point = _read_count(table, _read_number(table, point))
    _refuse_keys_of_others(table, kind)
    return _checked(table, point, max_registers)


def _refuse_keys_of_others(table: TableReader, kind: str) -> None:
    """Note keys that exist, but not for this type."""
    for key in _NUMBER_KEYS:
        if table.has(key) and kind in ("bool", "bit", "string"):
            table.raw(key)
            table.fault(key, f"is for numbers, but type is {kind!r}")
    for key, owners in _KEYS_OF.items():
        if table.has(key) and not kind.startswith(owners):
            table.raw(key)
            table.fault(key, f"is for {' and '.join(owners)}, but type is {kind!r}")


def _read_byte_order(table: TableReader, kind: str, size: int) -> str:
    orders: tuple[str, ...] = BYTE_ORDERS
    if kind == "string":
        orders = ("ABCD", "BADC")
    elif size == 4:
        orders = (*BYTE_ORDERS, *LONG_BYTE_ORDERS)
    order = table.text("byte_order", "ABCD", choices=orders)
    return LONG_BYTE_ORDERS.get(order, order)


def _read_string(table: TableReader, point: Point) -> Point:
    name = table.text("encoding", "utf-8")
    encoding = find_encoding(name)
    if not encoding:
        table.fault(
            "encoding", f"is {name!r}, but must be one such as utf-8, gbk, shift_jis, latin-1"
        )
    byte = table.text("byte", "both", choices=("both", "low", "high"))
    return point._replace(encoding=encoding or "utf-8", byte=byte)


def find_encoding(name: str) -> str:
    """Return Python's own name of an encoding of text, "" if it knows none of that name."""
    try:
        found = codecs.lookup(name)
        b"a".ljust(4, b"\0").decode(found.name)
    except (LookupError, ValueError, TypeError):
        return ""
    return "" if found.name in _NO_ENCODINGS else found.name


def _read_truth(table: TableReader, point: Point, ways: tuple[str, ...]) -> Point:
    return point._replace(write_as=table.text("write_as", "bool", choices=ways))


def _read_count(table: TableReader, point: Point) -> Point:
    """Return the point with so many registers, or bits, as its list has."""
    if point.write_as != "json":
        return point
    for key in ("scale", "offset", "no_value", "scale_register"):
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
    if point.type not in FLOATS:
        ways = ("integer", "unsigned", "float", *(["json"] if point.type == "uint16" else []))
        write_as = table.text("write_as", "integer", choices=ways)
        if write_as == "unsigned" and not is_unsigned(point.type):
            table.fault("write_as", f"is 'unsigned', but {point.type} can be negative")
    offset = table.number("offset", 0.0)
    if table.has("scale_register"):
        place = table.integer("scale_register", low=0, high=65535)
        point = point._replace(scale_register=place)
    point = point._replace(scale=scale, offset=offset, no_value=no_value, write_as=write_as)
    if table.has("precision"):
        point = point._replace(precision=table.integer("precision", low=0, high=15))
        if not point.is_float:
            table.fault("precision", "is for numbers that are written as floats, and this is none")
    return point


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
    if kind in ODD_INTEGERS:
        least, greatest = find_limits(kind)
        if number != int(number) or not least <= number <= greatest:
            raise ValueError
        return int(number)
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


def _read_place(table: TableReader) -> tuple[RegisterTable, int]:
    """Return the table and the zero-based address."""
    if not table.has("reference"):
        where = table.choice("table", TABLES)
        return where, table.integer("address", low=0, high=65535)
    found = parse_reference(table.raw("reference"))
    place: tuple[RegisterTable, int] = found or ("holding", 0)
    if found is None:
        table.fault(
            "reference",
            "is not a Modbus reference: 1 to 9999, 10001, 30001 or 40001 and up, "
            "or six digits such as 400001 (coils above 9999 in quotes: '010000')",
        )
    if table.has("address"):
        table.integer("address", low=0, high=65535)
        table.fault("address", "stands beside a reference: give one of the two")
    if table.has("table") and table.text("table", choices=TABLES) != place[0]:
        table.fault("table", f"is not the one of the reference, which is {place[0]!r}")
    return place


def parse_reference(reference: object) -> tuple[RegisterTable, int] | None:
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


def looks_like_reference(table: str, address: int) -> bool:
    """Tell whether an address is more likely to be the reference of a manual."""
    place = parse_reference(address)
    return place is not None and address > 9999 and place[0] == table and place[1] < 9999


def list_scale_points(points: Sequence[Point]) -> list[Point]:
    """Return points for the registers that hold scales, each once; they are only read along."""
    places = {(p.table, p.scale_register) for p in points if p.scale_register is not None}
    return [
        Point(f"scale register {address}", table, address, 1, "int16", write_as="nothing")
        for table, address in sorted(places)
    ]
