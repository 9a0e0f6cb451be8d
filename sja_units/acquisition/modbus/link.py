"""Modbus requests over one connection: the only file that imports pymodbus.

Frames and requests are pymodbus's (3.11 to 3.16 agree on what is used here); the connection is
our own, so that one deadline holds for a whole request and no late or foreign answer becomes a
value. Source: MODBUS Application Protocol V1.1b3, MODBUS Messaging on TCP/IP V1.0b and MODBUS over
Serial Line V1.02, modbus.org.
"""

import logging  # pymodbus has loaded it anyway
import re
import time
from collections.abc import Callable
from typing import Literal, NamedTuple

from pymodbus.framer import FramerAscii, FramerBase, FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest

from sja_units.acquisition.modbus.channel import Channel
from sja_units.acquisition.modbus.endpoint import NO_PACING, Pacing, Transport
from sja_units.acquisition.modbus.habits import Habits
from sja_units.acquisition.modbus.steps import Steps, run, sleep_until
from sja_units.acquisition.points.types import RegisterTable
from sja_units.text import describe_os_error

# What it finds wrong with a frame is told by us, once, in the words of the job.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)

MAX_FRAME = 260
_DEAF_SECONDS = 1.0  # after a connection some converters hear nothing
_MAX_ASCII = 513
_ASCII = re.compile(rb":(?:[0-9A-Fa-f]{2}){3,}\r\n")
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


_Answer = tuple[int, bytes]
"""The unit that answers, and its PDU."""
_Receive = Callable[[bytes, Request, float], Steps[_Answer]]
"""From our frame, what it asks and a deadline to the answer."""


class ExceptionResponse(Exception):
    """The device answered with a Modbus exception."""

    def __init__(self, code: int) -> None:
        super().__init__(f"{_CODES.get(code, 'exception')} ({code})")
        self.code = code


LinkCondition = Literal["timeout", "disconnected", "error"]


class LinkError(Exception):
    """There is no answer that can be trusted.

    at_connect: nothing was sent, the endpoint is away.
    """

    def __init__(self, state: LinkCondition, message: str, *, at_connect: bool = False) -> None:
        super().__init__(message)
        self.state = state
        self.at_connect = at_connect


class InvalidResponse(Exception):
    """An answer that cannot be trusted."""


class MismatchedResponse(InvalidResponse):
    """A sound answer to another question: the one to ours may still be under way."""


def make_request(table: RegisterTable, address: int, count: int) -> Request:
    """Return the request for `count` registers, or bits, from a zero-based address."""
    pdu = _REQUESTS[table](address=address, count=count)
    size = (count + 7) // 8 if table in ("coil", "discrete") else count * 2
    return Request(bytes((pdu.function_code,)) + pdu.encode(), size)


