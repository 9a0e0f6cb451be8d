"""Which cookies go to a page, and what its Set-Cookie lines make of the jar: RFC 6265.

The rules are those of http.cookiejar, with its known gaps closed: dates do not end a session,
hosts without a dot and IPv6 addresses are hosts like others, one domain deletes nothing of another.
Its files are not used: MozillaCookieJar writes a forged cookie for a value with a newline.
"""

import re
import time
from http.cookiejar import Cookie as StandardCookie
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, NamedTuple
from urllib.request import Request

from sja_units.keepalive.cookie import LAST_MOMENT, Cookie, Jar, JarError, check_cookie, check_jar
from sja_units.url import Address

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# Possessive, so that no hostile line takes more than a moment.
_DOMAIN = re.compile(r";\s*+domain\s*+=\s*+\.?([^;\s]*+)\s*+(?=;|$)", re.IGNORECASE)
_HTTP_ONLY = re.compile(r";\s*httponly\b[^;]*", re.IGNORECASE)
_SAME_SITE = re.compile(r";\s*samesite\s*=\s*(strict|lax|none)\s*(?=;|$)", re.IGNORECASE)
# What RFC 6265 (5.2.2 to 5.2.4) has ignored by itself, and http.cookiejar drops the cookie for.
_VOID = re.compile(
    r";\s*+(?:domain\s*+(?:=\s*+\.?\s*+)?|max-age(?!\s*+=\s*+-?[0-9]++\s*+(?:;|$))[^;]*+"
    r"|path(?!\s*+=\s*+/)[^;]*+)(?=;|$)",
    re.IGNORECASE,
)
_YEAR = re.compile(
    r"(;\s*expires\s*=[^;]*?\b\d{1,2}[ -][a-z]{3}[ -])(\d{2}|\d{4})(?= )", re.IGNORECASE
)
# http.cookiejar takes "pc" for "pc.local" and cannot take "[::1]" at all.
_STAND_IN = "host-without-dot.invalid"


class Merged(NamedTuple):
    """A jar after an answer."""

    jar: Jar
    refused: int  # Set-Cookie lines that no jar may hold, or that would have emptied it


class _Policy(DefaultCookiePolicy):
    def __init__(self) -> None:
        super().__init__(
            strict_domain=True, strict_ns_domain=DefaultCookiePolicy.DomainStrictNonDomain
        )

    def return_ok_expires(self, _cookie: StandardCookie, _request: Request) -> bool:
        return True  # the site may still accept it


class _StandardJar(CookieJar):
    def clear_expired_cookies(self) -> None:
        """Keep them all: see _Policy."""


class _Answer:
    """The one thing that http.cookiejar asks of an answer."""

    def __init__(self, set_cookies: list[str]) -> None:
        self._set_cookies = set_cookies

    def info(self) -> "_Answer":
        return self

    def get_all(self, name: str, default: list[str]) -> list[str]:
        return self._set_cookies if name == "Set-Cookie" else default


def cookie_header(jar: Jar, page: Address) -> str:
    """Return the value of the Cookie header for a request of that page, "" for none."""
    request = _make_request(page)
    standard = _StandardJar(_Policy())
    for cookie in jar:
        standard.set_cookie(_to_standard(cookie, page))
    standard.add_cookie_header(request)
    return request.get_header("Cookie", "")


def find_expiry(jar: Jar, page: Address) -> int | None:
    """Return the Unix time at which the first cookie for that page ends, None if none has one.

    Dates in the past are left out: such cookies are tried all the same.
    """
    now = time.time()
    dates = [c.expires for c in jar if c.expires and c.expires > now and cookie_header((c,), page)]
    return min(dates, default=None)


