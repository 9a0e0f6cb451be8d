"""How a device is reached, as its table in a job's file says. Pure."""

import re
import socket
from typing import Literal, NamedTuple, get_args

from sja_units.toml.reader import TableReader

Transport = Literal["tcp", "udp", "tls", "rtu", "ascii", "rtu-over-tcp"]
TRANSPORTS: tuple[Transport, ...] = get_args(Transport)
SERIAL_TRANSPORTS = ("rtu", "ascii")
_BAUDRATES = [300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400]
_BAUDRATES += [460800, 500000, 576000, 921600, 1000000]
_TLS_FILES = ("ca_file", "cert_file", "key_file")
_NUMBERS = re.compile(r"[0-9.]+")
_HOST = re.compile(r"[A-Za-z0-9._:%-]+")
# It also goes into the unit's drop-in, where '%' and a space would mean something.
_TTY = re.compile(r"/dev(?:/[A-Za-z0-9_:+@-][A-Za-z0-9._:+@-]*)+")


class SerialSettings(NamedTuple):
    """How characters go over a serial line."""

    baudrate: int
    bytesize: int
    parity: str  # N, E, O
    stopbits: int

    @property
    def character_seconds(self) -> float:
        """The time of one character, its start, parity and stop bits included."""
        return (1 + self.bytesize + (self.parity != "N") + self.stopbits) / self.baudrate


class TlsFiles(NamedTuple):
    """Whom to trust, and who we are; "" stands for the system's authorities, and for nobody."""

    ca_file: str
    cert_file: str
    key_file: str
    server_name: str


class Endpoint(NamedTuple):
    """Where a device is reached: a host and a port, or a serial port."""

    transport: Transport
    host: str = ""
    port: int = 0
    tty: str = ""
    serial: SerialSettings | None = None
    tls: TlsFiles | None = None

    def __str__(self) -> str:
        return self.tty or f"{self.host}:{self.port}"

    @property
    def key(self) -> tuple[str, str, int]:
        """Devices of one endpoint share its one connection; a tty's path is not resolved."""
        return ("serial", self.tty, 0) if self.tty else (self.transport, self.host, self.port)


class Pacing(NamedTuple):
    """What a device needs, in seconds."""

    connect_delay: float = 0.0  # after the connection, before the first request
    request_delay: float = 0.0  # after an answer, before the next request


NO_PACING = Pacing()


def read_endpoint(table: TableReader) -> Endpoint:
    """Return how a device is reached; faults go into its table."""
    transport = table.choice("transport", TRANSPORTS, "tcp")
    if transport in SERIAL_TRANSPORTS:
        return _read_serial(table, transport)
    host = table.text("host")
    if host and (reason := refuse_host(host)):
        table.fault("host", f"is {host!r}, {reason}")
    usual = 802 if transport == "tls" else 502
    port = table.integer("port", usual, low=1, high=65535)
    tls = _read_tls(table, host) if transport == "tls" else None
    return Endpoint(transport, host, port, tls=tls)


def refuse_host(host: str) -> str:
    """Return why this is neither an address nor the name of a host, "" if it may be one."""
    # Its module would cost a worker more than all of this file.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    if host.startswith("[") and host.endswith("]"):
        return "but an address stands here without brackets"
    if host.count(":") == 1:
        return "but a port has a key of its own: port"
    if not _HOST.fullmatch(host):
        return "which is neither an address nor the name of a host"
    if ":" in host or _NUMBERS.fullmatch(host):
        try:
            socket.inet_pton(family, host.partition("%")[0])
        except OSError:
            return "which is no address"
    return ""


def _read_serial(table: TableReader, transport: Transport) -> Endpoint:
    tty = table.text("port")
    if tty and not _TTY.fullmatch(tty):
        table.fault("port", f'is {tty!r}, but must be a serial port such as "/dev/ttyUSB0"')
    baudrate = table.integer("baudrate", 9600, low=min(_BAUDRATES), high=max(_BAUDRATES))
    if baudrate not in _BAUDRATES:
        rates = ", ".join(map(str, _BAUDRATES))
        table.fault("baudrate", f"is {baudrate}, but must be one of {rates}")
    serial = SerialSettings(
        baudrate,
        # RTU frames are bytes; ASCII ones get along with seven bits.
        table.integer("bytesize", 8, low=8 if transport == "rtu" else 7, high=8),
        table.text("parity", "N", choices=("N", "E", "O")),
        table.integer("stopbits", 1, low=1, high=2),
    )
    return Endpoint(transport, tty=tty or "/dev/tty", serial=serial)


def _is_host(name: str) -> bool:
    try:
        ascii_name = name.encode("idna").decode()
    except UnicodeError:
        return False
    return bool(_HOST.fullmatch(ascii_name))


def _read_tls(table: TableReader, host: str) -> TlsFiles:
    ca_file, cert_file, key_file = (table.path(key, "") for key in _TLS_FILES)
    if bool(cert_file) != bool(key_file):
        missing, given = ("key_file", "cert_file") if cert_file else ("cert_file", "key_file")
        table.fault(missing, f"is missing: {given} needs it")
    # An empty name would check none.
    name = table.text("server_name") if table.has("server_name") else host
    if table.has("server_name") and name and not _is_host(name):
        table.fault("server_name", f"is {name!r}, which is not the name of a host")
    return TlsFiles(ca_file, cert_file, key_file, name)
