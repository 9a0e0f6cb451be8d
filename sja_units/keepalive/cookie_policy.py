"""Which cookies go to a page, and what its Set-Cookie lines make of the jar. Pure.

Source: RFC 6265bis, 5.1 (domains and paths), 5.7 (storage) and 5.8 (retrieval). One thing is left
out on purpose: a cookie whose end has come is still sent, as the site may still take it.
"""

import re
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from sja_units.keepalive.cookie import (
    LAST_MOMENT,
    MAX_BYTES,
    MAX_COOKIES,
    Cookie,
    Jar,
    JarError,
    check_cookie,
)
from sja_units.keepalive.set_cookie import SetCookie, parse_set_cookie
from sja_units.url import Address, encode_target

_MAX_OF_DOMAIN = 180  # cookies that a site can add, as in browsers: else no server takes the header
_LOOPBACK = re.compile(r"(?:.+\.)?localhost|127(?:\.[0-9]{1,3}){3}|\[::1\]")
_IP = re.compile(r"[0-9]+(?:\.[0-9]+){3}|\[.*\]")
# Under which every country sells names: edu.cn, co.uk. A list of all such is more than we need,
# since cookies go to one host only.
_OF_A_COUNTRY = re.compile(r"(?:ac|co|com|edu|gov|mil|net|org)\.[a-z]{2}")

_Key = tuple[str, bool, str, str]


class Merged(NamedTuple):
    """A jar after an answer."""

    jar: Jar
    refused: int  # Set-Cookie lines that no jar may hold, or that would have emptied it


def cookie_header(jar: Jar, page: Address) -> str:
    """Return the value of the Cookie header for a request of that page, "" for none."""
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in select_cookies(jar, page))


def select_cookies(jar: Jar, page: Address) -> list[Cookie]:
    """Return the cookies that go to a page, those with longer paths first."""
    path, is_secure = _read_path(page), _is_secure(page)
    chosen = [
        cookie
        for cookie in jar
        if is_for_host(cookie, page.host)
        and _path_matches(path, cookie.path)
        and (is_secure or not cookie.secure)
    ]
    return sorted(chosen, key=lambda cookie: -len(cookie.path))


def find_expiry(jar: Jar, page: Address, names: Iterable[str] = ()) -> int | None:
    """Return the Unix time at which the first cookie of the session ends, None if none does.

    The session's are those that an answer has set, unless it has outlived them, and those of the
    given names. Dates in the past are left out: such cookies are tried all the same.
    """
    now, names = time.time(), frozenset(names)
    dates = [
        cookie.expires
        for cookie in select_cookies(jar, page)
        if cookie.name in names or (cookie.refreshed and not cookie.outlived)
    ]
    return min((date for date in dates if date and date > now), default=None)


def find_first_end(jar: Jar, page: Address, after: float) -> int | None:
    """Return the Unix time, later than `after`, at which the first cookie for that page ends.

    Of whatever cookie the session may need: not of those that it has outlived.
    """
    sent = select_cookies(jar, page)
    dates = [c.expires for c in sent if c.expires and c.expires > after and not c.outlived]
    return min(dates, default=None)


def note_outlived(jar: Jar, sent: Jar, page: Address, now: float) -> Jar:
    """Return the jar of a session that is alive though cookies that were sent had ended by then."""
    ended = {_key(c) for c in select_cookies(sent, page) if c.expires and c.expires <= now}
    return tuple(c._replace(outlived=True) if _key(c) in ended else c for c in jar)


def merge(jar: Jar, page: Address, set_cookies: Iterable[str], now: float | None = None) -> Merged:
    """Return the jar after an answer of that page with those Set-Cookie values.

    A deletion counts for its cookie, but no answer empties a jar that held something.
    """
    now = time.time() if now is None else now
    store = _Store(jar)
    refused = 0
    for line in set_cookies:
        parsed = parse_set_cookie(line)
        cookie = _make_cookie(parsed, page, now) if parsed else None
        if cookie is None or store.would_replace_secure(cookie, page):
            refused += 1
        elif cookie.expires is not None and cookie.expires <= now:
            store.delete(_key(cookie))
        elif store.has_room(cookie):
            store.put(cookie)
        else:
            refused += 1
    if jar and not store.kept:
        return Merged(jar, refused + 1)
    return Merged(tuple(store.kept.values()), refused)


