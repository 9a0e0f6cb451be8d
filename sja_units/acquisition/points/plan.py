"""From points to the fewest requests. Pure."""

from collections.abc import Iterable, Sequence, Set
from typing import NamedTuple

from sja_units.acquisition.points.point import Point
from sja_units.acquisition.points.types import RegisterTable
from sja_units.text import count


class ReadRequest(NamedTuple):
    """One request: registers (or bits) that lie together, and the points inside."""

    table: RegisterTable
    address: int
    size: int  # registers or bits
    points: tuple[int, ...]  # indices into the device's points, by address


class Limits(NamedTuple):
    """What a device allows, in registers; 16 bits of a coil table count as one."""

    max_registers: int
    max_gap: int


def plan_requests(
    points: Sequence[Point],
    limits: Limits,
    *,
    without: Set[int] = frozenset(),
    boundaries: Set[tuple[RegisterTable, int]] = frozenset(),
) -> list[ReadRequest]:
    """Return the fewest blocks that hold every point once, in order of table and address.

    without: indices of points that the device refuses; no other block reads their registers along.
    boundaries: (table, address) where a block has to begin.
    """
    order = sorted(
        (i for i in range(len(points)) if i not in without),
        key=lambda i: (points[i].table, points[i].address, points[i].end),
    )
    avoid = _registers(points, without) - _registers(points, order)
    blocks: list[ReadRequest] = []
    for i in order:
        point = points[i]
        joined = _join(blocks[-1], point, i, limits) if blocks else None
        if joined is None or _crosses(blocks[-1], joined, point, avoid, boundaries):
            blocks.append(ReadRequest(point.table, point.address, point.size, (i,)))
        else:
            blocks[-1] = joined
    return blocks


def _registers(points: Sequence[Point], which: Iterable[int]) -> set[tuple[RegisterTable, int]]:
    return {(points[i].table, a) for i in which for a in range(points[i].address, points[i].end)}


def _join(block: ReadRequest, point: Point, index: int, limits: Limits) -> ReadRequest | None:
    """Return the block with one more point, None where a limit forbids it."""
    factor = 16 if point.is_bits else 1
    end = block.address + block.size
    size = max(end, point.end) - block.address
    if (
        point.table != block.table
        or point.address - end > limits.max_gap * factor
        or size > limits.max_registers * factor
    ):
        return None
    return block._replace(size=size, points=(*block.points, index))


def _crosses(
    block: ReadRequest,
    joined: ReadRequest,
    point: Point,
    avoid: Set[tuple[RegisterTable, int]],
    boundaries: Set[tuple[RegisterTable, int]],
) -> bool:
    gap = range(block.address + block.size, point.address)
    return (
        any((joined.table, a) in avoid for a in gap) or (point.table, point.address) in boundaries
    )


def split(block: ReadRequest, points: Sequence[Point]) -> tuple[ReadRequest, ReadRequest]:
    """Return two blocks, each with half of the points; raise ValueError if it holds only one."""
    middle = len(block.points) // 2
    if not middle:
        raise ValueError("a block with one point cannot be halved")
    return (
        _around(block.table, block.points[:middle], points),
        _around(block.table, block.points[middle:], points),
    )


def _around(table: RegisterTable, indices: tuple[int, ...], points: Sequence[Point]) -> ReadRequest:
    first = min(points[i].address for i in indices)
    last = max(points[i].end for i in indices)
    return ReadRequest(table, first, last - first, indices)


def describe_plan(requests: Sequence[ReadRequest]) -> str:
    """Return how much a cycle reads: "2 requests a cycle for 120 registers"."""
    registers = sum(each.size for each in requests if each.table in ("holding", "input"))
    bits = sum(each.size for each in requests if each.table in ("coil", "discrete"))
    parts = [count(registers, "register")] if registers else []
    parts += [count(bits, "bit")] if bits else []
    return f"{count(len(requests), 'request')} a cycle for {' and '.join(parts)}"
