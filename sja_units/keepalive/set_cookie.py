"""Reads a Set-Cookie header: RFC 6265bis, 5.6. Pure.

Whatever stands in one, nothing is raised: it is a cookie or none.
"""

import re
from typing import NamedTuple

from sja_units.runtime.http_date import parse_date

_MAX_PAIR = 4096  # bytes of name and value
_MAX_ATTRIBUTE = 1024
_BLANK = " \t"
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_AGE = re.compile(r"-?[0-9]+")
_SAME_SITES = {"strict": "Strict", "lax": "Lax", "none": "None"}


class SetCookie(NamedTuple):
    """What a site asks to keep. Its texts are as on the wire: a character is a byte."""

    name: str
    value: str
    domain: str = ""  # no leading dot; lower case where it is ASCII; "" where the site did not say
    path: str = ""  # "" where the site did not say, or not what a path can be
    max_age: int | None = None  # seconds; counts before `expires`
    expires: int | None = None  # Unix time
    secure: bool = False
    http_only: bool = False
    same_site: str = ""


def parse_set_cookie(line: str) -> SetCookie | None:
    """Return what the value of a Set-Cookie header says, None where it is no cookie.

    A cookie without a name is none for us: no file of cookies can hold it.
    """
    if _CONTROL.search(line):
        return None
    pair, *attributes = line.split(";")
    name, _, value = (part.strip(_BLANK) for part in pair.partition("="))
    if "=" not in pair or not name or len(name) + len(value) > _MAX_PAIR:
        return None
    cookie = SetCookie(name, value)
    for attribute in attributes:
        key, _, text = (part.strip(_BLANK) for part in attribute.partition("="))
        if len(text) <= _MAX_ATTRIBUTE:
            cookie = _apply(cookie, key.lower(), text)
    return cookie


def _apply(cookie: SetCookie, key: str, text: str) -> SetCookie:
    """Return the cookie with one more attribute: the last of a kind counts, a void one does not."""
    match key:
        case "expires":
            moment = parse_date(text)
            return cookie if moment is None else cookie._replace(expires=moment)
        case "max-age":
            # Digits without end would be slow to read, and say no more.
            return cookie._replace(max_age=int(text[:18])) if _AGE.fullmatch(text) else cookie
        case "domain":
            domain = text.removeprefix(".")
            domain = domain.lower() if domain.isascii() else domain
            return cookie._replace(domain=domain) if domain else cookie
        case "path":
            return cookie._replace(path=text if text.startswith("/") else "")
        case "secure":
            return cookie._replace(secure=True)
        case "httponly":
            return cookie._replace(http_only=True)
        case "samesite":
            return cookie._replace(same_site=_SAME_SITES.get(text.lower(), ""))
        case _:
            return cookie
