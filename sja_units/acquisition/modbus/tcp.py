"""Connections over a network: TCP, UDP datagrams, and TLS."""

import errno
import os
import socket
import time
from typing import Any

from sja_units.acquisition.modbus.channel import left
from sja_units.acquisition.modbus.steps import READABLE, WRITABLE, Call, Steps, Wait, sleep_until
from sja_units.errors import DescribedError
from sja_units.text import RESOLVE_SECONDS, describe_os_error

_MAX_DATAGRAM = 65536


class Network:
    """A TCP connection, or a UDP socket that hears one peer only."""

    def __init__(self, host: str, port: int, *, is_datagram: bool = False) -> None:
        self._address = (host, port)
        self._kind = socket.SOCK_DGRAM if is_datagram else socket.SOCK_STREAM
        self._socket: socket.socket | None = None
        self._lookup: Call | None = None
        self._last_good: Any = None  # the address that was reached last

    def ensure_open(self, timeout: float, not_before: float) -> Steps[bool]:
        is_new = self._socket is None or self._is_stale(self._socket)
        if is_new:
            yield from self._open(timeout)
        if not not_before:
            return is_new
        # A converter hands what is late on its serial line to whoever is connected by then.
        try:
            while True:
                yield from self.receive(_MAX_DATAGRAM, not_before)
        except TimeoutError:
            return is_new
        except OSError:  # closed, as by some where nothing is asked for a while
            yield from sleep_until(not_before)
            yield from self._open(timeout)
            return True

    def send(self, data: bytes, deadline: float) -> Steps[None]:
        connection = self._opened()
        view = memoryview(data)
        while True:
            try:
                view = view[connection.send(view) :]
            except BlockingIOError:
                left(deadline, time.monotonic())
            if not view:
                return
            yield Wait(deadline, connection.fileno(), WRITABLE)

    def receive(self, size: int, deadline: float) -> Steps[bytes]:
        connection = self._opened()
        is_datagram = self._kind == socket.SOCK_DGRAM
        while True:
            left(deadline, time.monotonic())
            yield Wait(deadline, connection.fileno(), READABLE)
            try:
                data = connection.recv(_MAX_DATAGRAM if is_datagram else size)
            except BlockingIOError:
                continue
            if not data and not is_datagram:
                raise ConnectionResetError("the device closed the connection")
            return data

    def drain(self) -> None:
        self.close()

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _opened(self) -> socket.socket:
        assert self._socket is not None
        return self._socket

    def _is_stale(self, connection: socket.socket) -> bool:
        """Tell whether the connection was closed, or has something to say that nobody asked."""
        try:
            self._peek(connection)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def _peek(self, connection: socket.socket) -> None:
        """Read what is there; raise BlockingIOError if there is nothing."""
        connection.recv(1, socket.MSG_PEEK)

    def _open(self, timeout: float) -> Steps[None]:
        self.close()
        found = yield from self._look_up()
        deadline = time.monotonic() + timeout
        last: OSError = TimeoutError()
        for place, (*family, _, address) in enumerate(found):
            # Each address gets its share: one that swallows packets must not hide the others.
            share = (deadline - time.monotonic()) / (len(found) - place)
            try:
                self._socket = yield from self._connect(family, address, time.monotonic() + share)
            except OSError as error:
                last = error
            else:
                self._last_good = address
                return
        raise last

    def _look_up(self) -> Steps[list[Any]]:
        """Return what getaddrinfo says, the address that was reached last at the head."""
        host, port = self._address
        # As bytes: for text, tables of Unicode would be loaded, and a host is ASCII.
        try:
            found = socket.getaddrinfo(
                host.encode(), port, type=self._kind, flags=socket.AI_NUMERICHOST
            )
        except (OSError, UnicodeError):
            found = yield from self._ask_for_addresses()
        return sorted(found, key=lambda each: each[-1] != self._last_good)

    def _ask_for_addresses(self) -> Steps[Any]:
        host, port = self._address
        if self._lookup is None:
            self._lookup = Call(lambda: socket.getaddrinfo(host.encode(), port, type=self._kind))
        # The C library sets the time of a look-up: one that hangs is not begun a second time.
        until = time.monotonic() + RESOLVE_SECONDS
        while not self._lookup.is_done and time.monotonic() < until:
            yield Wait(until, call=self._lookup)
        if not self._lookup.is_done:
            raise DescribedError(f"looking up the name {host!r} takes too long")
        lookup, self._lookup = self._lookup, None
        try:
            return lookup.result()
        except (OSError, UnicodeError) as error:
            why = describe_os_error(error)
            raise DescribedError(f"the name {host!r} is not found: {why}") from None

    def _connect(self, family: list[int], address: Any, deadline: float) -> Steps[socket.socket]:
        """Return a connection; `family` is all that a socket is made from."""
        connection = socket.socket(*family)
        try:
            connection.setblocking(False)
            error = connection.connect_ex(address)
            while error == errno.EINPROGRESS:
                left(deadline, time.monotonic())
                yield Wait(deadline, connection.fileno(), WRITABLE)
                error = _take_error(connection)
            if error:
                raise OSError(error, os.strerror(error))
            if connection.type == socket.SOCK_STREAM:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return (yield from self._dress(connection, deadline))
        except BaseException:
            connection.close()
            raise

    def _dress(self, connection: socket.socket, deadline: float) -> Steps[socket.socket]:
        """Return what the new connection is spoken through."""
        del deadline
        return connection
        yield


def _take_error(connection: socket.socket) -> int:
    """Return what became of a connection attempt, 0 if it has succeeded."""
    if error := connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        return error
    try:
        connection.getpeername()
    except OSError:
        return errno.EINPROGRESS
    return 0
