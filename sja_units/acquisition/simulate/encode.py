"""From raw numbers and texts to the registers of a device: decode.py, turned round. Pure."""

import struct

from sja_units.acquisition.points.point import FLOATS, FORMATS, Point


def encode(point: Point, raw: float | str) -> list[int]:
    """Return the registers that a point of holding or input registers takes for a raw value.

    A part of a register (bit, int8, uint8) stands in its place, the rest of it is 0. Raises
    struct.error for a number that the type cannot hold.
    """
    data = _encode_text(point, raw) if isinstance(raw, str) else _encode_number(point, raw)
    words = [int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2)]
    if point.write_as == "json":
        words *= point.size
    if point.byte_order in ("CDAB", "DCBA"):
        words.reverse()
    if point.byte_order in ("BADC", "DCBA"):
        words = [word >> 8 | (word & 0xFF) << 8 for word in words]
    return words


def round_raw(point: Point, raw: float) -> float:
    """Return the nearest number that the type can hold."""
    if point.type in FLOATS:
        return float(struct.unpack(FORMATS[point.type], struct.pack(FORMATS[point.type], raw))[0])
    return round(raw)


def _encode_text(point: Point, text: str) -> bytes:
    width = point.size * 2
    return text.encode()[:width].ljust(width, b"\0")


def _encode_number(point: Point, raw: float) -> bytes:
    """Return the bytes in the order ABCD."""
    if point.type == "bool":
        return struct.pack(">H", bool(raw))
    if point.type == "bit":
        return struct.pack(">H", bool(raw) << point.bit)
    data = struct.pack(f">{FORMATS[point.type]}", raw if point.type in FLOATS else int(raw))
    if len(data) == 1:
        return data + b"\0" if point.byte == "high" else b"\0" + data
    return data


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
