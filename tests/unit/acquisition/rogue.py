"""A device that answers whatever a test wants, byte by byte."""

import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress

Reply = Callable[[bytes], Iterable[bytes | float | None]]
"""From a request to what goes out: bytes, seconds to wait, None to close the connection."""


class Rogue:
    """Listens on a port of its own and serves one connection after the other."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.welcome: Callable[[], Iterable[bytes | float | None]] = list
        self.connections = 0
        self.requests: list[bytes] = []
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while not self._ended.is_set():
            with suppress(OSError):
                connection, _ = self._listener.accept()
                self.connections += 1
                with connection:
                    connection.settimeout(30)
                    self._converse(connection)

    def _converse(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        is_open = self._say(connection, self.welcome())
        while is_open and not self._ended.is_set() and (request := connection.recv(300)):
            self.requests.append(request)
            is_open = self._say(connection, self.reply(request))

    def _say(self, connection: socket.socket, parts: Iterable[bytes | float | None]) -> bool:
        """Return whether the connection stays open."""
        for part in parts:
            if part is None:
                return False
            if isinstance(part, float):
                self._ended.wait(part)
            else:
                connection.sendall(part)
        return True

    def close(self) -> None:
        self._ended.set()
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port)).close()
        self._listener.close()
        self._thread.join()


def answer(request: bytes, data: bytes, **wrong: int) -> bytes:
    """Return the right answer to a read, or one with something wrong in its head.

    wrong: transaction, protocol, length, unit, function, count instead of the right ones.
    """
    transaction = wrong.get("transaction", int.from_bytes(request[:2], "big"))
    head = transaction.to_bytes(2, "big") + wrong.get("protocol", 0).to_bytes(2, "big")
    head += wrong.get("length", len(data) + 3).to_bytes(2, "big")
    unit, function = wrong.get("unit", request[6]), wrong.get("function", request[7])
    return head + bytes((unit, function, wrong.get("count", len(data)))) + data
