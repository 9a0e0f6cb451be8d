"""A soak: 20 devices with 2,000 points, and faults of all kinds for as long as one likes.

`tests/run soak` runs it for ten minutes; it counts at the devices. It is no part of the suite.
"""

import re
from collections import Counter

import pytest

from tests.machines.machine import Machine
from tests.system.counterparts import ModbusDevice
from tests.system.faults import FaultyLine
from tests.system.lines import create_acquisition, describe_device
from tests.system.test_faults import assert_account, spoil

DEVICES = 20
POINTS = 100
_PARKED = re.compile(r"^press(\d+)\S* .*?\bcounter=(\d+)i", re.MULTILINE)
_POINT = """
  [[device.point]]
  name = "p{address}"
  table = "holding"
  address = {address}
  type = "uint16"
"""


class Plant(FaultyLine):
    """A job with many devices. A read is numbered value * DEVICES + the device's place."""

    def make_device(self, machine: Machine, port: int) -> ModbusDevice:
        return ModbusDevice(machine, port, more=DEVICES - 1)

    def create(self, machine: Machine, name: str, port: int) -> str:
        further = "".join(_POINT.format(address=1003 + n) for n in range(POINTS - 2))
        devices = [
            describe_device(f"press{place}", port + place) + further for place in range(DEVICES)
        ]
        return create_acquisition(machine, name, devices, self.database.sink, interval="1s")

    def compare(self) -> tuple[Counter[int], Counter[int]]:
        stored: Counter[int] = Counter()
        for place in range(DEVICES):
            rows = self.database.rows(f"press{place}", "counter")
            stored.update(int(value) * DEVICES + place for _, value in rows)
        sent = self.device.sent()
        return sent - stored, stored - sent

    def parked(self) -> Counter[int]:
        text = self.machine.sh(f"cat /var/lib/sja-units/{self.job}/dead-letter.lp* || true").stdout
        return Counter(int(n) * DEVICES + int(place) for place, n in _PARKED.findall(text))


def test_soak(machine: Machine, pytestconfig: pytest.Config) -> None:
    plant = Plant(machine, "plant", 1600)
    spoil(plant, pytestconfig)
    assert_account(plant, at_once=DEVICES)
    answers = plant.device.sent().total()
    print(f"{answers} answers of {DEVICES} devices, {DEVICES * POINTS} points each second")
