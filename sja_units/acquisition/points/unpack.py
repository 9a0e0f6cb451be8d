"""The numbers of one request, found in its data by as few calls as possible. Pure."""

import struct
from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any

from sja_units.acquisition.points.decode import swap
from sja_units.acquisition.points.plan import ReadRequest
from sja_units.acquisition.points.point import Point
from sja_units.acquisition.points.types import BYTE_ORDERS, FLOATS, FORMATS

_LITTLE = ("CDAB", "DCBA")
_SWAPPED = ("CDAB", "BADC")


class Unpacker:
    """Finds the raw numbers of those points that `struct` knows; `slots` are their places.

    A place is the index into the request's points.
    """

    def __init__(self, points: Sequence[Point], request: ReadRequest) -> None:
        self._groups: list[tuple[bool, bool, Callable[[bytes], tuple[float, ...]], list[int]]] = []
        self.slots: frozenset[int] = frozenset()
        if request.table in ("holding", "input"):
            for swapped in (False, True):
                for little in (False, True):
                    self._add_group(points, request, swapped=swapped, little=little)

    def _add_group(
        self, points: Sequence[Point], request: ReadRequest, *, swapped: bool, little: bool
    ) -> None:
        """Take the points of one byte order; one that overlaps another is left to others."""
        layout, end, slots = "<" if little else ">", 0, []
        for slot, index in enumerate(request.points):
            point = points[index]
            if (
                point.type not in FORMATS
                or point.write_as == "json"  # a list
                or point.scale_register is not None
                or point.type.endswith("t8")
                or point.byte_order not in BYTE_ORDERS
                or (point.byte_order in _LITTLE) != little
                or (point.byte_order in _SWAPPED) != swapped
            ):
                continue
            begin = (point.address - request.address) * 2
            if begin >= end:
                layout += f"{begin - end}x{FORMATS[point.type]}"
                end = begin + point.size * 2
                slots.append(slot)
        if slots:
            has_floats = any(points[request.points[slot]].type in FLOATS for slot in slots)
            unpack = struct.Struct(layout).unpack_from
            self._groups.append((swapped, has_floats, unpack, slots))
            self.slots |= frozenset(slots)

    def unpack(self, data: bytes, values: list[Any]) -> bool:
        """Put the raw numbers into their places; return whether all of them are finite."""
        for swapped, has_floats, unpack, slots in self._groups:
            found = unpack(swap(data) if swapped else data)
            # A sum of many may overflow: that costs nothing but a second look, number by number.
            if has_floats and not isfinite(sum(found)):
                return False
            if len(slots) == len(values):
                values[:] = found
            else:
                for slot, value in zip(slots, found, strict=True):
                    values[slot] = value
        return True
