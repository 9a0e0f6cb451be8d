"""The types of points: how many registers they take, in which orders, and what they can hold."""

from typing import Literal, get_args

RegisterTable = Literal["holding", "input", "coil", "discrete"]
TABLES: tuple[RegisterTable, ...] = get_args(RegisterTable)
BYTE_ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")
"""Orders of every number, as of one with 32 bits: A is the most significant byte."""
LONG_BYTE_ORDERS: dict[str, str] = {
    **{"ABCDEFGH": "ABCD", "GHEFCDAB": "CDAB", "BADCFEHG": "BADC", "HGFEDCBA": "DCBA"},
    **{"CDABGHEF": "CDABGHEF", "EFGHABCD": "EFGHABCD"},
}
"""Orders of numbers with 64 bits; the first four are those of BYTE_ORDERS by another name."""

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
ODD_INTEGERS = {
    **{"int48": 3, "uint48": 3, "bcd16": 1, "bcd32": 2},
    **{"m10k32": 2, "m10k48": 3, "m10k64": 4},
}
"""Integers that `struct` does not know.

bcd: a decimal digit in each half byte. m10k: each register holds four decimal digits, -9999 to
9999, as meters count energy.
"""
SIZES = {**INTEGERS, **FLOATS, **ODD_INTEGERS}
"""How many registers a number takes."""
TYPES = ("bool", "bit", *INTEGERS, *FLOATS, *ODD_INTEGERS, "string")


def is_unsigned(kind: str) -> bool:
    """Tell whether an integer is never negative."""
    return kind.startswith(("u", "bcd"))


def find_limits(kind: str) -> tuple[int, int]:
    """Return the least and the greatest number of an integer's type."""
    if kind.startswith("bcd"):
        return 0, 10 ** (4 * SIZES[kind]) - 1
    if kind.startswith("m10k"):
        greatest = 10 ** (4 * SIZES[kind]) - 1
        return -greatest, greatest
    bits = 8 if kind.endswith("t8") else SIZES[kind] * 16
    if is_unsigned(kind):
        return 0, 2**bits - 1
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
