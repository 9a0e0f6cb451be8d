"""Jars as people have them: cookies.txt, a Cookie: header, Playwright's and browsers' JSON. Pure.

Sources: curl's documentation of the Netscape format, with #HttpOnly_ lines; RFC 6265, 4.2;
Playwright's storage_state; the arrays that EditThisCookie and Cookie-Editor export.
"""

import json
import math
from typing import Any

from sja_units.keepalive.cookie import LAST_MOMENT, MAX_BYTES, Cookie, Jar, JarError, check_jar

_HTTP_ONLY = "#HttpOnly_"
_SAME_SITES = {"strict": "Strict", "lax": "Lax", "none": "None", "no_restriction": "None"}


def parse_jar(text: str, host: str) -> Jar:
    """Return the jar that a text holds, in any of the formats; raise JarError if in none.

    host: whose the cookies of a bare header are.
    """
    if len(text) > MAX_BYTES:
        raise JarError(f"it is longer than {MAX_BYTES} characters")
    text = text.removeprefix("\ufeff").strip("\r\n ")
    if not text:
        raise JarError("it is empty")
    if text[0] in "[{":
        jar = _parse_json(text)
    elif "\t" in text or text.startswith("#"):
        jar = _parse_netscape(text)
    else:
        jar = _parse_header(text, host)
    if not jar:
        raise JarError("it holds no cookie")
    return jar


def format_netscape(jar: Jar) -> bytes:
    """Return a jar as cookies.txt, its values as they go over the wire.

    No cookie of a Jar can forge a line or a field of it.
    """
    lines = ["# Netscape HTTP Cookie File", "# Written by sja-units; changes here are lost."]
    for cookie in jar:
        fields = (
            cookie.domain if cookie.host_only else f".{cookie.domain}",
            "FALSE" if cookie.host_only else "TRUE",
            cookie.path,
            "TRUE" if cookie.secure else "FALSE",
            str(cookie.expires or 0),
            cookie.name,
            cookie.value,
        )
        lines.append((_HTTP_ONLY if cookie.http_only else "") + "\t".join(fields))
    return ("\n".join(lines) + "\n").encode("latin-1")


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
    """Return the text of a jar's file, for `parse_jar`; what is not UTF-8 is kept as it is."""
    return data.decode("utf-8-sig", "surrogateescape")


def _to_wire(text: str) -> str:
    """Return a text with a character for each byte that a browser would send."""
    if text.isascii():
        return text
    try:
        data = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a character of JSON's
        data = text.encode("utf-8", "surrogatepass")
    return data.decode("latin-1")


def _to_text(wire: str) -> str:
    if wire.isascii():
        return wire
    try:
        return wire.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return wire


def _split_domain(domain: str) -> tuple[str, bool]:
    """Return the domain without its dot, and whether the dot says that it counts for sub-hosts."""
    return domain.removeprefix(".").lower(), domain.startswith(".")


def _parse_netscape(text: str) -> Jar:
    cookies = []
    # Not splitlines(): it also splits at characters that may stand in a value.
    for number, line in enumerate(text.split("\n"), 1):
        line = line.removesuffix("\r")
        http_only = line.startswith(_HTTP_ONLY)
        line = line.removeprefix(_HTTP_ONLY)
        if not line.strip() or (line.startswith("#") and not http_only):
            continue
        fields = line.split("\t")
        if len(fields) == 6:
            fields.append("")  # an empty value whose tab an editor has cut off
        if len(fields) != 7:
            raise JarError(
                f"line {number} has {len(fields)} fields; cookies.txt has 7, separated by tabs"
            )
        domain, dotted = _split_domain(fields[0])
        cookies.append(
            Cookie(
                name=_to_wire(fields[5]),
                value=_to_wire(fields[6]),
                domain=domain,
                path=_to_wire(fields[2]),
                expires=_parse_expires(fields[4], f"line {number}"),
                secure=fields[3].upper() == "TRUE",
                http_only=http_only,
                host_only=not dotted and fields[1].upper() != "TRUE",
            )
        )
    return check_jar(cookies)


def _parse_header(text: str, host: str) -> Jar:
    if "\n" in text:
        raise JarError(
            "it is neither cookies.txt (fields separated by tabs), nor JSON, nor one line"
        )
    if text[:7].lower() == "cookie:":
        text = text[7:]
    cookies: dict[str, Cookie] = {}
    for number, pair in enumerate(text.split(";"), 1):
        name, equals, value = pair.strip().partition("=")
        if not name and not equals:
            continue
        if not equals:
            raise JarError(f"part {number} of the line is not NAME=VALUE")
        cookie = Cookie(_to_wire(name), _to_wire(value), host.lower(), assumed=True)
        # RFC 6265, 5.4: of two paths the longer comes first, so that one is the page's own.
        cookies.setdefault(cookie.name, cookie)
    return check_jar(list(cookies.values()))


def _parse_json(text: str) -> Jar:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise JarError("it begins like JSON but is not complete JSON") from None
    rows = document.get("cookies") if isinstance(document, dict) else document
    if not isinstance(rows, list):
        raise JarError("it is JSON, but holds no list of cookies")
    if not rows and document and document.get("origins"):
        raise JarError("it holds no cookie: this login sits in the browser's local storage")
    return check_jar([_parse_row(row, f"cookie {n}") for n, row in enumerate(rows, 1)])


def _parse_row(row: Any, where: str) -> Cookie:
    if not isinstance(row, dict):
        raise JarError(f"{where} is not a table of fields")
    texts = {}
    for key in ("name", "value", "domain", "path"):
        value = row.get(key, "/" if key == "path" else None)
        if not isinstance(value, str):
            raise JarError(f"{where} lacks the text {key!r}")
        texts[key] = value
    domain, dotted = _split_domain(texts["domain"])
    host_only = row.get("hostOnly")
    expires = row.get("expires", row.get("expirationDate"))
    same_site = row.get("sameSite")
    return Cookie(
        name=_to_wire(texts["name"]),
        value=_to_wire(texts["value"]),
        domain=domain,
        path=_to_wire(texts["path"]),
        expires=None if row.get("session") is True else _parse_expires(expires, where),
        secure=row.get("secure") is True,
        http_only=row.get("httpOnly") is True,
        host_only=host_only if isinstance(host_only, bool) else not dotted,
        same_site=_SAME_SITES.get(same_site.lower(), "") if isinstance(same_site, str) else "",
    )


def _parse_expires(value: object, where: str) -> int | None:
    """Return an expiry as Unix time; what is absent, 0 or -1 is a session cookie."""
    if value is None or value == "":
        return None
    try:
        if not isinstance(value, int | float | str):
            raise ValueError
        number = float(value)
    except (ValueError, OverflowError):
        raise JarError(f"{where} has an expiry that is not a number") from None
    if math.isnan(number) or number <= 0:
        return None
    return int(min(number, LAST_MOMENT))
