"""What a look at the page can bring."""

from typing import NamedTuple

from sja_units.keepalive.cookie import Jar

ALIVE, EXPIRED, UNKNOWN = "alive", "expired", "unknown"


class SiteResponse(NamedTuple):
    """What the site said."""

    status: int
    location: str  # of a redirect
    body: str  # its beginning
    cut: bool  # there was more of it
    headers: tuple[tuple[str, str], ...]  # names in lower case
    set_cookies: tuple[str, ...]
    retry_after: float | None  # seconds


class NoResponse(NamedTuple):
    """Why the site said nothing that one can judge."""

    reason: str


class Verdict(NamedTuple):
    """What is known of the session, and why."""

    outcome: str  # ALIVE, EXPIRED or UNKNOWN
    reason: str  # no secrets: it is shown to everybody


class RefreshResult(NamedTuple):
    """One look at the page, judged."""

    verdict: Verdict
    http_status: int | None = None
    retry_after: float | None = None
    jar: Jar | None = None  # the jar as the answer leaves it; only of a live session
    refused: int = 0  # cookies that the jar did not take
    expires_at: int | None = None  # Unix time at which the first cookie sent there ends
