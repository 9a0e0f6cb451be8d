"""Devices and databases tried once, for `sjactl probe` and `sjactl create`."""

import time
from itertools import pairwise

import pytest

from sja_units.acquisition.config import AcquisitionConfig, Device
from sja_units.acquisition.modbus.connect import open_link
from sja_units.acquisition.points.point import Point, list_scale_points
from sja_units.acquisition.points.types import BYTE_ORDERS, RegisterTable
from sja_units.acquisition.probe.client import PACE_SECONDS, ProbeClient, read_singly
from sja_units.acquisition.probe.devices import Report, try_devices
from sja_units.acquisition.probe.hints import hint
from sja_units.acquisition.probe.interpretations import (
    list_addresses,
    list_interpretations,
    list_places,
)
from sja_units.acquisition.simulate.device import SimulatedUnit
from sja_units.config.job_file import parse
from tests.unit.acquisition.conftest import MakeDevice, MakeRogue
from tests.unit.acquisition.harness import free_port
from tests.unit.acquisition.rogue import answer
from tests.unit.acquisition.serving import serving

PATIENT = 'timeout = "20s"'
EVERY_TYPE = """
[sink]
type = "local"
[[device]]
name = "d"
host = "127.0.0.1"
port = {port}
timeout = "20s"
""" + "\n".join(
    f'[[device.point]]\nname = "{kind}-{order}"\ntable = "{table}"\n'
    f'address = {16 * (BYTE_ORDERS.index(order) + 4 * number)}\ntype = "{kind}"\n'
    f'byte_order = "{order}"\nscale = {scale}\n'
    for order in BYTE_ORDERS
    for number, kind in enumerate(("int16", "uint32", "int64", "float16", "float32", "float64"))
    for table, scale in ([("holding", 1)] if number % 2 else [("input", 0.1)])
)


def configure(text: str) -> tuple[Device, ...]:
    settings = parse("acquisition", text, "x").settings
    assert isinstance(settings, AcquisitionConfig)
    return settings.devices


def describe(
    name: str, port: int, addresses: range | tuple[int, ...], extra: str = PATIENT
) -> Device:
    points = "\n".join(
        f'[[device.point]]\nname = "p{a}"\ntable = "holding"\naddress = {a}\ntype = "uint16"'
        for a in addresses
    )
    head = f'[sink]\ntype = "local"\n[[device]]\nname = "{name}"\nhost = "127.0.0.1"\n'
    (device,) = configure(f"{head}port = {port}\n{extra}\n{points}")
    return device


def try_one(device: Device, seconds: float = 60.0) -> Report:
    (report,) = try_devices([device], seconds)
    return report


def test_every_point_of_a_device_with_the_plan(make_device: MakeDevice) -> None:
    peer = make_device()
    report = try_one(describe("d", peer.port, (100, 101, 300)))
    assert report.is_fine
    assert [(block.address, block.size) for block in report.plan] == [(100, 2), (300, 1)]
    assert [(found.words, found.value) for found in report.found] == [
        ((100,), 100),
        ((101,), 101),
        ((300,), 300),
    ]
    assert report.first_seconds is not None
    assert report.request_seconds is not None
    assert hint(report, []) == ""


def test_refused_registers_are_found_one_by_one(make_device: MakeDevice) -> None:
    peer = make_device(illegal=frozenset({3, 7}))
    report = try_one(describe("d", peer.port, range(10)))
    assert not report.is_fine
    assert report.fault is None
    assert [i for i, found in enumerate(report.found) if found.fault] == [3, 7]
    assert [found.value for found in report.found if not found.fault] == [0, 1, 2, 4, 5, 6, 8, 9]
    assert "d.p3" in hint(report, [])


def test_a_simulated_file_is_read_as_a_whole() -> None:
    (described,) = configure(EVERY_TYPE.format(port=1))
    with serving({1: SimulatedUnit(described.points)}) as port:
        (device,) = configure(EVERY_TYPE.format(port=port))
        report = try_one(device)
    assert report.is_fine
    assert len(report.found) == 24
    for found in report.found:
        assert isinstance(found.value, int | float)
        assert 0 <= found.value <= 100