class Link:
    """The one connection to an endpoint; it opens when it is needed."""

    def __init__(self, transport: Transport, channel: Channel, pacing: Pacing = NO_PACING) -> None:
        decoder = DecodePDU(False)
        self._framer: FramerBase = FramerSocket(decoder)
        self._receive: _Receive = self._receive_mbap
        if transport == "ascii":
            self._framer, self._receive = FramerAscii(decoder), self._receive_ascii
        elif transport in ("rtu", "rtu-over-tcp"):
            self._framer, self._receive = FramerRTU(decoder), self._receive_rtu
        self._has_transactions = self._receive == self._receive_mbap
        self._channel = channel
        self._pacing = pacing
        self.habits = Habits()
        self._is_fresh = False  # the connection: nothing was answered on it yet
        self._unanswered = 0  # requests in a row, on this connection
        self._opened_at = 0.0
        self._answered_at = 0.0
        self._transaction = 0
        self._other_transaction = 0  # of an answer to another request than the last one
        self._late: dict[int, float] = {}  # unit -> until when an answer may still come

    def close(self) -> None:
        """Close the connection, if there is one."""
        self._channel.close()

    def drained_at(self, unit: int) -> float:
        """Return until when `read` of that unit would wait for an answer that may be late."""
        return self._late.get(unit, 0.0)

    def may_be_deaf(self) -> bool:
        """Tell whether the connection is so new that the device may hear nothing yet."""
        return self._is_fresh and time.monotonic() < self._opened_at + _DEAF_SECONDS

    def read(self, unit: int, request: Request, timeout: float) -> bytes:
        """Do the same as `exchange`, in this thread."""
        return run(self.exchange(unit, request, timeout))

    def exchange(self, unit: int, request: Request, timeout: float) -> Steps[bytes]:
        """Return the data of the answer.

        timeout: seconds for the request as a whole, and again for opening the connection.
        Raises ExceptionResponse for an exception of the device, LinkError for all else.
        """
        yield from self._make_ready(unit, timeout)
        began = time.monotonic()
        deadline = began + timeout
        try:
            data = yield from self._ask(unit, request, deadline)
        except ExceptionResponse:
            self._note_answer(unit, request)
            raise
        except TimeoutError:
            is_late = True
            error = LinkError("timeout", f"no answer within {timeout:g} s{self._tell_other()}")
            self.habits.note_ignored(unit, request, began - self._answered_at, self._is_fresh)
        except InvalidResponse as doubt:
            # Beside another unit's late answer, what is garbled may be that one.
            is_late = isinstance(doubt, MismatchedResponse) or self._awaits_others()
            error = LinkError("error", str(doubt))
        except OSError as lost:
            self._channel.close()
            raise LinkError("disconnected", describe_os_error(lost)) from None
        else:
            self._note_answer(unit, request)
            return data
        # A late answer must never be taken for the one to the next request. Without transactions,
        # a repeat waits as well: the answer to its first try would leave its own one under way,
        # and every later value would be that of the request before.
        if is_late and not self._has_transactions:
            self._late[unit] = deadline + timeout
        self._unanswered += 1
        # Many a converter is deaf for a while after a connection: another one would not help.
        is_spared = self.may_be_deaf() or (self._is_fresh and self._unanswered == 1)
        if error.state != "timeout" or not is_spared:
            self._channel.drain()
        raise error

    def _make_ready(self, unit: int, timeout: float) -> Steps[None]:
        try:
            is_new = yield from self._channel.ensure_open(timeout, self.drained_at(unit))
        except OSError as error:
            raise LinkError("disconnected", describe_os_error(error), at_connect=True) from None
        connect_delay, request_delay = self._pacing
        if is_new:
            self._is_fresh, self._unanswered = True, 0
            self._opened_at = time.monotonic()
            if connect_delay:
                yield from sleep_until(time.monotonic() + connect_delay)
        if request_delay:
            yield from sleep_until(self._answered_at + request_delay)

    def _note_answer(self, unit: int, request: Request) -> None:
        self._is_fresh, self._unanswered = False, 0
        self._answered_at = time.monotonic()
        self.habits.note_answered(unit, request)

    def _tell_other(self) -> str:
        """Return what came instead of the answer, "" if nothing did."""
        other, self._other_transaction = self._other_transaction, 0
        if not other:
            return ""
        return f"; what came has transaction number {other} instead of {self._transaction}"

    def _awaits_others(self) -> bool:
        now = time.monotonic()
        return any(until > now for until in self._late.values())

    def _ask(self, unit: int, request: Request, deadline: float) -> Steps[bytes]:
        self._transaction = self._transaction % 0xFFFF + 1
        self._other_transaction = 0
        frame = self._framer.encode(request.pdu, unit, self._transaction)
        yield from self._channel.send(frame, deadline)
        answered, pdu = yield from self._receive(frame, request, deadline)
        if answered != unit:
            raise MismatchedResponse(f"unit {answered} answered instead of {unit}")
        return _check(pdu, request)

    def _receive_mbap(self, _frame: bytes, _request: Request, deadline: float) -> Steps[_Answer]:
        """Return unit and PDU of the answer to the last transaction; skip those to older ones."""
        buffer = b""
        while True:
            length = int.from_bytes(buffer[4:6], "big") if len(buffer) >= 6 else 3
            if buffer[2:4].strip(b"\0") or not 3 <= length <= MAX_FRAME - 6:
                raise InvalidResponse("the answer is not a Modbus frame")
            if len(buffer) < 6 + length or len(buffer) < 6:
                buffer += yield from self._take(MAX_FRAME - len(buffer), deadline)
                continue
            _, answered, transaction, pdu = self._framer.decode(buffer[: 6 + length])
            buffer = buffer[6 + length :]
            if transaction != self._transaction:
                self._other_transaction = transaction
                continue
            if buffer:
                raise InvalidResponse("the answer is longer than it says")
            return answered, pdu

    def _receive_rtu(self, frame: bytes, request: Request, deadline: float) -> Steps[_Answer]:
        buffer = b""
        needed = 5  # unit, function, code, CRC: an exception, the shortest answer
        # What begins as our own frame does is its echo, as many an adapter gives it.
        while len(buffer) < needed or (frame.startswith(buffer) and len(buffer) < len(frame)):
            buffer += yield from self._take(MAX_FRAME - len(buffer), deadline)
            if buffer.startswith(frame):
                buffer = buffer[len(frame) :]
                frame = b""
            is_data = len(buffer) >= 2 and not buffer[1] & 0x80
            needed = 5 + request.size if is_data else 5
        if len(buffer) > needed:
            raise InvalidResponse("the answer is longer than asked for")
        used, answered, _, pdu = self._framer.decode(buffer)
        if used != needed or not pdu:
            raise InvalidResponse("the answer's checksum is wrong")
        return answered, pdu

    def _receive_ascii(self, frame: bytes, _request: Request, deadline: float) -> Steps[_Answer]:
        buffer = b""
        while True:
            line, end, rest = buffer.partition(b"\r\n")
            if end and line + end == frame:
                buffer, frame = rest, b""
            elif end:
                break
            else:
                buffer += yield from self._take(_MAX_ASCII + len(frame) - len(buffer), deadline)
        if rest:
            raise InvalidResponse("the answer is longer than it says")
        # A colon begins a frame, whatever came before it.
        answer = line[max(0, line.rfind(b":")) :] + end
        if not _ASCII.fullmatch(answer):
            raise InvalidResponse("the answer is not a Modbus frame")
        _, answered, _, pdu = self._framer.decode(answer)
        if not pdu:
            raise InvalidResponse("the answer's checksum is wrong")
        return answered, pdu

    def _take(self, size: int, deadline: float) -> Steps[bytes]:
        if size <= 0:
            raise InvalidResponse("the answer is longer than a Modbus frame")
        data = yield from self._channel.receive(size, deadline)
        if len(data) > size:
            raise InvalidResponse("the answer is longer than a Modbus frame")
        return data


def _check(pdu: bytes, request: Request) -> bytes:
    """Return the data of an answer if it is one to this request."""
    function = request.pdu[0]
    if len(pdu) == 2 and pdu[0] == function | 0x80:
        raise ExceptionResponse(pdu[1])
    if pdu[:1] != request.pdu[:1]:
        raise MismatchedResponse(f"function {pdu[0]} was answered instead of {function}")
    if len(pdu) != 2 + request.size or pdu[1] != request.size:
        raise MismatchedResponse(f"{len(pdu) - 2} bytes were answered instead of {request.size}")
    return pdu[2:]
