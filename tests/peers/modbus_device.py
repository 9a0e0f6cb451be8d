"""A Modbus/TCP device to try things against; the server is pyModbusTCP's, not pymodbus's.

Every holding and input register holds its own address, so that a wrong offset betrays itself; coil
and discrete input N is on where N is odd. The registers at --counter and the one after it hold,
high word first, how many requests were answered: each answer that reads them is unique, and --log
gets every number as it goes out.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any, TextIO

from pyModbusTCP.constants import EXP_DATA_ADDRESS, EXP_GATEWAY_TARGET_DEVICE_FAILED_TO_RESPOND
from pyModbusTCP.server import DataBank, DataHandler, ModbusServer


class Registers(DataHandler):  # type: ignore[misc]
    """Answers reads with what the address itself says."""

    def __init__(self, illegal: frozenset[int], counter: int, log: TextIO | None) -> None:
        super().__init__(DataBank(virtual_mode=True))
        self.illegal = illegal
        self.answered = 0
        self._counter = counter
        self._log = log
        self._lock = Lock()

    def _answer(self, address: int, count: int, make: Callable[[int], int]) -> Any:
        asked = range(address, address + count)
        if asked.stop > 65536 or self.illegal.intersection(asked):
            return DataHandler.Return(exp_code=EXP_DATA_ADDRESS)
        with self._lock:
            self.answered += 1
            if self._log is not None and self._counter in asked:
                self._log.write(f"{self.answered}\n")
                self._log.flush()
            return DataHandler.Return(exp_code=0, data=[make(a) for a in asked])

    def _register(self, address: int) -> int:
        if address == self._counter:
            return self.answered >> 16 & 0xFFFF
        if address == self._counter + 1:
            return self.answered & 0xFFFF
        return address

    def read_coils(self, address: int, count: int, _info: Any) -> Any:
        return self._answer(address, count, lambda a: a & 1)

    def read_d_inputs(self, address: int, count: int, _info: Any) -> Any:
        return self._answer(address, count, lambda a: a & 1)

    def read_h_regs(self, address: int, count: int, _info: Any) -> Any:
        return self._answer(address, count, self._register)

    def read_i_regs(self, address: int, count: int, _info: Any) -> Any:
        return self._answer(address, count, self._register)


class Device(ModbusServer):  # type: ignore[misc]
    """A device, or a gateway where it has several unit ids."""

    def __init__(self, host: str, port: int, registers: Registers, units: frozenset[int]) -> None:
        super().__init__(host=host, port=port, no_block=True, data_hdl=registers)
        self.registers = registers
        self._units = units

    # Where the server hands each request over; it has no public place for that.
    def _engine(self, session: Any) -> None:
        if session.request.mbap.unit_id in self._units:
            super()._engine(session)
        else:
            session.response.pdu.build_except(
                session.request.pdu.func_code, EXP_GATEWAY_TARGET_DEVICE_FAILED_TO_RESPOND
            )


def parse_ranges(text: str) -> frozenset[int]:
    """Return the addresses of a text such as "37,100-103"."""
    found: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=1502)
    parser.add_argument("--units", default="1", help='unit ids that answer, such as "1,5-7"')
    parser.add_argument("--illegal", default="", help='addresses that are refused, "37,100-103"')
    parser.add_argument("--counter", type=int, default=1000, help="address of the counter")
    parser.add_argument("--log", type=Path, help="file for each value of the counter sent out")
    parser.add_argument("--more", type=int, default=0, help="devices at the ports after it")
    options = parser.parse_args()
    for number in range(options.more, -1, -1):
        suffix = f".{number}" if options.more else ""
        path = options.log and options.log.with_name(f"{options.log.name}{suffix}")
        log = path.open("a", encoding="ascii") if path else None
        registers = Registers(parse_ranges(options.illegal), options.counter, log)
        port = options.port + number
        device = Device(options.host, port, registers, parse_ranges(options.units))
        device.no_block = number > 0
        print(f"listening on {options.host}:{port}", flush=True)
        device.start()


if __name__ == "__main__":
    main()
