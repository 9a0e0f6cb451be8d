"""Moments as people write and read them. Pure."""

import time
from datetime import UTC, datetime, timedelta

from sja_units.errors import UsageError
from sja_units.toml.reader import parse_duration

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_moment(text: str, now: float) -> int:
    """Return a moment in ns since 1970: RFC 3339, or so long before now ("-1h", "15min").

    A time without a zone is the host's own. Raises UsageError.
    """
    ago = parse_duration(text.removeprefix("-"))
    if ago is not None:
        return int((now - ago) * 1e9)
    try:
        moment = datetime.fromisoformat(text)
        return (moment.astimezone() - _EPOCH) // timedelta(microseconds=1) * 1000
    except (ValueError, OverflowError, OSError):
        raise UsageError(
            f"{text!r} is not a time such as -1h, 15min, '2026-01-31 08:00' or 2026-01-31T08:00:00Z"
        ) from None


def format_local(seconds: float, digits: int = 0) -> str:
    """Return a moment for people: in the host's own time, with so many digits of the second.

    seconds: since 1970.
    """
    whole = int(seconds // 1)
    fraction = f"{seconds - whole:.9f}"[1 : 2 + digits] if digits else ""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(whole)) + fraction


def localize(moment: str) -> str:
    """Return an RFC 3339 time for people, in the host's own time; what is none stays as it is."""
    try:
        return format_local(datetime.fromisoformat(moment).timestamp())
    except (ValueError, OverflowError, OSError):
        return moment


def format_moment(time_ns: int, digits: int = 9) -> str:
    """Return a moment as RFC 3339 in UTC, with so many digits of the second."""
    seconds, ns = divmod(time_ns, 10**9)
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{ns:09}"[: 20 + digits].rstrip(".") + "Z"
