"""What is simulated decodes to what it says, for every point that a file can describe."""

import struct
from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyModbusTCP.client import ModbusClient

from sja_units.acquisition.points.decode import make_decoder
from sja_units.acquisition.points.point import Point
from sja_units.acquisition.points.types import (
    BYTE_ORDERS,
    FLOATS,
    INTEGERS,
    LONG_BYTE_ORDERS,
    SIZES,
    TABLES,
    TYPES,
)
from sja_units.acquisition.simulate.device import SimulatedUnit, make_raw
from sja_units.acquisition.simulate.server import ModbusServer
from tests.unit.acquisition.serving import serving


@st.composite
def points(draw: st.DrawFn) -> Point:
    """Return any point that a file could describe, at address 0."""
    table = draw(st.sampled_from(TABLES))
    if table in ("coil", "discrete"):
        return Point("p", table, 0, 1, "bool", write_as="bool")
    kind = draw(st.sampled_from(TYPES))
    size = SIZES.get(kind, 1)
    if kind == "string":
        order = draw(st.sampled_from(("ABCD", "BADC")))
        byte = draw(st.sampled_from(("both", "low", "high")))
        encoding = draw(st.sampled_from(("utf-8", "gbk", "shift_jis", "latin-1")))
        string = Point("p", table, 0, draw(st.integers(1, 125)), kind, order)
        return string._replace(byte=byte, encoding=encoding)
    orders = {*BYTE_ORDERS, *(LONG_BYTE_ORDERS.values() if size == 4 else ())}
    point = Point("p", table, 0, size, kind, draw(st.sampled_from(sorted(orders))))
    point = point._replace(
        bit=draw(st.integers(0, 15)) if kind == "bit" else 0,
        byte=draw(st.sampled_from(("low", "high"))) if kind.endswith("t8") else "both",
    )
    if kind in ("bool", "bit"):
        return point._replace(write_as="bool")
    finite = st.floats(-1e9, 1e9).filter(lambda number: abs(number) > 1e-6)
    return point._replace(
        scale=draw(st.just(1.0) | finite),
        offset=draw(st.just(0.0) | finite),
        write_as="float" if kind in FLOATS else "integer",
    )


def lay_out(several: list[Point]) -> list[Point]:
    """Return the points one after the other, with a hole of a register between them."""
    ends = dict.fromkeys(TABLES, 7)
    placed = []
    for point in several:
        placed.append(point._replace(address=ends[point.table]))
        ends[point.table] += point.size + 1
    return placed


def read(unit: SimulatedUnit, point: Point, seconds: float) -> object:
    words = unit.read(point.table, point.address, point.size, seconds)
    assert words is not None
    if point.is_bits:
        return make_decoder(point)(bytes(words), 0)
    return make_decoder(point)(struct.pack(f">{len(words)}H", *words), 0)


@given(st.lists(points(), min_size=1, max_size=20), st.integers(0, 10**7))
def test_what_is_served_decodes_to_what_it_says(several: list[Point], tenths: int) -> None:
    placed = lay_out(several)
    unit = SimulatedUnit(placed)
    for index, point in enumerate(placed):
        raw = make_raw(point, index, tenths / 10)
        value = read(unit, point, tenths / 10)
        if isinstance(raw, str):
            assert value == raw
        elif point.is_bits or point.type in ("bool", "bit"):
            assert value is bool(raw)
        else:
            expected = raw * point.scale + point.offset
            assert isinstance(value, int | float)
            magnitude = abs(raw * point.scale) + abs(point.offset)
            assert isclose(value, expected, abs_tol=1e-14 * magnitude)


@given(points(), st.integers(0, 10**5))
def test_values_move_within_what_a_person_expects(point: Point, tenths: int) -> None:
    unit = SimulatedUnit([point._replace(scale=1.0, offset=0.0)])
    value = read(unit, point._replace(scale=1.0, offset=0.0), tenths / 10)
    if not isinstance(value, str):
        assert isinstance(value, bool | int | float)
        assert 0 <= value <= 100


@pytest.mark.parametrize("kind", [*INTEGERS, *FLOATS, "bool", "bit", "string"])
def test_every_value_moves(kind: str) -> None:
    size = 4 if kind == "string" else INTEGERS.get(kind) or FLOATS.get(kind) or 1
    point = Point("p", "holding", 0, size, kind)
    unit = SimulatedUnit([point])
    assert len({read(unit, point, seconds) for seconds in range(60)}) >= 2


@pytest.mark.parametrize("kind", [*INTEGERS, *FLOATS])
@pytest.mark.parametrize("no_value", [0, 50, 100])
def test_no_value_is_never_simulated(kind: str, no_value: int) -> None:
    size = INTEGERS.get(kind) or FLOATS[kind]
    point = Point("p", "holding", 0, size, kind, no_value=no_value)
    unit = SimulatedUnit([point])
    assert all(read(unit, point, tenths / 10) is not None for tenths in range(600))


def test_parts_of_one_register_stand_beside_each_other() -> None:
    parts = [
        Point("low", "holding", 0, 1, "uint8", byte="low"),
        Point("high", "holding", 0, 1, "uint8", byte="high"),
        *(Point(f"b{bit}", "holding", 1, 1, "bit", bit=bit) for bit in range(16)),
    ]
    unit = SimulatedUnit(parts)
    for seconds in range(60):
        for index, point in enumerate(parts):
            raw = make_raw(point, index, seconds)
            assert read(unit, point, seconds) == (bool(raw) if point.type == "bit" else raw)


def test_only_what_lies_between_the_points_is_there() -> None:
    unit = SimulatedUnit(
        [Point("a", "holding", 10, 1, "int16"), Point("b", "holding", 19, 1, "int16")]
    )
    assert unit.read("holding", 12, 3, 0.0) == [0, 0, 0]
    assert unit.read("holding", 9, 2, 0.0) is None
    assert unit.read("holding", 19, 2, 0.0) is None
    assert unit.read("input", 10, 1, 0.0) is None


def test_another_client_than_ours_is_answered() -> None:
    held = [
        Point("a", "holding", 0, 1, "uint16"),
        Point("b", "input", 100, 2, "float32"),
        Point("c", "coil", 5, 1, "bool"),
        Point("d", "discrete", 65535, 1, "bool"),
    ]
    with serving({7: SimulatedUnit(held)}) as port:
        client = ModbusClient("127.0.0.1", port, unit_id=7, timeout=30)
        (word,) = client.read_holding_registers(0, 1)
        assert 0 <= word <= 100
        words = client.read_input_registers(100, 2)
        assert 0 <= struct.unpack(">f", struct.pack(">HH", *words))[0] <= 100
        assert client.read_coils(5, 1) in ([True], [False])
        assert client.read_discrete_inputs(65535, 1) in ([True], [False])
        assert client.read_holding_registers(0, 125) is None
        assert client.last_except == 2
        assert not client.write_single_register(0, 1)
        assert client.last_except == 1
        client.unit_id = 8
        assert client.read_holding_registers(0, 1) is None
        assert client.last_except == 11
        client.close()


@given(st.integers(0, 255), st.binary(min_size=1, max_size=250))
def test_any_request_gets_an_answer(unit: int, pdu: bytes) -> None:
    with ModbusServer("127.0.0.1", 0, {1: SimulatedUnit([Point("c", "coil", 0, 1, "bool")])}) as it:
        answer = it.answer(unit, pdu)
    assert answer[0] & 0x7F == pdu[0] & 0x7F
    assert len(answer) == 2 or (unit, pdu[0], pdu[1:3]) == (1, 1, b"\0\0")
