"""Modbus requests a second of one connection, in turns, all against the same C server.

`python -m bench.requests PORT ROUNDS`, by the product's own Python; prints JSON.
"""

import json
import os
import sys
import time
from collections.abc import Callable

from pymodbus.client import ModbusTcpClient
from pyModbusTCP.client import ModbusClient

from bench.modbus_c import Client
from sja_units.acquisition.modbus.connect import open_link
from sja_units.acquisition.modbus.link import make_request
from sja_units.config.job_file import parse
from sja_units.kinds import as_acquisition

_READ = 100  # registers a request
_FILE = (
    '[sink]\ntype="local"\n[[device]]\nname="d"\nhost="127.0.0.1"\nport={}\n'
    'point=[{{name="p",reference=40001,type="uint16"}}]\n'
)


def main(port: int, rounds: int) -> dict[str, list[float]]:
    """Return each one's requests a second, round by round.

    All on one core: what a virtual machine takes to wake another one would hide the difference.
    """
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    settings = as_acquisition(parse("acquisition", _FILE.format(port), "bench").settings)
    assert settings
    link = open_link(settings.devices[0].endpoint)
    request = make_request("holding", 0, _READ)
    in_c = Client(port)
    sync = ModbusTcpClient("127.0.0.1", port=port)
    sync.connect()
    other = ModbusClient("127.0.0.1", port=port)
    ways: dict[str, Callable[[], int]] = {
        "libmodbus": lambda: in_c.read(_READ),
        "ours": lambda: len(link.read(1, request, 1.0)) // 2,
        "pymodbus sync": lambda: len(sync.read_holding_registers(0, count=_READ).registers),
        "pyModbusTCP": lambda: len(other.read_holding_registers(0, _READ) or ()),
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, ask in ways.items():
            rates[name].append(count_a_second(ask))
    return rates


def count_a_second(ask: Callable[[], int], seconds: float = 0.4) -> float:
    began = time.monotonic()
    done = 0
    while (elapsed := time.monotonic() - began) < seconds:
        # Some report a failure by what they return: it must not count as a quick answer.
        if ask() != _READ:
            raise ConnectionError("an answer of the wrong size")
        done += 1
    return done / elapsed


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]))))
