"""A connection to the system's D-Bus: calls, replies and signals as plain values.

The only file that knows dbus-next. Of that only the messages are used, over a socket of our own:
its buses need asyncio, whose import costs more than all that `sjactl status` does. Sources: the
D-Bus specification (authentication, header of a message), dbus_next.message.
"""

import importlib.util
import os
import select
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from io import BytesIO
from types import ModuleType
from typing import Any, Literal, NamedTuple

from sja_units.errors import NotAllowed, SjaError

if "dbus_next" not in sys.modules:
    # The package's own start imports asyncio and GLib; its modules are found without that.
    _spec = importlib.util.find_spec("dbus_next")
    assert _spec is not None
    _package = ModuleType("dbus_next")
    _package.__path__ = list(_spec.submodule_search_locations or ())
    _package.__spec__ = _spec
    sys.modules["dbus_next"] = _package

import dbus_next.errors  # noqa: F401  # it and dbus_next.message import each other
from dbus_next._private.unmarshaller import Unmarshaller
from dbus_next.constants import MessageType
from dbus_next.message import Message
from dbus_next.signature import Variant

CALL_SECONDS = 30.0
# Calls that await their replies. PID 1 answers them one after the other; far more of them, and the
# bus drops its connection.
IN_FLIGHT = 16
BUS = "org.freedesktop.DBus"

_BUS_PATH = "/org/freedesktop/DBus"
_DEFAULT_ADDRESS = "unix:path=/run/dbus/system_bus_socket"
_REFUSED = (f"{BUS}.Error.AccessDenied", f"{BUS}.Error.InteractiveAuthorizationRequired")
# The one who was asked is gone, or was replaced before it could answer.
_GONE = tuple(
    f"{BUS}.Error.{name}"
    for name in ("NoReply", "ServiceUnknown", "NameHasNoOwner", "Disconnected", "TimedOut")
)
_HEADER_BYTES = 16


class ConnectionLost(SjaError):
    """Whoever was asked cannot answer any more; it may be back in a moment."""


class Call(NamedTuple):
    """A method call."""

    destination: str
    path: str
    interface: str
    member: str
    signature: str = ""
    body: tuple[Any, ...] = ()


class Signal(NamedTuple):
    """What a service told of by itself."""

    path: str
    interface: str
    member: str
    body: list[Any]


class Connection:
    """An open connection, for one thread. Raises ConnectionLost where there is no bus."""

    def __init__(self) -> None:
        self._socket = _connect(os.environ.get("DBUS_SYSTEM_BUS_ADDRESS") or _DEFAULT_ADDRESS)
        self._received = bytearray()
        self._serial = 0
        self._awaited: set[int] = set()
        self._replies: dict[int, Message] = {}
        self.is_open = True
        self.signals = 0  # that have come
        self.listeners: list[Callable[[Signal], None]] = []  # which must not call
        try:
            self.call(Call(BUS, _BUS_PATH, BUS, "Hello"))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self.is_open = False
        self._socket.close()

    def call(self, call: Call) -> list[Any]:
        """Return the body of the reply. Raises SjaError, NotAllowed, ConnectionLost."""
        return self._await(call, self._send(call))

    def call_all(self, calls: Iterable[Call]) -> list[list[Any]]:
        """Return the bodies of the replies in the order of the calls; raises as `call` does."""
        bodies = []
        sent: deque[tuple[Call, int]] = deque()
        for call in calls:
            if len(sent) == IN_FLIGHT:
                bodies.append(self._await(*sent.popleft()))
            sent.append((call, self._send(call)))
        bodies += [self._await(*sent.popleft()) for _ in range(len(sent))]
        return bodies

    def listen_to(self, rule: str) -> None:
        """Have the signals that match a rule sent to this connection."""
        self.call(Call(BUS, _BUS_PATH, BUS, "AddMatch", "s", (rule,)))

    def receive(self, seconds: float, descriptors: Iterable[int] = ()) -> bool:
        """Take in what has come, or comes within so many seconds, and hand signals on.

        Returns whether anything came, or one of the descriptors can be read. Raises ConnectionLost.
        """
        if not self.is_open:
            raise self._break("it has ended")
        poll = select.poll()
        for descriptor in (self._socket.fileno(), *descriptors):
            poll.register(descriptor, select.POLLIN)
        ready = [descriptor for descriptor, _ in poll.poll(max(0.0, seconds) * 1000)]
        if self._socket.fileno() in ready:
            self._read()
        return bool(ready)

    def _send(self, call: Call) -> int:
        self._serial += 1
        message = Message(
            destination=call.destination,
            path=call.path,
            interface=call.interface,
            member=call.member,
            signature=call.signature,
            body=list(call.body),
            serial=self._serial,
        )
        try:
            self._socket.sendall(message._marshall())
        except OSError as error:
            raise self._break(error) from None
        self._awaited.add(self._serial)
        return self._serial

    def _await(self, call: Call, serial: int) -> list[Any]:
        deadline = time.monotonic() + CALL_SECONDS
        while serial not in self._replies:
            left = deadline - time.monotonic()
            if left <= 0:
                self._awaited.discard(serial)
                raise SjaError(f"no answer within {CALL_SECONDS:.0f} s ({call.member})")
            self.receive(left)
        reply = self._replies.pop(serial)
        if reply.message_type is MessageType.ERROR:
            raise _translate(reply)
        return [value.value if isinstance(value, Variant) else value for value in reply.body]

    def _read(self) -> None:
        try:
            data = self._socket.recv(1 << 18)
        except OSError as error:
            raise self._break(error) from None
        if not data:
            raise self._break("it was closed")
        self._received += data
        while (size := _measure(self._received)) and len(self._received) >= size:
            unmarshaller = Unmarshaller(BytesIO(self._received[:size]))
            del self._received[:size]
            self._take(unmarshaller.unmarshall())

    def _take(self, message: Message) -> None:
        if message.message_type is MessageType.SIGNAL:
            self.signals += 1
            signal = Signal(message.path, message.interface, message.member, message.body)
            for listener in self.listeners:
                listener(signal)
        elif message.reply_serial in self._awaited:
            self._awaited.remove(message.reply_serial)
            self._replies[message.reply_serial] = message

    def _break(self, reason: object) -> ConnectionLost:
        self.close()
        return ConnectionLost(
            f"the connection to D-Bus broke: {reason}", "is dbus being restarted?"
        )


