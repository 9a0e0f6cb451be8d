"""Modbus requests over one connection: the only file that imports pymodbus.

Frames and requests are pymodbus's (3.11 to 3.16 agree on what is used here); the socket is our
own, so that one deadline holds for a whole request and no late or foreign answer becomes a value.
Source: MODBUS Application Protocol V1.1b3 and MODBUS Messaging on TCP/IP V1.0b, modbus.org.
"""

import logging  # pymodbus has loaded it anyway
import socket
import time
from typing import Any, NamedTuple

from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest

from sja_units.acquisition.words import describe_os_error

# What it finds wrong with a frame is told by us, once, in the words of the job.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)

MAX_FRAME = 260
_REQUESTS = {
    "coil": ReadCoilsRequest,
    "discrete": ReadDiscreteInputsRequest,
    "holding": ReadHoldingRegistersRequest,
    "input": ReadInputRegistersRequest,
}
_CODES = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    5: "acknowledge, still working",
    6: "busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway: the unit does not respond",
}


class Request(NamedTuple):
    """A read, ready to be sent as often as wanted."""

    pdu: bytes
    size: int  # bytes of data in the right answer


class Refusal(Exception):
    """The device answered with a Modbus exception."""

    def __init__(self, code: int) -> None:
        super().__init__(f"{_CODES.get(code, 'exception')} ({code})")
        self.code = code


class LinkFault(Exception):
    """There is no answer that can be trusted; the connection is closed.

    state: timeout, disconnected or error. at_connect: nothing was sent, the endpoint is away.
    """

    def __init__(self, state: str, message: str, *, at_connect: bool = False) -> None:
        super().__init__(message)
        self.state = state
        self.at_connect = at_connect


class _Doubt(Exception):
    """An answer that is not the one to our question."""


def make_request(table: str, address: int, count: int) -> Request:
    """Return the request for `count` registers, or bits, from a zero-based address."""
    pdu = _REQUESTS[table](address=address, count=count)
    size = (count + 7) // 8 if table in ("coil", "discrete") else count * 2
    return Request(bytes((pdu.function_code,)) + pdu.encode(), size)


