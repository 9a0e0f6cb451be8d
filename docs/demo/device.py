"""The demo's Modbus device, in the machine: it counts its answers and keeps a log of them.

Holding registers 1000 and 1001 hold, high word first, how many requests were answered so far. It
counts on after a power cut, so no answer is ever given twice. LOG gets a line for each answer
before it goes out, and the word `connection` where somebody connected anew.
"""

import sys
from typing import Any, TextIO

from docs.demo.ledger import last_answer
from tests.peers.modbus_device import Device, Registers

PORT, COUNTER = 1502, 1000


class Answers(Registers):
    """Registers that count on from where the log ends."""

    def __init__(self, log: TextIO) -> None:
        super().__init__(frozenset(), COUNTER, log)
        log.seek(0)
        self.answered = last_answer(log.read())
        self._connections = log
        self._client = 0

    def read_h_regs(self, address: int, count: int, info: Any) -> Any:
        if info.client.port != self._client:
            self._client = info.client.port
            self._connections.write("connection\n")
        return super().read_h_regs(address, count, info)


def main() -> None:
    with open(sys.argv[1], "a+", encoding="ascii") as log:
        device = Device("127.0.0.1", PORT, Answers(log), frozenset({1}))
        device.no_block = False
        device.start()


if __name__ == "__main__":
    main()
