"""From the bytes of an answer to values. Pure.

Registers arrive as the Modbus application protocol sends them, high byte first; bits arrive eight
to a byte, the first in the least significant place.
"""

import struct
from collections.abc import Callable
from math import isfinite, isnan, nan
from typing import Literal

from sja_units.acquisition.points.point import Point
from sja_units.acquisition.points.types import BYTE_ORDERS, FLOATS, FORMATS, is_unsigned

Value = bool | int | float | str
Decoder = Callable[[bytes, int], Value | None]
"""Takes the data of a block and the point's distance from its start, in registers or bits."""

REPLACEMENT = "\ufffd"
"""Stands in a text for what is no character."""
_CONTROL = dict.fromkeys((*range(32), 127), REPLACEMENT)
_MAX_M10K = 9999
_MAX_INTEGER = {"integer": 2**63 - 1, "unsigned": 2**64 - 1}


def make_decoder(point: Point) -> Decoder:
    """Return the function that finds this point's value; it gives None for "no value"."""
    if point.write_as == "json":
        return _make_list_decoder(point)
    if point.is_bits:
        truth = _find_truth(point)
        return lambda data, distance: truth(data[distance >> 3] >> (distance & 7) & 1)
    if point.type in ("bool", "bit"):
        return _make_truth_decoder(point)
    if point.type == "string":
        return _make_text_decoder(point)
    finish = make_finish(point)
    read = make_number_reader(point)
    return lambda data, distance: finish(read(data, distance))


def explain(point: Point, data: bytes, distance: int) -> str:
    """Return why the decoder of a number gives no value."""
    raw = make_number_reader(point)(data, distance)
    if raw == point.no_value:
        return f"the device says that it has none: {raw:g}"
    if isnan(raw) and point.type not in FLOATS:
        return f"the device sent {data[distance * 2 : (distance + point.size) * 2].hex(' ', 2)}"
    if not isfinite(raw):
        return (
            "the device sent NaN, which is no number" if isnan(raw) else "the device sent infinity"
        )
    if point.write_as in _MAX_INTEGER and raw > _MAX_INTEGER[point.write_as]:
        return f"{raw} is beyond what an {point.write_as} field holds"
    return f"{raw:g} is too large once it is scaled"


def _find_truth(point: Point) -> Callable[[int], bool | int]:
    """Return what makes the value of 0 or 1."""
    return int if point.write_as == "integer" else bool


def swap(data: bytes) -> bytes:
    """Return the data with the two bytes of every register swapped."""
    swapped = bytearray(len(data))
    swapped[0::2] = data[1::2]
    swapped[1::2] = data[0::2]
    return bytes(swapped)


def make_number_reader(point: Point) -> Callable[[bytes, int], float]:
    """Return the function that finds the number as the device sent it."""
    if point.type.endswith("t8"):
        return _make_byte_reader(point)
    if point.type not in FORMATS or point.byte_order not in BYTE_ORDERS:
        return _make_odd_reader(point)
    # CDAB is DCBA, and BADC is ABCD, with the bytes of each register swapped.
    swapped = point.byte_order in ("CDAB", "BADC")
    little = point.byte_order in ("CDAB", "DCBA")
    packed = struct.Struct(("<" if little else ">") + FORMATS[point.type])
    width = packed.size

    def read(data: bytes, distance: int) -> float:
        start = distance * 2
        if swapped:
            value: float = packed.unpack(swap(data[start : start + width]))[0]
        else:
            value = packed.unpack_from(data, start)[0]
        return value

    return read


def arrange(data: bytes, order: str) -> bytes:
    """Return the bytes of one number with the most significant first; the same turns it back."""
    if order in ("BADC", "DCBA"):
        data = swap(data)
    words = [data[i : i + 2] for i in range(0, len(data), 2)]
    if order in ("CDAB", "DCBA"):
        words.reverse()
    elif order == "CDABGHEF":
        words = [words[1], words[0], words[3], words[2]]
    elif order == "EFGHABCD":
        words = words[2:] + words[:2]
    return b"".join(words)


