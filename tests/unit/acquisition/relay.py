"""Ways to a Modbus/TCP device that lead through TLS, or through datagrams."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress

Change = Callable[[bytes], Iterable[bytes]]


def keep(datagram: bytes) -> Iterable[bytes]:
    return [datagram]


def ask(port: int, request: bytes) -> bytes:
    """Return the answer of a Modbus/TCP device to one frame."""
    with socket.create_connection(("127.0.0.1", port), 20) as device:
        device.sendall(request)
        head = _read(device, 6)
        return head + _read(device, int.from_bytes(head[4:], "big"))


def _read(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += connection.recv(size - len(data))
    return data


class DatagramRelay:
    """Hands each datagram to a device; `change` says what comes back instead of its answer."""

    def __init__(self, device: int) -> None:
        self.change: Change = keep
        self.requests: list[bytes] = []
        self.peer = ("", 0)  # who asked last
        self._device = device
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            request, self.peer = self._socket.recvfrom(65536)
            if not request:
                return
            self.requests.append(request)
            for datagram in self.change(ask(self._device, request)):
                self._socket.sendto(datagram, self.peer)

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()


class TlsRelay:
    """Speaks TLS as its context says, and hands each frame to a device."""

    def __init__(self, device: int, context: ssl.SSLContext) -> None:
        self.context = context
        self.connections = 0
        self.closed = 0
        self.answers = 1000  # to give in one connection
        self._device = device
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            raw, _ = self._listener.accept()
            if self._ended.is_set():
                raw.close()
                return
            with raw, suppress(OSError):
                raw.settimeout(20)
                with self.context.wrap_socket(raw, server_side=True) as connection:
                    self.connections += 1
                    self._converse(connection)
            self.closed += 1

    def _converse(self, connection: ssl.SSLSocket) -> None:
        for _ in range(self.answers):
            if not (request := connection.recv(300)):
                return
            connection.sendall(ask(self._device, request))

    def close(self) -> None:
        self._ended.set()
        socket.create_connection(("127.0.0.1", self.port)).close()
        self._thread.join()
        self._listener.close()
