"""From raw numbers and texts to the registers of a device: decode.py, turned round. Pure."""

import struct

from sja_units.acquisition.points.decode import arrange
from sja_units.acquisition.points.point import Point
from sja_units.acquisition.points.types import FLOATS, FORMATS, ODD_INTEGERS, is_unsigned


def encode(point: Point, raw: float | str) -> list[int]:
    """Return the registers that a point of holding or input registers takes for a raw value.

    A part of a register (bit, int8, uint8) stands in its place, the rest of it is 0. Raises
    struct.error for a number that the type cannot hold.
    """
    data = _encode_text(point, raw) if isinstance(raw, str) else _encode_number(point, raw)
    if point.write_as == "json":
        data *= point.size
    data = arrange(data, point.byte_order)
    return [int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2)]


def round_raw(point: Point, raw: float) -> float:
    """Return the nearest number that the type can hold."""
    if point.type in FLOATS:
        return float(struct.unpack(FORMATS[point.type], struct.pack(FORMATS[point.type], raw))[0])
    return round(raw)


def _encode_text(point: Point, text: str) -> bytes:
    width = point.size * 2
    sent = text.encode(point.encoding, "replace")
    if point.byte == "both":
        return sent[:width].ljust(width, b"\0")
    held = bytearray(width)
    part = sent[: point.size].ljust(point.size, b"\0")
    held[int(point.byte == "low") :: 2] = part
    return bytes(held)


def _encode_number(point: Point, raw: float) -> bytes:
    """Return the bytes in the order ABCD."""
    if point.type == "bool":
        return struct.pack(">H", bool(raw))
    if point.type == "bit":
        return struct.pack(">H", bool(raw) << point.bit)
    if point.type in ODD_INTEGERS:
        return _encode_odd(point, int(raw))
    data = struct.pack(f">{FORMATS[point.type]}", raw if point.type in FLOATS else int(raw))
    if len(data) == 1:
        return data + b"\0" if point.byte == "high" else b"\0" + data
    return data


def _encode_odd(point: Point, number: int) -> bytes:
    if point.type.startswith("bcd"):
        return bytes.fromhex(f"{number:0{point.size * 4}}")
    if point.type.startswith("m10k"):
        sign = -1 if number < 0 else 1
        digits = f"{abs(number):0{point.size * 4}}"
        parts = [sign * int(digits[i : i + 4]) for i in range(0, len(digits), 4)]
        return struct.pack(f">{point.size}h", *parts)
    return number.to_bytes(point.size * 2, "big", signed=not is_unsigned(point.type))


def mask(point: Point) -> int:
    """Return which bits of its register a point takes: all, unless it is a part of one."""
    if point.type == "bit":
        whole = 1 << point.bit
    elif point.type in ("int8", "uint8"):
        whole = 0xFF00 if point.byte == "high" else 0x00FF
    else:
        return 0xFFFF
    swapped = point.byte_order in ("BADC", "DCBA")
    return whole >> 8 | (whole & 0xFF) << 8 if swapped else whole