class Link:
    """The one connection to an endpoint; it opens when it is needed."""

    def __init__(self, transport: str, host: str, port: int) -> None:
        self._is_datagram = transport == "udp"
        self._is_rtu = transport == "rtu-over-tcp"
        self._address = (host, port)
        self._socket: socket.socket | None = None
        self._framer = (FramerRTU if self._is_rtu else FramerSocket)(DecodePDU(False))
        self._transaction = 0

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def read(self, unit: int, request: Request, timeout: float) -> bytes:
        """Return the data of the answer.

        timeout: seconds for the request as a whole, and again for opening the connection.
        Raises Refusal for an exception of the device, LinkFault for all else.
        """
        if self._socket is None or self._is_stale(self._socket):
            self._open(timeout)
        assert self._socket is not None
        try:
            return self._ask(self._socket, unit, request, time.monotonic() + timeout)
        except Refusal:
            raise
        except TimeoutError:
            fault = LinkFault("timeout", f"no answer within {timeout:g} s")
        except _Doubt as doubt:
            fault = LinkFault("error", str(doubt))
        except OSError as error:
            fault = LinkFault("disconnected", describe_os_error(error))
        # A late answer must never be taken for the one to the next request.
        self.close()
        raise fault

    def _is_stale(self, connection: socket.socket) -> bool:
        """Tell whether the connection was closed, or has something to say that nobody asked."""
        try:
            connection.setblocking(False)
            connection.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def _open(self, timeout: float) -> None:
        self.close()
        kind = socket.SOCK_DGRAM if self._is_datagram else socket.SOCK_STREAM
        try:
            found = socket.getaddrinfo(*self._address, type=kind)
        except (OSError, UnicodeError) as error:
            message = f"the name {self._address[0]!r} is not found: {describe_os_error(error)}"
            raise LinkFault("disconnected", message, at_connect=True) from None
        deadline = time.monotonic() + timeout
        last: Exception = TimeoutError()
        for *family, _, address in found:
            try:
                self._socket = _connect(family, address, deadline)
            except OSError as error:
                last = error
            else:
                return
        raise LinkFault("disconnected", describe_os_error(last), at_connect=True)

    def _ask(
        self, connection: socket.socket, unit: int, request: Request, deadline: float
    ) -> bytes:
        self._transaction = self._transaction % 0xFFFF + 1
        frame = self._framer.encode(request.pdu, unit, self._transaction)
        connection.settimeout(_left(deadline))
        connection.sendall(frame)
        receive = self._receive_rtu if self._is_rtu else self._receive_mbap
        return _check(receive(connection, unit, request, deadline), request)

    def _receive_mbap(
        self, connection: socket.socket, unit: int, _request: Request, deadline: float
    ) -> bytes:
        """Return the PDU of the answer to the last transaction; skip those to older ones."""
        buffer = b""
        while True:
            length = int.from_bytes(buffer[4:6], "big") if len(buffer) >= 6 else 3
            if buffer[2:4].strip(b"\0") or not 3 <= length <= MAX_FRAME - 6:
                raise _Doubt("the answer is not a Modbus frame")
            if len(buffer) < 6 + length or len(buffer) < 6:
                buffer += self._receive(connection, MAX_FRAME - len(buffer), deadline)
                continue
            _, answered, transaction, pdu = self._framer.decode(buffer[: 6 + length])
            buffer = buffer[6 + length :]
            if transaction != self._transaction:
                continue
            if answered != unit:
                raise _Doubt(f"unit {answered} answered instead of {unit}")
            if buffer:
                raise _Doubt("the answer is longer than it says")
            return pdu

    def _receive_rtu(
        self, connection: socket.socket, unit: int, request: Request, deadline: float
    ) -> bytes:
        buffer = b""
        needed = 5  # unit, function, code, CRC: the shortest answer
        while len(buffer) < needed:
            buffer += self._receive(connection, MAX_FRAME - len(buffer), deadline)
            if len(buffer) >= 2 and not buffer[1] & 0x80:
                needed = 5 + request.size
        if len(buffer) > needed:
            raise _Doubt("the answer is longer than asked for")
        used, answered, _, pdu = self._framer.decode(buffer)
        if used != needed or not pdu:
            raise _Doubt("the answer's checksum is wrong")
        if answered != unit:
            raise _Doubt(f"unit {answered} answered instead of {unit}")
        return pdu

    def _receive(self, connection: socket.socket, size: int, deadline: float) -> bytes:
        connection.settimeout(_left(deadline))
        data = connection.recv(MAX_FRAME + 1 if self._is_datagram else size)
        if not data:
            raise ConnectionResetError("the device closed the connection")
        if len(data) > size:
            raise _Doubt("the answer is longer than a Modbus frame")
        return data


def _connect(family: list[int], address: Any, deadline: float) -> socket.socket:
    """Return a connection; `family` is all that a socket is made from."""
    connection = socket.socket(*family)
    try:
        connection.settimeout(max(0.001, deadline - time.monotonic()))
        connection.connect(address)
        if connection.type == socket.SOCK_STREAM:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError:
        connection.close()
        raise
    return connection


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _check(pdu: bytes, request: Request) -> bytes:
    """Return the data of an answer if it is one to this request."""
    function = request.pdu[0]
    if len(pdu) == 2 and pdu[0] == function | 0x80:
        raise Refusal(pdu[1])
    if pdu[:1] != request.pdu[:1]:
        raise _Doubt(f"function {pdu[0]} was answered instead of {function}")
    if len(pdu) != 2 + request.size or pdu[1] != request.size:
        raise _Doubt(f"{len(pdu) - 2} bytes were answered instead of {request.size}")
    return pdu[2:]
