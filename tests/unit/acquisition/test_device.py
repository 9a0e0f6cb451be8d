"""What a device refuses is found, left out, told, and tried again."""

import pytest

from sja_units.acquisition import device as device_module
from sja_units.acquisition.config import AcquisitionConfig, Device
from sja_units.acquisition.device import Answer, DeviceReader
from sja_units.acquisition.modbus import Link, LinkFault
from sja_units.acquisition.open_link import open_link
from sja_units.config import parse
from tests.unit.acquisition.conftest import MakeDevice
from tests.unit.acquisition.harness import free_port


def configure(port: int, addresses: range, extra: str = "") -> Device:
    points = "\n".join(
        f'[[device.point]]\nname = "p{a}"\ntable = "holding"\naddress = {a}\ntype = "uint16"'
        for a in addresses
    )
    text = f"""
[sink]
type = "local"
[[device]]
name = "d"
host = "127.0.0.1"
port = {port}
timeout = "10s"
{extra}
{points}
"""
    settings = parse("acquisition", text, "x").settings
    assert isinstance(settings, AcquisitionConfig)
    return settings.devices[0]


def make_reader(device: Device) -> tuple[DeviceReader, Link]:
    return DeviceReader(device, lambda _: None), open_link(device)


def points_read(answers: list[Answer]) -> list[int]:
    return sorted(i for answer in answers for i in answer.block.points)


def test_one_bad_register_costs_only_itself(make_device: MakeDevice) -> None:
    """Telegraf #14671, solax #1570 and more: one illegal register cost its whole block."""
    peer = make_device(illegal=frozenset({37}))
    reader, link = make_reader(configure(peer.port, range(100)))
    assert points_read(reader.read(link)) == [i for i in range(100) if i != 37]
    assert reader.state == "healthy"
    (bad,) = reader.bad_registers()
    assert "37" in bad
    assert "p37" in bad
    # From now on it is two requests, around the hole.
    assert [(b.address, b.size) for b in reader.blocks] == [(0, 37), (38, 62)]
    before = peer.registers.answered
    assert points_read(reader.read(link)) == [i for i in range(100) if i != 37]
    assert peer.registers.answered - before == 2
    link.close()


def test_a_register_that_answers_again_comes_back(
    make_device: MakeDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_module, "RETRY_REFUSED_SECONDS", 0.0)
    peer = make_device(illegal=frozenset({3, 5}))
    reader, link = make_reader(configure(peer.port, range(10)))
    reader.read(link)
    assert len(reader.bad_registers()) == 2
    peer.registers.illegal = frozenset()
    while reader.bad_registers():
        reader.read(link)
    assert points_read(reader.read(link)) == list(range(10))
    link.close()


def test_a_gap_that_is_refused_is_not_read_along(make_device: MakeDevice) -> None:
    peer = make_device(illegal=frozenset({3}))
    reader, link = make_reader(configure(peer.port, range(0, 12, 6)))
    assert points_read(reader.read(link)) == [0, 1]
    assert reader.bad_registers() == []
    assert len(reader.blocks) == 2
    link.close()


def test_a_device_that_refuses_all_is_an_error_and_comes_back(
    make_device: MakeDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_module, "RETRY_REFUSED_SECONDS", 0.0)
    peer = make_device(illegal=frozenset(range(4)))
    reader, link = make_reader(configure(peer.port, range(4)))
    assert reader.read(link) == []
    assert reader.state == "error"
    assert len(reader.bad_registers()) == 4
    peer.registers.illegal = frozenset()
    while reader.bad_registers():
        reader.read(link)
    assert reader.state == "healthy"
    link.close()


def test_a_unit_that_is_away_behind_a_gateway_is_lost_alone(make_device: MakeDevice) -> None:
    peer = make_device(units=frozenset({1}))
    away, link = make_reader(configure(peer.port, range(4), "unit_id = 2"))
    here = DeviceReader(configure(peer.port, range(4)), lambda _: None)
    assert away.read(link) == []
    assert (away.state, away.consecutive_failures) == ("timeout", 1)
    assert points_read(here.read(link)) == [0, 1, 2, 3]
    assert here.state == "healthy"
    link.close()


def test_an_endpoint_that_is_away_is_told_to_the_poller() -> None:
    reader, link = make_reader(configure(free_port(), range(4)))
    with pytest.raises(LinkFault):
        reader.read(link)
    assert reader.state == "disconnected"
    assert reader.message
    assert not reader.is_due()