def _make_odd_reader(point: Point) -> Callable[[bytes, int], float]:
    parse = _find_parser(point.type)

    def read(data: bytes, distance: int) -> float:
        sent = data[distance * 2 : (distance + point.size) * 2]
        return parse(arrange(sent, point.byte_order))

    return read


def _find_parser(kind: str) -> Callable[[bytes], float]:
    """Return what makes a number of bytes with the most significant first; NaN if they are none."""
    if kind.startswith("bcd"):
        return _parse_bcd
    if kind.startswith("m10k"):
        return _parse_m10k
    if kind in FORMATS:
        unpack = struct.Struct(">" + FORMATS[kind]).unpack
        return lambda data: float(unpack(data)[0]) if kind in FLOATS else int(unpack(data)[0])
    return lambda data: int.from_bytes(data, "big", signed=not is_unsigned(kind))


def _parse_bcd(data: bytes) -> float:
    digits = data.hex()
    return int(digits) if digits.isdecimal() else nan


def _parse_m10k(data: bytes) -> float:
    """Each register is a signed number of four decimal digits, the most significant one first."""
    total = 0
    for part in struct.unpack(f">{len(data) // 2}h", data):
        if abs(part) > _MAX_M10K:
            return nan
        total = total * (_MAX_M10K + 1) + part
    return total


def _make_byte_reader(point: Point) -> Callable[[bytes, int], float]:
    little = point.byte_order in ("BADC", "DCBA")
    place = int((point.byte != "high") != little)

    def read(data: bytes, distance: int) -> float:
        byte = data[distance * 2 + place]
        return byte - 256 if point.type == "int8" and byte > 127 else byte

    return read


def _make_truth_decoder(point: Point) -> Decoder:
    """Return the decoder of a register as a whole, or of one of its bits."""
    order: Literal["little", "big"] = "little" if point.byte_order in ("BADC", "DCBA") else "big"
    truth = _find_truth(point)
    mask = 1 << point.bit if point.type == "bit" else 0xFFFF

    def decode(data: bytes, distance: int) -> Value | None:
        word = int.from_bytes(data[distance * 2 : distance * 2 + 2], order)
        return truth(bool(word & mask))

    return decode


def _make_list_decoder(point: Point) -> Decoder:
    """Return the decoder of several registers or bits, which become the text of a JSON array."""

    def decode_bits(data: bytes, distance: int) -> str:
        places = range(distance, distance + point.size)
        return str([data[place >> 3] >> (place & 7) & 1 for place in places])

    little = point.byte_order in ("BADC", "DCBA")
    packed = struct.Struct(f"{'<' if little else '>'}{point.size}H")

    def decode_registers(data: bytes, distance: int) -> str:
        return str([*packed.unpack_from(data, distance * 2)])

    return decode_bits if point.is_bits else decode_registers


def _make_text_decoder(point: Point) -> Decoder:
    parts = {"both": slice(None), "high": slice(0, None, 2), "low": slice(1, None, 2)}
    part = parts[point.byte]

    def decode(data: bytes, distance: int) -> str:
        raw = data[distance * 2 : (distance + point.size) * 2]
        if point.byte_order == "BADC":
            raw = swap(raw)
        raw = raw[part]
        if not point.encoding.startswith(("utf-16", "utf-32")):
            raw = raw.partition(b"\0")[0]
        text = raw.decode(point.encoding, "replace").partition("\0")[0]
        return text.rstrip().translate(_CONTROL)

    return decode


def make_finish(point: Point) -> Callable[[float], float | None]:
    """Return the function from the raw number to the value: no-value, scale, offset, range."""
    scale, offset, no_value = point.scale, point.offset, point.no_value
    scaled = scale != 1 or offset != 0
    as_float = point.is_float
    largest = _MAX_INTEGER.get(point.write_as, 0)

    def finish(raw: float) -> float | None:
        if raw == no_value:
            return None
        if not as_float:
            return raw if raw <= largest else None  # neither is NaN
        # 15 digits are what a double keeps: 234 * 0.1 is then 23.4, not 23.400000000000002.
        value = float(f"{raw * scale + offset:.15g}") if scaled else float(raw)
        if not isfinite(value):
            return None
        return value if point.precision is None else round(value, point.precision)

    return finish