def test_a_scale_register_counts_in_probe(make_device: MakeDevice) -> None:
    # Each register of that device holds its own address: 10 to the power of 2.
    device = describe("d", make_device().port, (7,))
    scaled = device.points[0]._replace(scale_register=2, scale=0.5)
    report = try_one(device._replace(points=(scaled, *list_scale_points([scaled]))))
    assert report.is_fine
    assert report.found[0].value == 350.0


@pytest.mark.slow
@pytest.mark.parametrize("holes", [{3}, {3, 9}, {0}])
def test_a_device_that_is_silent_to_what_it_lacks_is_read_in_part(
    make_rogue: MakeRogue, holes: set[int]
) -> None:
    """It was said to have another unit id, though each register alone was answered."""

    def reply(request: bytes) -> list[bytes]:
        first, count = request[9], request[11]
        asked = range(first, first + count)
        return [] if holes.intersection(asked) else [answer(request, bytes(2 * count))]

    device = describe("d", make_rogue(reply).port, range(0, 12, 2), 'timeout = "100ms"')
    report = try_one(device)
    assert report.fault is None
    silent = [point.address for point in device.points if point.address in holes]
    assert [f.point.address for f in report.found if f.fault] == silent
    assert "max_gap" in hint(report, [])


@pytest.mark.slow
def test_a_converter_that_is_deaf_at_first_gets_the_key_that_helps(make_rogue: MakeRogue) -> None:
    connected = [0.0]

    def welcome() -> list[bytes]:
        connected[0] = time.monotonic()
        return []

    def reply(request: bytes) -> list[bytes | None]:
        if time.monotonic() < connected[0] + 0.4:
            return []
        return [answer(request, bytes(2 * request[11])), None]  # it closes after each answer

    rogue = make_rogue(reply)
    rogue.welcome = welcome
    report = try_one(describe("d", rogue.port, (1, 100, 200), 'timeout = "300ms"'))
    assert "connect_delay" in hint(report, [])
    helped = try_one(describe("d", rogue.port, (1, 100), 'connect_delay = "1s"'))
    assert helped.is_fine


@pytest.mark.slow
def test_neighbours_are_read_singly_and_at_a_pace(make_rogue: MakeRogue) -> None:
    """wb-mge #137, solvis #238: a scan at full speed upset devices."""
    moments: list[float] = []

    def reply(request: bytes) -> list[bytes]:
        moments.append(time.monotonic())
        return [answer(request, b"\0\5")]

    rogue = make_rogue(reply)
    device = describe("d", rogue.port, (1,))
    link = open_link(device.endpoint)
    client = ProbeClient(device, link, time.monotonic() + 60)
    words, faults = read_singly(client, [("holding", address) for address in range(8)])
    link.close()
    assert (len(words), faults) == (8, {})
    assert {request[10:12] for request in rogue.requests} == {b"\0\1"}
    assert min(b - a for a, b in pairwise(moments)) >= PACE_SECONDS


@pytest.mark.slow
def test_endpoints_are_tried_at_the_same_time_and_in_time(
    make_device: MakeDevice, make_rogue: MakeRogue
) -> None:
    silent = [make_rogue(lambda _: [30.0]) for _ in range(5)]
    peer = make_device()
    devices = [describe(f"d{i}", rogue.port, (1,)) for i, rogue in enumerate(silent)]
    devices.append(describe("well", peer.port, (1,)))
    began = time.monotonic()
    reports = list(try_devices(devices, 4.0))
    # One after the other would take five times as long, and leave no time for the last.
    assert time.monotonic() - began < 19.0
    assert [report.device.name for report in reports] == [device.name for device in devices]
    assert [report.is_fine for report in reports] == [False] * 5 + [True]


def test_devices_of_one_endpoint_share_one_connection_that_is_closed(make_rogue: MakeRogue) -> None:
    rogue = make_rogue(lambda request: [answer(request, b"\0\5")])
    devices = [describe(f"d{i}", rogue.port, (1,), f"unit_id = {i}") for i in (1, 2, 3)]
    reports = list(try_devices(devices, 60.0))
    assert all(report.is_fine for report in reports)
    assert rogue.connections == 1
    # It serves one connection after the other: the next one is served, so this one is closed.
    assert try_one(devices[0]).is_fine
    assert rogue.connections == 2


