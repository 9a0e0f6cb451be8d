"""Which cookies go to a page, and what its Set-Cookie lines make of the jar.

The rules (domain, path, Secure, public suffixes of two letters) are those of http.cookiejar.
Only its policy is used, never its files: MozillaCookieJar writes forged cookies.
"""

import re
import time
from http.cookiejar import Cookie as StandardCookie
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, NamedTuple
from urllib.request import Request

from sja_units.keepalive.cookie import Cookie, Jar, JarFault, check_cookie, check_jar

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HTTP_ONLY = re.compile(r";\s*httponly\b[^;]*", re.IGNORECASE)
_SAME_SITE = re.compile(r";\s*samesite\s*=\s*(strict|lax|none)\s*(?=;|$)", re.IGNORECASE)


class Merged(NamedTuple):
    """A jar after an answer."""

    jar: Jar
    refused: int  # Set-Cookie lines that no jar may hold, or that would have emptied it


class _Policy(DefaultCookiePolicy):
    """The standard policy, but a date does not end a session: the site may still accept it."""

    def __init__(self) -> None:
        super().__init__(
            strict_domain=True, strict_ns_domain=DefaultCookiePolicy.DomainStrictNonDomain
        )

    def return_ok_expires(self, _cookie: StandardCookie, _request: Request) -> bool:
        return True


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


def cookie_header(jar: Jar, url: str) -> str:
    """Return the value of the Cookie header for a request of that page, "" for none."""
    request = Request(url)
    _fill(jar, request)[0].add_cookie_header(request)
    return request.get_header("Cookie", "")


def merge(jar: Jar, url: str, set_cookies: tuple[str, ...]) -> Merged:
    """Return the jar after an answer of that page with those Set-Cookie values.

    A deletion counts for its cookie, but no answer empties a jar that held something.
    """
    request = Request(url)
    standard, ours = _fill(jar, request)
    host = request.host.partition(":")[0]
    clean = [_normalise(line, host) for line in set_cookies if not _CONTROL.search(line)]
    refused = len(set_cookies) - len(clean)
    # Its extract_cookies() takes any object with info() and get_all().
    answer: Any = _Answer(clean)
    standard.extract_cookies(answer, request)
    kept, new = [], []
    for cookie in standard:
        if id(cookie) in ours:
            kept.append(ours[id(cookie)])
        elif (converted := _from_standard(cookie, request)) is not None:
            new.append(converted)
        else:
            refused += 1
    names = {cookie.name for cookie in new}
    kept = [cookie for cookie in kept if not (cookie.assumed and cookie.name in names)]
    try:
        merged = check_jar(kept + new)
    except JarFault:  # too many or too large: the session is worth more than the newcomers
        return Merged(jar, len(set_cookies))
    if jar and not merged:
        return Merged(jar, len(set_cookies))
    return Merged(merged, refused)


def _normalise(line: str, host: str) -> str:
    """Write attributes as http.cookiejar can be asked for them; drop what it misunderstands."""
    line = _HTTP_ONLY.sub("; HttpOnly", line)
    line = _SAME_SITE.sub(lambda match: f"; SameSite={match[1].capitalize()}", line)
    if "." not in host:
        # RFC 6265, 5.3, step 5: a domain without a dot counts if it is the host's own name.
        line = re.sub(rf";\s*domain\s*=\s*\.?{re.escape(host)}\s*(?=;|$)", "", line, flags=re.I)
    return line


def _fill(jar: Jar, request: Request) -> tuple[_StandardJar, dict[int, Cookie]]:
    standard = _StandardJar(_Policy())
    ours = {}
    for cookie in jar:
        converted = _to_standard(cookie, request)
        standard.set_cookie(converted)
        ours[id(converted)] = cookie
    return standard, ours


def _local(domain: str, request: Request) -> str:
    """Return how http.cookiejar calls a host without a dot: "pc" is "pc.local" (RFC 2965, 1)."""
    return f"{domain}.local" if domain == request.host.partition(":")[0] else domain


def _to_standard(cookie: Cookie, request: Request) -> StandardCookie:
    dotted = "." in cookie.domain
    domain = cookie.domain if cookie.host_only else f".{cookie.domain}"
    if cookie.host_only and not dotted:
        domain = _local(domain, request)
    return StandardCookie(
        version=0,
        name=cookie.name,
        value=cookie.value,
        port=None,
        port_specified=False,
        domain=domain,
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


def _from_standard(cookie: StandardCookie, request: Request) -> Cookie | None:
    host_only = not cookie.domain_specified
    domain = cookie.domain.removeprefix(".")
    if host_only and domain == _local(plain := domain.removesuffix(".local"), request):
        domain = plain
    try:
        return check_cookie(
            Cookie(
                name=cookie.name,
                value=cookie.value or "",
                domain=domain,
                path=cookie.path,
                expires=cookie.expires,
                secure=cookie.secure,
                http_only=cookie.has_nonstandard_attr("HttpOnly"),
                host_only=host_only,
                same_site=cookie.get_nonstandard_attr("SameSite", ""),
            )
        )
    except JarFault:
        return None


def find_expiry(jar: Jar, url: str) -> int | None:
    """Return the Unix time at which the first cookie for that page ends, None if none has one.

    Dates in the past are left out: such cookies are tried all the same.
    """
    now = time.time()
    dates = [c.expires for c in jar if c.expires and c.expires > now and cookie_header((c,), url)]
    return min(dates, default=None)
