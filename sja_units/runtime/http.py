"""HTTP/1.1 requests: over TLS or not, through a proxy or not, within a time that nothing exceeds.

The standard library's client would cost a worker 2.4 MiB and 20 ms, and has no such limit.
"""

import _thread  # `threading` would cost a worker 0.2 MiB for what is needed here
import re
import socket
import time
from binascii import b2a_base64
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sja_units import __version__
from sja_units.errors import SjaError
from sja_units.runtime.http_response import ProtocolError, Response, ResponseReader, StreamEnded
from sja_units.text import describe_os_error
from sja_units.url import Address, decode_percent, encode_target

if TYPE_CHECKING:
    import ssl

_WITH_BODY = ("POST", "PUT", "PATCH")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_USUAL = (
    ("User-Agent", f"sja-units/{__version__}"),
    ("Accept", "*/*"),
    ("Accept-Encoding", "identity"),
)


# Family, kind, protocol, name and address, as getaddrinfo has them.
_Found = tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[Any, ...]]


class HttpError(SjaError):
    """A request brought no response. Its text holds nothing of the exchange, so no secret."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.reason = reason


class ConnectionClosed(HttpError):
    """The server closed the connection without an answer, as it may with one that was idle."""


class HttpConnection:
    """A connection to one server, opened by the first request, kept open where the server does."""

    def __init__(self, server: Address, *, proxy: Address | None = None, ca_file: str = "") -> None:
        """Raises OSError if `ca_file` cannot be used, with words for people."""
        self._server = server
        self._proxy = proxy
        self._where = f"proxy {proxy.site}" if proxy else server.site
        self._tls: ssl.SSLContext | None = None
        if server.scheme == "https":
            from sja_units.runtime.tls import make_tls

            self._tls = make_tls(ca_file)
        self._socket: socket.socket | None = None
        self._reader = ResponseReader(self._receive)
        self._deadline = 0.0
        self._address = ""  # the one that worked last

    @property
    def is_open(self) -> bool:
        return self._socket is not None

    def ask(
        self,
        method: str,
        target: str,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        *,
        seconds: float,
        max_body: int,
    ) -> Response:
        """Send a request and return its response, at most `max_body` bytes of it.

        Raises HttpError, ValueError where a header cannot be sent.
        """
        self._deadline = time.monotonic() + seconds
        through_proxy = self._proxy and not self._tls
        target = encode_target(f"{self._server.origin}{target}" if through_proxy else target)
        more = _proxy_headers(self._proxy) if through_proxy else ()
        request = _encode(method, target, self._server.site, (*more, *headers), body)
        was_open = False
        try:
            if self._socket is None:
                self._open()
            was_open = True
            self._send(request)
            response = self._reader.read(max_body)
        except BaseException as error:
            self.close()
            if isinstance(error, OSError | ProtocolError):
                raise self._explain(error, seconds, was_open=was_open) from None
            raise
        if not self._reader.can_go_on:
            self.close()
        return response

    def close(self) -> None:
        """Close the connection; a later request opens a new one."""
        if self._socket:
            self._socket.close()
        self._socket = None

    def _open(self) -> None:
        first = self._proxy or self._server
        self._socket = _connect(first, self._deadline, self._address)
        self._address = self._socket.getpeername()[0]
        self._reader = ResponseReader(self._receive)
        if self._tls:
            if self._proxy:
                self._open_tunnel(self._proxy)
            self._arm()
            name = self._server.hostname.encode()
            self._socket = self._tls.wrap_socket(self._socket, server_hostname=name)

    def _open_tunnel(self, proxy: Address) -> None:
        """Have the proxy connect with the server: RFC 9110, 9.3.6."""
        place = f"{self._server.host}:{self._server.port}"
        self._send(_encode("CONNECT", place, place, _proxy_headers(proxy), b""))
        status = self._reader.read_status()
        if status // 100 != 2:
            raise HttpError(self._where, f"the proxy answers {status} and opens no tunnel")

    def _arm(self) -> socket.socket:
        assert self._socket
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)
        return self._socket

    def _receive(self, size: int) -> bytes:
        return self._arm().recv(size)

    def _send(self, data: bytes) -> None:
        try:
            self._arm().sendall(data)
        except ConnectionError:
            # It may have answered before it had read all, and say why.
            return

    def _explain(self, error: Exception, seconds: float, *, was_open: bool) -> HttpError:
        if isinstance(error, StreamEnded):
            return ConnectionClosed(self._where, str(error))
        if isinstance(error, ProtocolError):
            return HttpError(self._where, f"it does not answer as HTTP says: {error}")
        if isinstance(error, TimeoutError):
            what = "complete answer" if was_open else "connection"
            return HttpError(self._where, f"no {what} within {seconds:g} s")
        if isinstance(error, socket.gaierror):
            return HttpError(self._where, f"its name cannot be resolved: {error.strerror}")
        if self._tls:
            from sja_units.runtime.tls import describe_tls_error

            if reason := describe_tls_error(error):
                return HttpError(self._server.site, reason)
        kind = HttpError if isinstance(error, ConnectionRefusedError) else ConnectionClosed
        return kind(self._where, describe_os_error(error))


def ask_once(
    server: Address,
    method: str = "GET",
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
    *,
    seconds: float,
    max_body: int,
    proxy: Address | None = None,
    ca_file: str = "",
) -> Response:
    """Ask for a page over a connection of its own; raise as `HttpConnection` does."""
    connection = HttpConnection(server, proxy=proxy, ca_file=ca_file)
    try:
        return connection.ask(
            method,
            server.target,
            (*headers, ("Connection", "close")),
            body,
            seconds=seconds,
            max_body=max_body,
        )
    finally:
        connection.close()


def _connect(server: Address, deadline: float, worked: str = "") -> socket.socket:
    """Return a connection with the first of the server's addresses that takes one.

    worked: the address that is tried before the others.
    """
    found = _look_up(server, deadline)
    found.sort(key=lambda entry: entry[4][0] != worked)
    last: OSError = TimeoutError()
    for n, (family, kind, protocol, _, address) in enumerate(found, 1):
        left = deadline - time.monotonic()
        if left <= 0:
            break
        connection = socket.socket(family, kind, protocol)
        try:
            # A dead first address leaves some time for the second.
            connection.settimeout(left if n == len(found) else left / 2)
            connection.connect(address)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            connection.close()
            last = error
        else:
            return connection
    raise last


def _look_up(server: Address, deadline: float) -> list[_Found]:
    """Return where the server can be reached. Raises TimeoutError, gaierror."""
    if server.is_numeric:
        return _ask_names(server)
    # The C library has time-outs of its own, and nobody can end it: so a thread waits for it.
    results: list[list[_Found] | OSError] = []
    done = _thread.allocate_lock()
    done.acquire()

    def work() -> None:
        try:
            results.append(_ask_names(server))
        except OSError as error:
            results.append(error)
        finally:
            done.release()

    _thread.start_new_thread(work, ())
    if not done.acquire(timeout=max(0.0, deadline - time.monotonic())):
        raise TimeoutError
    (result,) = results
    if isinstance(result, OSError):
        raise result
    return result


def _ask_names(server: Address) -> list[_Found]:
    # As bytes: for text, tables of Unicode would be loaded, and a host here is ASCII.
    return [*socket.getaddrinfo(server.hostname.encode(), server.port, type=socket.SOCK_STREAM)]


def _encode(
    method: str, target: str, host: str, headers: Iterable[tuple[str, str]], body: bytes
) -> bytes:
    given = {name.lower(): (name, value) for name, value in headers}
    usual = {name.lower(): (name, value) for name, value in _USUAL}
    fields = {"host": ("Host", host)} | usual | given
    if body or method in _WITH_BODY:
        fields["content-length"] = ("Content-Length", str(len(body)))
    lines = [
        f"{method} {target} HTTP/1.1",
        *(f"{name}: {value}" for name, value in fields.values()),
    ]
    if any(_CONTROL.search(line) for line in lines):
        raise ValueError("a header holds a character that none can carry")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def _proxy_headers(proxy: Address | None) -> tuple[tuple[str, str], ...]:
    if proxy is None or not proxy.user:
        return ()
    token = b2a_base64(decode_percent(proxy.user.encode()), newline=False).decode()
    return (("Proxy-Authorization", f"Basic {token}"),)
