"""From the bytes of an answer to values. Pure.

Registers arrive as the Modbus application protocol sends them, high byte first; bits arrive eight
to a byte, the first in the least significant place.
"""

import struct
from collections.abc import Callable
from math import isfinite, isnan
from typing import Literal

from sja_units.acquisition.points.point import FLOATS, FORMATS, Point

Value = bool | int | float | str
Decoder = Callable[[bytes, int], Value | None]
"""Takes the data of a block and the point's distance from its start, in registers or bits."""

REPLACEMENT = "\ufffd"
"""Stands in a text for what is no character."""
_CONTROL = dict.fromkeys((*range(32), 127), REPLACEMENT)
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


def _make_byte_reader(point: Point) -> Callable[[bytes, int], float]:
    little = point.byte_order in ("BADC", "DCBA")
    place = int((point.byte == "low") != little)

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
    def decode(data: bytes, distance: int) -> str:
        raw = data[distance * 2 : (distance + point.size) * 2]
        if point.byte_order == "BADC":
            raw = swap(raw)
        text = raw.partition(b"\0")[0].decode("utf-8", "replace")
        return text.rstrip().translate(_CONTROL)

    return decode


def make_finish(point: Point) -> Callable[[float], float | None]:
    """Return the function from the raw number to the value: no-value, scale, offset, range."""
    scale, offset, no_value = point.scale, point.offset, point.no_value
    scaled = scale != 1 or offset != 0
    as_float = scaled or point.write_as == "float" or point.type in FLOATS
    largest = _MAX_INTEGER.get(point.write_as, 0)

    def finish(raw: float) -> float | None:
        if raw == no_value:
            return None
        if not as_float:
            return raw if raw <= largest else None
        # 15 digits are what a double keeps: 234 * 0.1 is then 23.4, not 23.400000000000002.
        value = float(f"{raw * scale + offset:.15g}") if scaled else float(raw)
        return value if isfinite(value) else None

    return finish
