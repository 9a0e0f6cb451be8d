"""One GET of the page, within limits: nothing is followed, nothing can take for ever."""

import re
import signal
import socket
import ssl
import time
import urllib.parse
import zlib
from binascii import b2a_base64
from email.utils import parsedate_to_datetime
from http.client import (
    HTTPConnection,
    HTTPException,
    HTTPResponse,
    HTTPSConnection,
    IncompleteRead,
)

from sja_units import __version__
from sja_units.keepalive.config import KeepaliveConfig
from sja_units.keepalive.response import Answer, NoAnswer
from sja_units.url import Address, encode_target

MAX_BODY = 1024 * 1024
# One by one from here, as they are asked for: a whole bundle costs 60 ms and a MiB.
_CA_FOLDER = "/etc/ssl/certs"
_CHARSET = re.compile(
    rb"""<(?:meta[^>]{0,200}charset|\?xml[^>]{0,200}encoding)\s*=\s*["']?([A-Za-z0-9_-]{1,40})""",
    re.IGNORECASE,
)


class _DeadlinePassed(Exception):
    """Not an OSError: the standard library takes those for one address of several."""


class _Unreadable(Exception):
    """The body is in a form that nobody asked for."""


def fetch(config: KeepaliveConfig, cookie_header: str) -> Answer | NoAnswer:
    """Ask for the page once and return what came within `config.timeout`.

    It uses SIGALRM, so it belongs into a process (or main thread) of its own.
    """
    signal.signal(signal.SIGALRM, _raise_deadline)
    signal.setitimer(signal.ITIMER_REAL, config.timeout)
    try:
        return _exchange(config, cookie_header)
    except _DeadlinePassed:
        return NoAnswer(f"no complete answer within {config.timeout:g} s")
    except Exception as error:
        return NoAnswer(_explain(error, config))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _raise_deadline(_number: int, _frame: object) -> None:
    raise _DeadlinePassed


def _exchange(config: KeepaliveConfig, cookie_header: str) -> Answer:
    connection = _connect(config)
    try:
        connection.request("GET", _target(config), headers=_headers(config, cookie_header))
        return _read(connection.getresponse())
    finally:
        connection.close()


def _connect(config: KeepaliveConfig) -> HTTPConnection:
    page, proxy = config.address, config.proxy
    first = proxy or page
    # Half the time for a connection, so that a dead first address leaves some for the second.
    limit = config.timeout / 2
    host = first.host.strip("[]")
    if page.scheme == "http":
        connection = HTTPConnection(host, first.port, timeout=limit)
    else:
        connection = HTTPSConnection(host, first.port, timeout=limit, context=_trust(config))
        if proxy:
            connection.set_tunnel(page.host.strip("[]"), page.port, headers=_proxy_headers(proxy))
    connection.connect()
    connection.sock.settimeout(config.timeout)
    return connection


def _trust(config: KeepaliveConfig) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies name and chain
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if config.ca_file:
        context.load_verify_locations(cafile=config.ca_file)
    else:
        context.load_verify_locations(capath=_CA_FOLDER)
    return context


def _target(config: KeepaliveConfig) -> str:
    page = config.address
    through_proxy = config.proxy and page.scheme == "http"
    return encode_target(page.url if through_proxy else page.target)


def _headers(config: KeepaliveConfig, cookie_header: str) -> dict[str, str]:
    given = dict(config.headers)
    names = {name.lower() for name in given}
    headers = {
        "User-Agent": f"sja-units/{__version__}",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Cache-Control": "no-cache",
        "Connection": "close",
    }
    headers = {name: value for name, value in headers.items() if name.lower() not in names}
    headers |= given
    if cookie_header:
        headers["Cookie"] = cookie_header
    if config.proxy and config.address.scheme == "http":
        headers |= _proxy_headers(config.proxy)
    headers["Host"] = config.address.site
    return headers


def _proxy_headers(proxy: Address) -> dict[str, str]:
    if not proxy.user:
        return {}
    token = b2a_base64(urllib.parse.unquote_to_bytes(proxy.user), newline=False)
    return {"Proxy-Authorization": f"Basic {token.decode()}"}


def _read(response: HTTPResponse) -> Answer:
    headers = tuple((name.lower(), str(value)) for name, value in response.getheaders())
    named = dict(headers)
    data, cut = _read_body(response, named.get("content-encoding", "").strip().lower())
    return Answer(
        status=response.status,
        location=named.get("location", ""),
        body=_decode(data, response.headers.get_content_charset()),
        cut=cut,
        headers=headers,
        set_cookies=tuple(value for name, value in headers if name == "set-cookie"),
        retry_after=parse_retry_after(named.get("retry-after", ""), time.time()),
    )


def _read_body(response: HTTPResponse, encoding: str) -> tuple[bytes, bool]:
    """Return at most MAX_BODY bytes, and whether there were more."""
    raw = bytearray()
    while len(raw) <= MAX_BODY and (piece := response.read(65536)):
        raw += piece
    cut = len(raw) > MAX_BODY
    if not cut and response.length:  # read() with a size does not tell by itself
        raise IncompleteRead(b"", response.length)
    if encoding in ("", "identity"):
        return bytes(raw[:MAX_BODY]), cut
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise _Unreadable(f"the page is packed as {encoding[:20]!r}, which nobody asked for")
    unpacker = zlib.decompressobj(47)  # either format, by its header
    data = unpacker.decompress(raw, MAX_BODY)
    return data, cut or not unpacker.eof


def _decode(data: bytes, declared: str | None) -> str:
    written = _CHARSET.search(data[:2048])
    charset = declared or (written[1].decode() if written else "utf-8")
    if charset.lower() in ("gb2312", "gbk", "x-gbk"):
        charset = "gb18030"  # what browsers take them for
    try:
        text = data.decode(charset, "replace")
    except (LookupError, UnicodeError):  # not a text's encoding
        text = data.decode("utf-8", "replace")
    return text.removeprefix("\ufeff")


def parse_retry_after(text: str, now: float) -> float | None:
    """Return the seconds that a Retry-After header asks for, None if it says nothing sane.

    Source: RFC 9110, 10.2.3: seconds or a date.
    """
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def _explain(error: Exception, config: KeepaliveConfig) -> str:
    """Return one sentence on a failed exchange. It quotes nothing of the exchange."""
    where = f"proxy {config.proxy.site}" if config.proxy else config.address.site
    if isinstance(error, ssl.SSLCertVerificationError):
        clock = time.strftime("; this machine's clock says %Y-%m-%d", time.gmtime())
        dated = error.verify_code in (9, 10)  # not yet valid, expired: openssl-verify(1)
        return f"certificate refused: {error.verify_message}{clock if dated else ''}"
    if isinstance(error, ssl.SSLError):
        return f"no TLS with {config.address.site}: {error.reason or 'it failed'}"
    if isinstance(error, socket.gaierror):
        return f"the name of {where} cannot be resolved: {error.strerror}"
    if isinstance(error, TimeoutError):
        return f"no connection with {where} in time"
    if isinstance(error, _Unreadable):
        return str(error)
    if isinstance(error, HTTPException | zlib.error | UnicodeError):
        return f"{where} does not answer as HTTP says ({type(error).__name__})"
    if isinstance(error, OSError):
        return f"{where}: {error.strerror or error}"
    return f"the request failed ({type(error).__name__})"  # its words might hold a cookie
