"""What the formats of jars have in common: texts, domains, times. Pure."""

import math
import re

from sja_units.keepalive.cookie import LAST_MOMENT, JarError
from sja_units.runtime.http_date import parse_date

_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d+)?Z?")
_PORT = re.compile(r":[0-9]{1,5}$")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def to_wire(text: str) -> str:
    """Return a text with a character for each byte that a browser would send."""
    if text.isascii():
        return text
    try:
        data = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a character of JSON's
        data = text.encode("utf-8", "surrogatepass")
    return data.decode("latin-1")


def split_domain(domain: str) -> tuple[str, bool]:
    """Return the domain without its dot, and whether the dot says that it counts for sub-hosts.

    wget writes a port behind it, and curl an IPv6 address without its brackets.
    """
    dotted = domain.startswith(".")
    domain = domain.removeprefix(".").lower()
    if domain.count(":") > 1 and not domain.startswith("["):
        return f"[{domain}]", False
    domain = _PORT.sub("", domain)
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode("ascii")
        except UnicodeError:
            return domain, dotted
    return domain, dotted


def parse_expires(value: object, where: str) -> int | None:
    """Return an end as Unix time; what is absent, 0 or -1 is a session cookie.

    Raises JarError.
    """
    if value is None or (isinstance(value, str) and value.strip().lower() in ("", "session")):
        return None
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError
        number = float(value)
    except (ValueError, OverflowError):
        return _parse_words(value, where)
    if math.isnan(number) or number <= 0:
        return None
    if number > LAST_MOMENT:  # no clock shows that: it is in milliseconds
        number /= 1000
    return int(min(number, LAST_MOMENT))


def _parse_words(value: object, where: str) -> int | None:
    moment = None
    if isinstance(value, str):
        if match := _ISO.fullmatch(value.strip()):
            year, month, day, clock = match.groups()
            name = _MONTHS[int(month) - 1] if 1 <= int(month) <= 12 else ""
            value = f"{day} {name} {year} {clock}"
        moment = parse_date(value)
    if moment is None:
        raise JarError(f"{where} has an expiry that is neither a number nor a date")
    return min(moment, LAST_MOMENT) if moment > 0 else None
