"""What the file of a keep-alive job says."""

import re
from typing import NamedTuple

from sja_units.errors import SjaError
from sja_units.toml.reader import TableReader
from sja_units.url import Address, parse_address

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a header's name: RFC 9110, 5.6.2
# What the request itself decides. A Cookie here would go past the jar and never be refreshed.
_OWN_HEADERS = {"cookie", "host", "connection", "content-length", "transfer-encoding", "te"}

METHODS = ("GET", "POST", "PUT", "PATCH")
CREDENTIAL = "login"  # what systemd calls the login program's secrets
Headers = tuple[tuple[str, str], ...]
Expected = str | int | float | bool


class HeaderError(SjaError):
    """A text holds something other than headers that can be set; it is not quoted."""


class Criteria(NamedTuple):
    """What to look for in an answer; what is empty is not looked for."""

    status: tuple[int, ...]
    redirect_contains: str
    body_contains: str
    json: tuple[tuple[str, Expected], ...]  # path with dots -> value; True: is there, not false
    cookies: tuple[str, ...]  # names that the jar has to hold


class Login(NamedTuple):
    """The program that makes a fresh jar."""

    command: tuple[str, ...]
    secrets: str  # path of a file that only the program is to read, "" for none
    timeout: float
    max_attempts: int


class KeepaliveConfig(NamedTuple):
    """A keep-alive job; times in seconds."""

    address: Address
    interval: float
    auto: bool  # the interval is to be learned
    timeout: float
    headers: Headers
    proxy: Address | None
    ca_file: str
    alive: Criteria
    expired: Criteria
    login: Login | None
    method: str  # of METHODS
    body: str
    headers_file: str  # path of a file with further headers, which systemd hands over

    @property
    def host(self) -> str:
        """The only host that cookies go to."""
        return self.address.host


def read_keepalive(table: TableReader) -> KeepaliveConfig:
    """Return what the table says; faults are noted in it."""
    auto = table.has("interval") and table.raw("interval") == "auto"
    return KeepaliveConfig(
        address=_read_url(table),
        interval=0 if auto else table.seconds("interval", "15min", low="1s", high="30d"),
        auto=auto,
        timeout=table.seconds("timeout", "10s", low="100ms", high="60s"),
        headers=_read_headers(table.table("headers")),
        proxy=_read_proxy(table),
        ca_file=table.path("ca_file", ""),
        alive=_read_marks(table.table("alive"), (), with_cookies=True),
        expired=_read_marks(table.table("expired"), (401, 403), with_cookies=False),
        login=_read_login(table.table("login")) if table.has("login") else None,
        method=table.text("method", "POST" if table.has("body") else "GET", choices=METHODS),
        body=table.text("body", ""),
        headers_file=table.path("headers_file", ""),
    )


def _read_url(table: TableReader) -> Address:
    text = table.text("url")
    address = parse_address(text)
    if address is None:
        if text:
            table.fault(
                "url",
                "must be an http:// or https:// address such as https://www.example.edu/page "
                "(a host in another script is written as xn--…)",
            )
    elif address.user:
        table.fault("url", "must not hold a user or password: they would show up in logs")
    else:
        return address
    return Address("https", "", "invalid", 443, "/")


def _read_proxy(table: TableReader) -> Address | None:
    text = table.text("proxy", "")
    if not text:
        return None
    address = parse_address(text)
    if address is None or address.scheme != "http" or address.target != "/":
        table.fault("proxy", "must be an http proxy, such as http://proxy.example.edu:3128")
        return None
    return address


def _read_headers(table: TableReader) -> Headers:
    headers = []
    for name in table.names():
        value = table.text(name, "")
        if not _TOKEN.fullmatch(name):
            table.fault(name, "is not the name of a header")
        elif name.lower() == "cookie":
            table.fault(name, "comes from the jar: see `sjactl cookies JOB --set FILE`")
        elif name.lower() in _OWN_HEADERS:
            table.fault(name, "cannot be set: the request itself decides it")
        elif not _is_latin(value):
            table.fault(name, "holds characters that a header cannot carry")
        headers.append((name, value))
    return tuple(headers)


def parse_headers(text: str) -> Headers:
    """Return the headers of a text with one a line; raise HeaderError for another one."""
    headers = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or not _TOKEN.fullmatch(name) or not _is_latin(value):
            raise HeaderError(f"line {number} is not NAME: VALUE")
        if name.lower() in _OWN_HEADERS:
            raise HeaderError(f"line {number}: {name} cannot be set here")
        headers.append((name, value))
    return tuple(headers)


def _is_latin(text: str) -> bool:
    return all(ord(c) < 256 for c in text)


def _read_marks(table: TableReader, status: tuple[int, ...], *, with_cookies: bool) -> Criteria:
    marks = Criteria(
        status=table.integers("status", status, low=100, high=599),
        redirect_contains=table.text("redirect_contains", ""),
        body_contains=table.text("body_contains", ""),
        json=tuple(_read_json(table.table("json"), "")),
        cookies=table.texts("cookies", ()) if with_cookies else (),
    )
    if any(code == 429 or code >= 500 for code in marks.status):
        table.fault("status", "cannot hold 429 or 5xx: they tell nothing about the session")
    return marks


def _read_json(table: TableReader, prefix: str) -> list[tuple[str, Expected]]:
    pairs: list[tuple[str, Expected]] = []
    for key in table.names():
        value = table.raw(key)
        if isinstance(value, dict):  # data.user = 1 without quotes round the key
            pairs += _read_json(table.table(key), f"{prefix}{key}.")
        elif isinstance(value, str | int | float):
            pairs.append((f"{prefix}{key}", value))
        else:
            table.fault(key, "must be a text, a number, true (it is there) or false")
    return pairs


def _read_login(table: TableReader) -> Login:
    command = table.texts("command")
    if command and not command[0].startswith("/"):
        table.fault("command", "must begin with the absolute path of a program")
    elif table.has("command") and not command:
        table.fault("command", "is empty")
    return Login(
        command=command,
        secrets=table.path("secrets", ""),
        timeout=table.seconds("timeout", "2min", low="1s", high="1h"),
        max_attempts=table.integer("max_attempts", 3, low=1, high=100),
    )
