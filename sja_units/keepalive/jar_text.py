"""Jars as they are copied: a Cookie header, request headers, a cURL command, a table. Pure.

Sources: RFC 6265, 4.2; what the developer tools of Chrome and Firefox copy.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from sja_units.keepalive.cookie import Cookie, JarError
from sja_units.keepalive.curl_command import find_cookies, is_curl
from sja_units.keepalive.jar_fields import parse_expires, split_domain, to_wire

_HEADER = re.compile(r":?([A-Za-z][A-Za-z0-9-]*):(?:\s+(.*)|)|(?i:(cookie):(.+))")
_REQUEST_LINE = re.compile(r"[A-Z]+ \S+(?: HTTP/[0-9.]+)?")
_TICKS = ("✓", "true", "yes")
_OTHER = {
    "<": "it is a page (HTML or XML), and no cookies",
    "Invoke-WebRequest": "it is a command of PowerShell: copy it as cURL",
    "$session": "it is a command of PowerShell: copy it as cURL",
    "fetch(": "it is a call of fetch, which leaves cookies out: copy it as cURL",
    "%PDF": "it is a PDF",
    "SQLite format": "it is a browser's own database: export the cookies from the browser",
}


def parse(text: str, host: str) -> Iterator[Cookie]:
    """Return the cookies, unchecked; those of a header are the host's. Raises JarError."""
    for beginning, words in _OTHER.items():
        if text.startswith(beginning):
            raise JarError(words)
    if is_curl(text):
        return _parse_header(find_cookies(text), host)
    lines = [line.rstrip("\r") for line in text.split("\n")]
    if any("\t" in line for line in lines):
        return _parse_table([line for line in lines if line.strip()])
    lines = [line.strip() for line in lines if line.strip()]
    headers = _read_headers(lines)
    if headers is not None:
        values = [value for name, value in headers if name == "cookie"]
        if not values:
            names = ", ".join(dict.fromkeys(name for name, _ in headers))[:200]
            raise JarError(f"it holds no Cookie header, but {names or 'a request line'}")
        return _parse_header("; ".join(values), host)
    if len(lines) > 1:
        raise JarError(
            "it is neither cookies.txt (fields separated by tabs), nor JSON, nor one line"
        )
    line = lines[0]
    if line[0] in "'\"" and line[-1] == line[0] and len(line) > 1:  # as a console prints it
        line = line[1:-1]
    return _parse_header(line, host, strict=True)


def _read_headers(lines: list[str]) -> list[tuple[str, str]] | None:
    """Return the headers of a request, with names in lower case; None if these are none."""
    # Chrome copies the name and the value of one as two lines.
    pairs = pairwise(lines)
    if values := [value for name, value in pairs if name.lower() in ("cookie", "cookie:")]:
        return [("cookie", value) for value in values]
    if len(lines) > 1 and _REQUEST_LINE.fullmatch(lines[0]):
        lines = lines[1:]
    headers = []
    for line in lines:
        if (match := _HEADER.fullmatch(line)) is None:
            return None
        headers.append(((match[1] or match[3]).lower(), match[2] or match[4] or ""))
    return headers


def _parse_header(text: str, host: str, *, strict: bool = False) -> Iterator[Cookie]:
    """Return the cookies of a Cookie header; strict: it does not say that it is one."""
    cookies: dict[str, Cookie] = {}
    for number, pair in enumerate(text.split(";"), 1):
        name, equals, value = pair.strip().partition("=")
        if not name and not equals:
            continue
        if not equals or (strict and re.search(r"[\s<>\"(){}\[\]:]", name)):
            raise JarError(f"part {number} of the line is not NAME=VALUE")
        cookie = Cookie(to_wire(name), to_wire(value), host.lower(), assumed=True)
        # RFC 6265, 5.4: of two paths the longer comes first, so that one is the page's own.
        cookies.setdefault(cookie.name, cookie)
    return iter(cookies.values())


def _parse_table(lines: list[str]) -> Iterator[Cookie]:
    """Yield the rows of the table of cookies in a browser's developer tools."""
    for number, line in enumerate(lines, 1):
        fields = [field.strip() for field in line.split("\t")]
        if number == 1 and fields[0].lower() == "name":
            continue
        fields += [""] * (9 - len(fields))
        name, value, domain, path, expires, _size, http_only, secure, same_site, *_ = fields
        if not domain or not path.startswith("/"):
            raise JarError(
                f"line {number} has {len(line.split(chr(9)))} fields: it is neither of cookies.txt "
                "nor of a browser's table (name, value, domain, path, …)"
            )
        host, dotted = split_domain(domain)
        same_site = same_site.capitalize()
        yield Cookie(
            name=to_wire(name),
            value=to_wire(value),
            domain=host,
            path=to_wire(path),
            expires=parse_expires(expires, f"line {number}"),
            secure=secure.lower() in _TICKS,
            http_only=http_only.lower() in _TICKS,
            host_only=not dotted,
            same_site=same_site if same_site in ("Strict", "Lax", "None") else "",
        )