def merge(jar: Jar, page: Address, set_cookies: tuple[str, ...]) -> Merged:
    """Return the jar after an answer of that page with those Set-Cookie values.

    A deletion counts for its cookie, but no answer empties a jar that held something.
    """
    clean = [line for line in set_cookies if not _CONTROL.search(line)]
    refused = len(set_cookies) - len(clean)
    standard = _StandardJar(_Policy())
    # By identity: a list keeps each alive, or a newcomer could get the address of a deleted one.
    converted = [_to_standard(cookie, page) for cookie in jar]
    for ours in converted:
        standard.set_cookie(ours)
    originals = {id(ours): cookie for ours, cookie in zip(converted, jar, strict=True)}
    # extract_cookies() takes any object with info() and get_all().
    answer: Any = _Answer([_normalise(line, page) for line in clean if _is_meant_for(line, page)])
    standard.extract_cookies(answer, _make_request(page))
    kept = [originals[id(cookie)] for cookie in standard if id(cookie) in originals]
    new = [_from_standard(cookie, page) for cookie in standard if id(cookie) not in originals]
    taken = [cookie for cookie in new if cookie is not None]
    names = {cookie.name for cookie in taken}
    kept = [cookie for cookie in kept if not (cookie.assumed and cookie.name in names)]
    try:
        merged = check_jar(kept + taken)
    except JarError:  # too many or too large: the session is worth more than the newcomers
        return Merged(jar, len(set_cookies))
    if jar and not merged:
        return Merged(jar, len(set_cookies))
    return Merged(merged, refused + len(new) - len(taken))


def _is_single(page: Address) -> bool:
    return "." not in page.host or page.host.startswith("[")


def _make_request(page: Address) -> Request:
    host = _STAND_IN if _is_single(page) else page.host
    return Request(page._replace(host=host).url)


def _is_meant_for(line: str, page: Address) -> bool:
    """Return whether RFC 6265 (5.2, 5.3) lets that page set or delete such a cookie at all."""
    name, equals, _ = line.partition(";")[0].partition("=")
    domains = [domain.lower() for domain in _DOMAIN.findall(line) if domain]
    host = page.host
    return bool(
        name.strip()
        and equals
        and all(host == domain or host.endswith(f".{domain}") for domain in domains)
    )


def _normalise(line: str, page: Address) -> str:
    """Write attributes so that http.cookiejar understands them and can be asked for them."""
    if _is_single(page):  # the domain is the host's own name then
        line = _DOMAIN.sub("", line)
    line = _YEAR.sub(lambda match: match[1] + _read_year(match[2]), _VOID.sub("", line))
    line = _HTTP_ONLY.sub("; HttpOnly", line)
    return _SAME_SITE.sub(lambda match: f"; SameSite={match[1].capitalize()}", line)


def _read_year(digits: str) -> str:
    """Return a year of two digits as RFC 6265 (5.1.1) reads it, one before all epochs as 1970."""
    year = int(digits)
    if len(digits) == 2:
        year += 1900 if year >= 70 else 2000
    return str(max(year, 1970))


def _to_standard(cookie: Cookie, page: Address) -> StandardCookie:
    domain = cookie.domain
    if domain == page.host and _is_single(page):
        domain = _STAND_IN
    return StandardCookie(
        version=0,
        name=cookie.name,
        value=cookie.value,
        port=None,
        port_specified=False,
        domain=domain if cookie.host_only else f".{domain}",
        domain_specified=not cookie.host_only,
        domain_initial_dot=not cookie.host_only,
        path=cookie.path,
        path_specified=True,
        secure=cookie.secure,
        expires=cookie.expires,
        discard=cookie.expires is None,
        comment=None,
        comment_url=None,
        rest={},
    )


def _from_standard(cookie: StandardCookie, page: Address) -> Cookie | None:
    """Return the cookie as ours, None if no jar may hold it."""
    domain = cookie.domain.removeprefix(".")
    if domain == _STAND_IN:
        domain = page.host
    try:
        return check_cookie(
            Cookie(
                name=cookie.name,
                value=cookie.value or "",
                domain=domain,
                path=cookie.path,
                expires=None if cookie.expires is None else min(cookie.expires, LAST_MOMENT),
                secure=cookie.secure,
                http_only=cookie.has_nonstandard_attr("HttpOnly"),
                host_only=not cookie.domain_specified,
                same_site=cookie.get_nonstandard_attr("SameSite", ""),
            )
        )
    except JarError:
        return None
