"""Serves simulated devices over Modbus/TCP, for people who have no hardware at hand.

Frames and requests are pymodbus's, as in modbus.py; the server is the standard library's, since
pymodbus's own has changed how it keeps registers more than once within the versions we take.
Source: MODBUS Application Protocol V1.1b3, modbus.org.
"""

import logging
import time
from collections.abc import Mapping
from socket import AF_INET6
from socketserver import StreamRequestHandler, ThreadingTCPServer

from pymodbus.framer import FramerSocket
from pymodbus.pdu import DecodePDU

from sja_units.acquisition.points.types import RegisterTable
from sja_units.acquisition.simulate.device import SimulatedUnit

logging.getLogger("pymodbus").setLevel(logging.CRITICAL)

_HEADER_BYTES = 7
_MOST_BYTES = 260
_TABLES: dict[int, RegisterTable] = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
_ILLEGAL_FUNCTION, _ILLEGAL_ADDRESS, _ILLEGAL_VALUE, _NO_SUCH_UNIT = 1, 2, 3, 11


class ModbusServer(ThreadingTCPServer):
    """Answers for the units of one endpoint. Raises OSError if it cannot listen."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, host: str, port: int, units: Mapping[int, SimulatedUnit]) -> None:
        if ":" in host:
            self.address_family = AF_INET6
        self._units = units
        self._began = time.monotonic()
        super().__init__((host, port), _Connection)

    def answer(self, unit: int, pdu: bytes) -> bytes:
        """Return the PDU that answers another one."""
        simulated = self._units.get(unit)
        if simulated is None:
            return _refuse(pdu, _NO_SUCH_UNIT)
        table = _TABLES.get(pdu[0])
        if table is None:
            return _refuse(pdu, _ILLEGAL_FUNCTION)
        request = DecodePDU(True).decode(pdu)
        if request is None or len(pdu) != 5:
            return _refuse(pdu, _ILLEGAL_VALUE)
        seconds = time.monotonic() - self._began
        content = simulated.read(table, request.address, request.count, seconds)
        if content is None:
            return _refuse(pdu, _ILLEGAL_ADDRESS)
        data = _pack_bits(content) if pdu[0] <= 2 else _pack_registers(content)
        return bytes((pdu[0], len(data))) + data


class _Connection(StreamRequestHandler):
    disable_nagle_algorithm = True
    server: ModbusServer

    def handle(self) -> None:
        framer = FramerSocket(DecodePDU(True))
        while len(header := self.rfile.read(_HEADER_BYTES)) == _HEADER_BYTES:
            length = int.from_bytes(header[4:6], "big")
            if header[2:4] != b"\0\0" or not 2 <= length <= _MOST_BYTES - 6:
                return  # not Modbus
            frame = header + self.rfile.read(length - 1)
            if len(frame) < length + 6:
                return
            _, unit, transaction, pdu = framer.decode(frame)
            self.wfile.write(framer.encode(self.server.answer(unit, pdu), unit, transaction))


def _refuse(pdu: bytes, code: int) -> bytes:
    return bytes((pdu[0] | 0x80, code))


def _pack_registers(words: list[int]) -> bytes:
    return b"".join(word.to_bytes(2, "big") for word in words)


def _pack_bits(bits: list[int]) -> bytes:
    total = sum(bit << place for place, bit in enumerate(bits))
    return total.to_bytes((len(bits) + 7) // 8, "little")