def _measure(data: bytearray) -> int:
    """Return how many bytes a message has that begins so, 0 as long as that cannot be told."""
    if len(data) < _HEADER_BYTES:
        return 0
    order: Literal["little", "big"] = "little" if data[0] == ord("l") else "big"
    body, fields = (int.from_bytes(data[i : i + 4], order) for i in (4, 12))
    return _HEADER_BYTES + fields + -fields % 8 + body


def _connect(addresses: str) -> socket.socket:
    reasons = []
    for address in addresses.split(";"):
        bus = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        bus.settimeout(CALL_SECONDS)
        try:
            bus.connect(_parse(address))
            _authenticate(bus)
        except OSError as error:
            bus.close()
            reasons.append(str(error.strerror or error))
        else:
            return bus
    raise ConnectionLost(
        f"D-Bus cannot be reached: {'; '.join(reasons)}", "is dbus running? systemctl status dbus"
    )


def _parse(address: str) -> str:
    """Return the path of the socket that a bus's address names. Raises OSError."""
    transport, _, words = address.partition(":")
    values = dict(word.split("=", 1) for word in words.split(",") if "=" in word)
    if transport != "unix" or not {"path", "abstract"} & values.keys():
        raise OSError(f"{address!r} is not the address of a UNIX socket")
    path = values.get("path") or f"\0{values['abstract']}"
    if "%" in path:
        from urllib.parse import unquote

        path = unquote(path)
    return path


def _authenticate(bus: socket.socket) -> None:
    bus.sendall(b"\0AUTH EXTERNAL " + str(os.geteuid()).encode().hex().encode() + b"\r\n")
    said = b""
    while not said.endswith(b"\r\n"):
        data = bus.recv(512)
        if not data:
            raise OSError("it ends the connection")
        said += data
    if not said.startswith(b"OK"):
        raise OSError(f"it refuses user {os.geteuid()}")
    bus.sendall(b"BEGIN\r\n")


def _translate(reply: Message) -> SjaError:
    name = str(reply.error_name)
    words = str(reply.body[0]) if reply.body else name
    if name in _REFUSED:
        return NotAllowed(
            f"systemd refuses: {words}", "be root, or a member of group sja with polkit installed"
        )
    if name in _GONE or name.startswith(f"{BUS}.Error.Spawn."):
        return ConnectionLost("systemd does not answer on D-Bus", "is it the init system here?")
    return SjaError(words)
