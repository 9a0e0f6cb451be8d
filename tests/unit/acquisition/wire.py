"""A serial line made of two ptys, and a pump between them that a test can disturb."""

import os
import select
import threading
import tty
from collections.abc import Callable

Change = Callable[[bytes], bytes]


def keep(data: bytes) -> bytes:
    return data


class Wire:
    """`master` and `slave` are the paths of its two ends; bytes go from each to the other."""

    def __init__(self) -> None:
        self._near, near = os.openpty()
        self._far, far = os.openpty()
        self.master, self.slave = os.ttyname(near), os.ttyname(far)
        self._ends = [near, far]
        for end in self._ends:
            tty.setraw(end)
        self.echoes = False
        self._is_unplugged = False
        self.to_slave: Change = keep
        self.to_master: Change = keep
        self.requests: list[bytes] = []
        self._stop_reader, self._stop_writer = os.pipe()
        self._thread = threading.Thread(target=self._pump, daemon=True)
        self._thread.start()

    def _pump(self) -> None:
        while True:
            ready, _, _ = select.select([self._near, self._far, self._stop_reader], [], [])
            if self._stop_reader in ready:
                return
            if self._near in ready:
                data = os.read(self._near, 4096)
                self.requests.append(data)
                if self.echoes:
                    os.write(self._near, data)
                os.write(self._far, self.to_slave(data))
            if self._far in ready:
                os.write(self._near, self.to_master(os.read(self._far, 4096)))

    def say(self, data: bytes) -> None:
        """Put bytes on the line that nobody asked for."""
        os.write(self._near, data)

    def unplug(self) -> None:
        """Take the adapter away: both ends are gone. Later calls do nothing."""
        if self._is_unplugged:
            return  # the numbers of its files may be somebody else's by now
        self._is_unplugged = True
        os.write(self._stop_writer, b"\0")
        self._thread.join()
        for fd in (*self._ends, self._near, self._far, self._stop_reader, self._stop_writer):
            os.close(fd)


class SlowSlave:
    """Answers reads in RTU frames, `seconds` late; each register holds its own address."""

    def __init__(self, wire: Wire, seconds: float) -> None:
        self.seconds = seconds
        self._wire = wire
        wire.to_slave = self._answer

    def _answer(self, data: bytes) -> bytes:
        for i in range(0, len(data), 8):
            frame = answer_rtu(data[i : i + 8])
            threading.Timer(self.seconds, self._wire.say, [frame]).start()
        return b""


def answer_rtu(request: bytes) -> bytes:
    """Return the frame that answers a read of registers, each of which holds its own address."""
    first, count = int.from_bytes(request[2:4], "big"), int.from_bytes(request[4:6], "big")
    data = b"".join(a.to_bytes(2, "big") for a in range(first, first + count))
    return with_crc(request[:2] + bytes((len(data),)) + data)


def with_crc(frame: bytes) -> bytes:
    """Return a frame with its checksum, see "MODBUS over Serial Line" V1.02, 6.2.2."""
    crc = 0xFFFF
    for byte in frame:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return frame + crc.to_bytes(2, "little")
