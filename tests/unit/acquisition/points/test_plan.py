from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sja_units.acquisition.points.plan import Limits, ReadRequest, plan_requests, split
from sja_units.acquisition.points.point import Point
from sja_units.acquisition.points.types import TABLES

limits = st.builds(Limits, st.integers(4, 125), st.integers(0, 12))


@st.composite
def points(draw: st.DrawFn, most: int = 40, span: int = 200) -> list[Point]:
    found = []
    for i in range(draw(st.integers(1, most))):
        table = draw(st.sampled_from(TABLES))
        size = 1 if table in ("coil", "discrete") else draw(st.sampled_from((1, 1, 2, 4)))
        found.append(Point(f"p{i}", table, draw(st.integers(0, span)), size, "uint16"))
    return found


def registers_of(point: Point) -> set[tuple[str, int]]:
    return {(point.table, a) for a in range(point.address, point.end)}


def check(blocks: list[ReadRequest], points: list[Point], limits: Limits) -> None:
    """Fail unless every block holds its points within the limits."""
    for block in blocks:
        factor = 16 if block.table in ("coil", "discrete") else 1
        assert 1 <= block.size <= limits.max_registers * factor
        wanted: set[int] = set()
        for i in block.points:
            assert points[i].table == block.table
            assert block.address <= points[i].address
            assert points[i].end <= block.address + block.size
            wanted |= set(range(points[i].address, points[i].end))
        assert min(wanted) == block.address
        assert max(wanted) + 1 == block.address + block.size
        used = sorted(wanted)
        gaps = [b - a - 1 for a, b in pairwise(used)]
        assert max(gaps, default=0) <= limits.max_gap * factor


@pytest.mark.slow
@given(points(), limits)
def test_every_point_is_read_exactly_once_within_the_limits(
    points: list[Point], limits: Limits
) -> None:
    blocks = plan_requests(points, limits)
    assert sorted(i for block in blocks for i in block.points) == list(range(len(points)))
    assert len(blocks) <= len(points)
    check(blocks, points, limits)


def fewest(points: list[Point], limits: Limits) -> int:
    """Return the smallest number of requests, by trying every way to group the points."""

    def fits(group: tuple[Point, ...]) -> bool:
        used = sorted({a for point in group for a in range(point.address, point.end)})
        gaps = [b - a - 1 for a, b in pairwise(used)]
        return (
            used[-1] - used[0] + 1 <= limits.max_registers
            and max(gaps, default=0) <= limits.max_gap
        )

    def best(left: tuple[Point, ...]) -> int:
        if not left:
            return 0
        first, others = left[0], left[1:]
        results = []
        for size in range(len(others) + 1):
            for chosen in combinations(others, size):
                if fits((first, *chosen)):
                    results.append(1 + best(tuple(p for p in others if p not in chosen)))
        return min(results)

    return best(tuple(points))


@given(points(most=6, span=30), st.builds(Limits, st.integers(4, 16), st.integers(0, 6)))
def test_no_plan_needs_fewer_requests(points: list[Point], limits: Limits) -> None:
    registers = [point._replace(table="holding") for point in points]
    assert len(plan_requests(registers, limits)) == fewest(registers, limits)


@pytest.mark.slow
@given(points(), limits, st.data())
def test_refused_points_are_neither_read_nor_read_along(
    points: list[Point], limits: Limits, data: st.DataObject
) -> None:
    indices = list(range(len(points)))
    without = frozenset(data.draw(st.sets(st.sampled_from(indices))))
    blocks = plan_requests(points, limits, without=without)
    assert sorted(i for block in blocks for i in block.points) == sorted(set(indices) - without)
    check(blocks, points, limits)
    good = set().union(*(registers_of(points[i]) for i in indices if i not in without), set())
    bad = set().union(*(registers_of(points[i]) for i in without), set()) - good
    for block in blocks:
        asked = {(block.table, a) for a in range(block.address, block.address + block.size)}
        assert not asked & bad


@given(points(), limits, st.data())
def test_a_block_begins_at_every_cut(
    points: list[Point], limits: Limits, data: st.DataObject
) -> None:
    place = data.draw(st.sampled_from([(p.table, p.address) for p in points]))
    blocks = plan_requests(points, limits, boundaries={place})
    assert place in {(block.table, block.address) for block in blocks}


@pytest.mark.slow
@given(points(), limits)
def test_halves_hold_the_same_points(points: list[Point], limits: Limits) -> None:
    for block in plan_requests(points, limits):
        if len(block.points) > 1:
            left, right = split(block, points)
            assert left.points + right.points == block.points
            assert abs(len(left.points) - len(right.points)) <= 1
