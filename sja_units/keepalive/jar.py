"""Jars as people and programs have them, taken and given: the way in and out. Pure."""

import json
from collections.abc import Iterable

from sja_units.keepalive import jar_json, jar_netscape, jar_text
from sja_units.keepalive.cookie import (
    MAX_BYTES,
    MAX_COOKIES,
    Cookie,
    Jar,
    JarError,
    check_cookie,
    check_jar,
)
from sja_units.keepalive.cookie_policy import is_for_host

MAX_TEXT = 16 * MAX_BYTES  # characters: a browser's whole export


def parse_jar(text: str, host: str) -> Jar:
    """Return the jar that a text holds, in any of the formats; raise JarError if in none.

    host: whose the cookies are that come without a domain. What could not go there may be odd: it
    is left out then, and where there is more than a jar may hold.
    """
    if len(text) > MAX_TEXT:
        raise JarError(f"it is longer than {MAX_TEXT} characters")
    text = text.removeprefix("\ufeff").lstrip("\r\n \0").rstrip("\r\n\0")
    if not text:
        raise JarError("it is empty")
    if jar_json.is_json(text):
        cookies = jar_json.parse(text, host)
    elif jar_netscape.is_netscape(text):
        cookies = jar_netscape.parse(text)
    elif len(text) > MAX_BYTES:
        raise JarError(f"it is longer than {MAX_BYTES} characters")
    else:
        cookies = jar_text.parse(text, host)
    jar = _collect(cookies, host)
    if not jar:
        raise JarError("it holds no cookie")
    return jar


def keep_for_host(jar: Jar, host: str) -> Jar:
    """Return the cookies that can go to a host; all of them where none can."""
    return tuple(cookie for cookie in jar if is_for_host(cookie, host)) or jar


def _collect(cookies: Iterable[Cookie], host: str) -> Jar:
    kept = []
    odd: JarError | None = None
    for cookie in cookies:
        try:
            kept.append(check_cookie(cookie))
        except JarError as fault:
            if not host or is_for_host(cookie, host):
                raise
            odd = odd or fault
    if odd and not kept:
        raise odd
    size = sum(len(cookie.name) + len(cookie.value) for cookie in kept)
    if host and (len(kept) > MAX_COOKIES or size > MAX_BYTES):
        kept = [cookie for cookie in kept if is_for_host(cookie, host)]
    return check_jar(kept)


def format_netscape(jar: Jar) -> bytes:
    """Return a jar as cookies.txt, its values as they go over the wire.

    No cookie of a Jar can forge a line or a field of it.
    """
    return jar_netscape.render(jar)


def format_json(jar: Jar) -> str:
    """Return a jar as Playwright's storage_state."""
    rows = [
        {
            "name": _to_text(cookie.name),
            "value": _to_text(cookie.value),
            "domain": cookie.domain if cookie.host_only else f".{cookie.domain}",
            "path": _to_text(cookie.path),
            "expires": -1 if cookie.expires is None else cookie.expires,
            "httpOnly": cookie.http_only,
            "secure": cookie.secure,
            "sameSite": cookie.same_site or "Lax",  # what browsers take silence for
        }
        for cookie in jar
    ]
    return json.dumps({"cookies": rows, "origins": []}, indent=2, ensure_ascii=False)


def decode_jar(data: bytes) -> str:
    """Return the text of a jar's file, for `parse_jar`; what is not UTF-8 is kept as it is.

    Windows writes UTF-16 where a command's output goes into a file.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    if data[:256:2].strip(b"\0") and not data[1:256:2].strip(b"\0") and len(data) > 1:
        return data.decode("utf-16-le", "replace")
    return data.decode("utf-8-sig", "surrogateescape")


def _to_text(wire: str) -> str:
    if wire.isascii():
        return wire
    try:
        return wire.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return wire
