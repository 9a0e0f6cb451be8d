"""Jars in JSON: Playwright's and Puppeteer's, Selenium's, those of browsers' extensions. Pure.

Sources: Playwright's storage_state; Selenium's get_cookies; the arrays of EditThisCookie,
Cookie-Editor and Cookie Quick Manager; a plain object of names and values.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from sja_units.keepalive.cookie import Cookie, JarError
from sja_units.keepalive.jar_fields import parse_expires, split_domain, to_wire

_SAME_SITES = {"strict": "Strict", "lax": "Lax", "none": "None", "no_restriction": "None"}
_PLAIN = frozenset("!#$%&'*+-./0123456789:<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`")
_PLAIN |= frozenset('abcdefghijklmnopqrstuvwxyz{|}~"')
_ADDRESS = re.compile(r"\[[0-9A-Fa-f:.]+\]\t")  # of IPv6, where cookies.txt begins
_NO_NAMES = frozenset(("error", "errors", "message", "msg", "detail", "status", "code"))


def is_json(text: str) -> bool:
    """Tell whether a text is to be taken for JSON, be it whole or not."""
    return text[0] == "{" or (text[0] == "[" and not _ADDRESS.match(text))


def parse(text: str, host: str) -> Iterator[Cookie]:
    """Yield its cookies, unchecked. Raises JarError."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise JarError("it begins like JSON but is not complete JSON") from None
    rows = document.get("cookies") if isinstance(document, dict) else document
    if isinstance(document, dict) and not isinstance(rows, list):
        return _parse_plain(document, host)
    if not isinstance(rows, list):
        raise JarError("it is JSON, but holds no list of cookies")
    if not rows and isinstance(document, dict) and document.get("origins"):
        raise JarError("it holds no cookie: this login sits in the browser's local storage")
    return (_parse_row(row, f"cookie {n}") for n, row in enumerate(rows, 1))


def _parse_plain(values: Mapping[str, Any], host: str) -> Iterator[Cookie]:
    """Return the cookies of an object of names and values."""
    if "log" in values and isinstance(values["log"], dict):
        raise JarError("it is a HAR, a record of requests: export the cookies instead")
    nested = values.get("cookies")
    values = nested if isinstance(nested, dict) else values
    is_plain = values and all(
        isinstance(value, str) and _PLAIN.issuperset(value) and not set(name) & set(" \t;=,")
        for name, value in values.items()
    )
    if not is_plain or _NO_NAMES & values.keys():
        raise JarError("it is JSON, but holds no list of cookies")
    return (
        Cookie(to_wire(name), value, host.lower(), assumed=True) for name, value in values.items()
    )


def _parse_row(row: Any, where: str) -> Cookie:
    if not isinstance(row, dict):
        raise JarError(f"{where} is not a table of fields")
    if "Name raw" in row:
        row = _read_quick_manager(row)
    texts = {}
    for key in ("name", "value", "path"):
        value = row.get(key, "/" if key == "path" else None)
        if not isinstance(value, str):
            raise JarError(f"{where} lacks the text {key!r}")
        texts[key] = value
    given = row.get("domain")
    if not isinstance(given, str):
        raise JarError(f"{where} lacks the text 'domain'")
    domain, dotted = split_domain(given)
    host_only = row.get("hostOnly")
    expires = row.get("expires", row.get("expirationDate", row.get("expiry")))
    same_site = row.get("sameSite")
    return Cookie(
        name=to_wire(texts["name"]),
        value=to_wire(texts["value"]),
        domain=domain,
        path=to_wire(texts["path"]) or "/",
        expires=None if row.get("session") is True else parse_expires(expires, where),
        secure=row.get("secure", row.get("isSecure")) is True,
        http_only=row.get("httpOnly", row.get("isHttpOnly")) is True,
        host_only=host_only if isinstance(host_only, bool) else not dotted,
        same_site=_SAME_SITES.get(same_site.lower(), "") if isinstance(same_site, str) else "",
    )


def _read_quick_manager(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of Cookie Quick Manager in the words of the others."""
    said = {key: str(value) for key, value in row.items()}
    address = urlsplit(said.get("Host raw", ""))
    host_only = said.get("This domain only raw") == "true"
    host = (address.hostname or "").removeprefix(".")
    return {
        "name": said["Name raw"],
        "value": said.get("Content raw", ""),
        "domain": host if host_only else f".{host}",
        "path": said.get("Path raw", "/"),
        "expires": said.get("Expires raw", "0"),
        "secure": said.get("Send for raw") == "true",
        "httpOnly": said.get("HTTP only raw") == "true",
        "sameSite": said.get("SameSite raw", ""),
    }