def test_an_answer_that_is_late_once_is_asked_for_again(make_rogue: MakeRogue) -> None:
    def reply(request: bytes) -> list[bytes | float | None]:
        return [None] if rogue.connections == 1 else [answer(request, b"\0\5")]

    rogue = make_rogue(reply)
    report = try_one(describe("d", rogue.port, (1,)))
    assert report.is_fine
    assert rogue.connections == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("extra", "said"), [("unit_id = 9", "unit_id = 9"), ("unit_id = 1", "is unit_id = 1")]
)
def test_a_silent_unit(make_rogue: MakeRogue, extra: str, said: str) -> None:
    rogue = make_rogue(lambda _: [])
    report = try_one(describe("d", rogue.port, (1, 2), f'{extra}\ntimeout = "100ms"'))
    assert report.fault is not None
    assert report.fault.state == "timeout"
    assert all(found.fault for found in report.found)
    assert said in hint(report, [])


def test_a_unit_that_a_gateway_does_not_reach(make_device: MakeDevice) -> None:
    peer = make_device(units=frozenset({1}))
    report = try_one(describe("d", peer.port, range(20), "unit_id = 2"))
    assert report.fault is not None
    assert "gateway" in str(report.fault)
    assert peer.registers.answered == 0


def test_nobody_there_names_the_job_that_may_hold_the_connection() -> None:
    device = describe("d", free_port(), (1,))
    report = try_one(device)
    assert report.fault is not None
    assert report.fault.at_connect
    assert "port" in hint(report, [])
    assert "acquisition/line1" in hint(report, ["acquisition/line1"])


def test_a_connection_that_is_closed_at_once(make_rogue: MakeRogue) -> None:
    report = try_one(describe("d", make_rogue(lambda _: [None]).port, (1,)))
    assert report.fault is not None
    assert report.fault.state == "disconnected"
    assert "another program" in hint(report, [])
    assert "sjactl stop acquisition/line1" in hint(report, ["acquisition/line1"])


# What a manual can mean.


def test_meanings_hold_the_value_in_its_type_and_order() -> None:
    point = Point("p", "holding", 10, 2, "float32", write_as="float")
    words: dict[tuple[RegisterTable, int], int] = {
        ("holding", 10): 0x0000,
        ("holding", 11): 0x4148,
        ("holding", 12): 7,
    }
    meanings = {(m.type, m.byte): m.values for m in list_interpretations(point, words)}
    assert meanings["float32", ""][BYTE_ORDERS.index("CDAB")] == 12.5
    assert meanings["uint32", ""][0] == 0x4148
    assert meanings["uint16", ""][0] == 0
    assert meanings["int8", "low"][0] == 0
    assert ("float64", "") not in meanings  # its fourth register was not read
    scaled = point._replace(scale=0.1, offset=1)
    meanings = {(m.type, m.byte): m.values for m in list_interpretations(scaled, words)}
    assert meanings["float32", ""][BYTE_ORDERS.index("CDAB")] == 2.25


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        (
            Point("p", "holding", 100, 1, "int16"),
            {("holding", 99), ("holding", 101), ("input", 100)},
        ),
        (Point("p", "holding", 40101, 1, "int16"), {("holding", 100), ("input", 40101)}),
        (Point("p", "holding", 30101, 1, "int16"), {("input", 100)}),
        (Point("p", "coil", 10101, 1, "bool"), {("discrete", 100), ("coil", 10100)}),
    ],
)
def test_places_that_a_manual_may_mean(point: Point, expected: set[tuple[str, int]]) -> None:
    places = list_places(point)
    assert places[0][:2] == (point.table, point.address)
    assert expected <= {(place.table, place.address) for place in places}
    needed = list_addresses(point)
    assert expected <= set(needed)
    assert len(needed) == len(set(needed))


@pytest.mark.parametrize("address", [0, 65532, 65535])
@pytest.mark.parametrize("kind", ["int16", "float64"])
def test_no_place_is_beyond_the_ends(address: int, kind: str) -> None:
    size = 4 if kind == "float64" else 1
    point = Point("p", "holding", min(address, 65536 - size), size, kind)
    assert all(0 <= a < 65536 for _, a in list_addresses(point))