class _Store:
    """A jar while an answer changes it."""

    def __init__(self, jar: Jar) -> None:
        self.kept = {_key(cookie): cookie for cookie in jar}
        self._names = {cookie.name for cookie in jar}  # that are or were there
        self._of_domain = Counter(cookie.domain for cookie in jar)
        self._size = sum(map(_size, jar))

    def has_room(self, cookie: Cookie) -> bool:
        old = self.kept.get(_key(cookie))
        if self._size + _size(cookie) - (_size(old) if old else 0) > MAX_BYTES:
            return False
        is_full = len(self.kept) >= MAX_COOKIES or self._of_domain[cookie.domain] >= _MAX_OF_DOMAIN
        return old is not None or not is_full

    def put(self, cookie: Cookie) -> None:
        """Keep the cookie, in the place of the one that it replaces or of a guess at it."""
        for guess in [key for key, other in self._namesakes(cookie) if other.assumed]:
            self.delete(guess)
        key = _key(cookie)
        if (old := self.kept.get(key)) is None:
            self._of_domain[cookie.domain] += 1
        self._size += _size(cookie) - (_size(old) if old else 0)
        self._names.add(cookie.name)
        self.kept[key] = cookie._replace(outlived=old.outlived) if old else cookie

    def delete(self, key: _Key) -> None:
        if old := self.kept.pop(key, None):
            self._of_domain[old.domain] -= 1
            self._size -= _size(old)

    def would_replace_secure(self, cookie: Cookie, page: Address) -> bool:
        """Tell whether a cookie that came in clear would stand before one that may not."""
        return not _is_secure(page) and any(
            other.secure
            and (
                _domain_matches(cookie.domain, other.domain)
                or _domain_matches(other.domain, cookie.domain)
            )
            and _path_matches(cookie.path, other.path)
            for _, other in self._namesakes(cookie)
        )

    def _namesakes(self, cookie: Cookie) -> list[tuple[_Key, Cookie]]:
        if cookie.name not in self._names:
            return []
        return [(key, other) for key, other in self.kept.items() if other.name == cookie.name]


def _make_cookie(parsed: SetCookie, page: Address, now: float) -> Cookie | None:
    """Return what is stored of a Set-Cookie line, None where the page may not set it."""
    domain, host = _to_ascii(parsed.domain), page.host
    host_only = not domain or (domain == host and (_is_single(host) or _is_suffix(host)))
    if not host_only and (not _domain_matches(host, domain) or _is_suffix(domain)):
        return None
    path = parsed.path or _default_path(_read_path(page))
    if parsed.secure and not _is_secure(page):
        return None
    prefix = parsed.name.lower()
    if prefix.startswith(("__secure-", "__host-")) and not parsed.secure:
        return None
    if prefix.startswith("__host-") and (parsed.domain or parsed.path != "/"):
        return None
    expires: float | None = parsed.expires
    if parsed.max_age is not None:
        expires = now + parsed.max_age if parsed.max_age > 0 else 0
    cookie = Cookie(
        name=parsed.name,
        value=parsed.value,
        domain=host if host_only else domain,
        path=path,
        expires=None if expires is None else int(min(max(expires, 0), LAST_MOMENT)),
        secure=parsed.secure,
        http_only=parsed.http_only,
        host_only=host_only,
        same_site=parsed.same_site,
        refreshed=True,
    )
    with suppress(JarError):
        return check_cookie(cookie)
    return None


def _is_suffix(domain: str) -> bool:
    """Tell whether hosts of many owners lie below a domain, for which none of them may speak."""
    return "." not in domain or _OF_A_COUNTRY.fullmatch(domain) is not None


def _key(cookie: Cookie) -> _Key:
    return cookie.domain, cookie.host_only, cookie.path, cookie.name


def _size(cookie: Cookie) -> int:
    return len(cookie.name) + len(cookie.value)


def is_for_host(cookie: Cookie, host: str) -> bool:
    """Tell whether a cookie can go to a host, to whatever page."""
    if cookie.host_only:
        return cookie.domain == host
    return _domain_matches(host, cookie.domain)


def _domain_matches(host: str, domain: str) -> bool:
    """RFC 6265bis, 5.1.3."""
    return host == domain or (host.endswith(f".{domain}") and not _IP.fullmatch(host))


def _path_matches(path: str, prefix: str) -> bool:
    """RFC 6265bis, 5.1.4."""
    return path == prefix or path.startswith(prefix if prefix.endswith("/") else f"{prefix}/")


def _default_path(path: str) -> str:
    return path.rpartition("/")[0] or "/"


def _read_path(page: Address) -> str:
    return encode_target(page.target).partition("?")[0]


def _is_secure(page: Address) -> bool:
    """Tell whether nobody on the way can read along: by TLS, or as there is no way."""
    return page.scheme == "https" or _LOOPBACK.fullmatch(page.host) is not None


def _is_single(host: str) -> bool:
    """Tell whether a host can have no hosts below it that a cookie could be meant for, too."""
    return "." not in host or _IP.fullmatch(host) is not None


def _to_ascii(domain: str) -> str:
    """Return a domain as it is asked for: RFC 6265bis, 5.1.2."""
    if domain.isascii():
        return domain
    with suppress(UnicodeError):
        return domain.encode("latin-1").decode("utf-8").lower().encode("idna").decode("ascii")
    return domain
