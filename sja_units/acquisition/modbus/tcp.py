"""Connections over a network: TCP, UDP datagrams, and TLS."""

import socket
import time
from typing import Any

from sja_units.acquisition.modbus.channel import left
from sja_units.text import describe_os_error

_MAX_DATAGRAM = 65536


class Network:
    """A TCP connection, or a UDP socket that hears one peer only."""

    def __init__(self, host: str, port: int, *, is_datagram: bool = False) -> None:
        self._address = (host, port)
        self._kind = socket.SOCK_DGRAM if is_datagram else socket.SOCK_STREAM
        self._socket: socket.socket | None = None

    def ensure_open(self, timeout: float, not_before: float) -> None:
        if self._socket is None or self._is_stale(self._socket):
            self._open(timeout)
        # A converter hands what is late on its serial line to whoever is connected by then.
        try:
            while not_before:
                self.receive(_MAX_DATAGRAM, not_before)
        except TimeoutError:
            return
        except OSError:  # closed, as by some where nothing is asked for a while
            time.sleep(max(0.0, not_before - time.monotonic()))
            self._open(timeout)

    def send(self, data: bytes, deadline: float) -> None:
        self._armed(deadline).sendall(data)

    def receive(self, size: int, deadline: float) -> bytes:
        if self._kind == socket.SOCK_DGRAM:
            return self._armed(deadline).recv(_MAX_DATAGRAM)
        data = self._armed(deadline).recv(size)
        if not data:
            raise ConnectionResetError("the device closed the connection")
        return data

    def drain(self) -> None:
        self.close()

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _armed(self, deadline: float) -> socket.socket:
        assert self._socket is not None
        self._socket.settimeout(left(deadline, time.monotonic()))
        return self._socket

    def _is_stale(self, connection: socket.socket) -> bool:
        """Tell whether the connection was closed, or has something to say that nobody asked."""
        try:
            connection.setblocking(False)
            self._peek(connection)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def _peek(self, connection: socket.socket) -> None:
        """Read what is there; raise BlockingIOError if there is nothing."""
        connection.recv(1, socket.MSG_PEEK)

    def _open(self, timeout: float) -> None:
        self.close()
        try:
            host, port = self._address
            # As bytes: for text, tables of Unicode would be loaded, and a host is ASCII.
            found = socket.getaddrinfo(host.encode(), port, type=self._kind)
        except (OSError, UnicodeError) as error:
            why = describe_os_error(error)
            raise OSError(0, f"the name {self._address[0]!r} is not found: {why}") from None
        deadline = time.monotonic() + timeout
        last: OSError = TimeoutError()
        for *family, _, address in found:
            try:
                self._socket = self._connect(family, address, deadline)
            except OSError as error:
                last = error
            else:
                return
        raise last

    def _connect(self, family: list[int], address: Any, deadline: float) -> socket.socket:
        """Return a connection; `family` is all that a socket is made from."""
        connection = socket.socket(*family)
        try:
            connection.settimeout(max(0.001, deadline - time.monotonic()))
            connection.connect(address)
            if connection.type == socket.SOCK_STREAM:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return self._dress(connection, deadline)
        except BaseException:
            connection.close()
            raise

    def _dress(self, connection: socket.socket, deadline: float) -> socket.socket:
        """Return what the new connection is spoken through."""
        del deadline
        return connection
