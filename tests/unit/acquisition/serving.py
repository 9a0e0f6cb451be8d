"""Simulated devices on a port of their own."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sja_units.acquisition.simulate.device import SimulatedUnit
from sja_units.acquisition.simulate.server import ModbusServer


@contextmanager
def serving(units: Mapping[int, SimulatedUnit]) -> Iterator[int]:
    """Serve units; give the port."""
    with ModbusServer("127.0.0.1", 0, units) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()
