"""Cookies and jars of them: frozen values, sane by construction, and how they are kept on disk."""

import json
import re
from typing import Any, NamedTuple

from sja_units.errors import SjaError

MAX_COOKIES = 5000
MAX_BYTES = 1_000_000
LAST_MOMENT = 253402300799  # the end of the year 9999: no clock shows more
_MAX_COOKIE = 16_384  # no server takes a longer header line

# RFC 6265, 4.1.1, as browsers bend it: spaces, quotes and bytes over 127 do occur.
# Nothing that could end a line, a field of cookies.txt or a cookie in the header.
_NAME = re.compile(r"[^\x00-\x20\x7f;=][^\x00-\x1f\x7f;=]*")
_VALUE = re.compile(r"[^\x00-\x1f\x7f;]*")
_PATH = re.compile(r"/[^\x00-\x1f\x7f;]*")
_DOMAIN = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\]")


class JarError(SjaError):
    """A text is not a jar, or holds something that must not get into one."""


class Cookie(NamedTuple):
    """One cookie. Its texts are as on the wire: a character is a byte (bytes may be UTF-8)."""

    name: str
    value: str
    domain: str  # lower case, no leading dot
    path: str = "/"
    expires: int | None = None  # Unix time; None: a session cookie
    secure: bool = False
    http_only: bool = False
    host_only: bool = True  # for exactly this host, not for those below it
    same_site: str = ""  # Strict, Lax, None, or empty where the site did not say
    assumed: bool = False  # domain and path are our guess: any newer one of that name replaces it
    refreshed: bool = False  # an answer to one of our requests has set it
    outlived: bool = False  # the session has lived on after it had ended


Jar = tuple[Cookie, ...]


def check_cookie(cookie: Cookie) -> Cookie:
    """Return the cookie if it may be in a jar, else raise JarError that tells no value."""
    if not _NAME.fullmatch(cookie.name):
        raise JarError(f"a cookie of {cookie.domain!r} has a name that no cookie can have")
    who = f"cookie {cookie.name!r}"
    if not _VALUE.fullmatch(cookie.value):
        raise JarError(f"{who}: its value holds a control character or a semicolon")
    if not _DOMAIN.fullmatch(cookie.domain):
        raise JarError(f"{who}: {cookie.domain!r} is not a host's name")
    if not _PATH.fullmatch(cookie.path):
        raise JarError(f"{who}: its path must begin with / and hold no control character")
    if cookie.same_site not in ("", "Strict", "Lax", "None"):
        raise JarError(f"{who}: SameSite is neither Strict, Lax nor None")
    if len(cookie.name) + len(cookie.value) + len(cookie.path) > _MAX_COOKIE:
        raise JarError(f"{who} is longer than {_MAX_COOKIE} bytes")
    if any(ord(c) > 255 for c in cookie.name + cookie.value + cookie.path):
        raise JarError(f"{who} holds a character that is not a byte")
    return cookie


def check_jar(cookies: list[Cookie]) -> Jar:
    """Return the cookies as a jar, the last of equal ones; raise JarError where one is bad."""
    jar = {(c.domain, c.host_only, c.path, c.name): check_cookie(c) for c in cookies}
    if len(jar) > MAX_COOKIES:
        raise JarError(f"more than {MAX_COOKIES} cookies")
    if sum(len(c.name) + len(c.value) for c in jar.values()) > MAX_BYTES:
        raise JarError(f"more than {MAX_BYTES} bytes of cookies")
    return tuple(jar.values())


def pack(jar: Jar) -> list[dict[str, Any]]:
    """Return a jar as plain values for JSON."""
    return [cookie._asdict() for cookie in jar]


def unpack(rows: object) -> Jar:
    """Return the jar that `pack` made these values of; raise JarError if it did not."""
    if not isinstance(rows, list):
        raise JarError("it holds no list of cookies")
    return check_jar([_unpack_cookie(row) for row in rows])


def _unpack_cookie(row: object) -> Cookie:
    if not isinstance(row, dict):
        raise JarError("a cookie is not a table of fields")
    try:
        cookie = Cookie(**row)
    except TypeError:
        raise JarError("a cookie has fields that are not known, or lacks some") from None
    texts = (cookie.name, cookie.value, cookie.domain, cookie.path, cookie.same_site)
    of_site = (cookie.secure, cookie.http_only, cookie.host_only)
    flags = (*of_site, cookie.assumed, cookie.refreshed, cookie.outlived)
    if not (
        all(type(text) is str for text in texts)
        and all(type(flag) is bool for flag in flags)
        and (cookie.expires is None or type(cookie.expires) is int)
    ):
        raise JarError("a cookie has a field of the wrong type")
    return cookie


def dump(jar: Jar) -> bytes:
    """Return a jar as the job keeps it on disk."""
    return json.dumps({"version": 1, "cookies": pack(jar)}, indent=1).encode()


def load(data: bytes) -> Jar:
    """Return the jar of a file that `dump` made; raise JarError if it is torn or another thing."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise JarError("it is not complete JSON") from None
    if not isinstance(document, dict) or document.get("version") != 1:
        raise JarError("it is not a jar of this version")
    return unpack(document.get("cookies"))
