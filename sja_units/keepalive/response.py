"""What a request of the page can bring."""

from typing import Literal, NamedTuple

from sja_units.keepalive.cookie import Jar

Outcome = Literal["alive", "expired", "unknown"]
ALIVE: Outcome = "alive"
EXPIRED: Outcome = "expired"
UNKNOWN: Outcome = "unknown"


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

    outcome: Outcome
    reason: str  # no secrets: it is shown to everybody


class RefreshResult(NamedTuple):
    """One request of the page, judged."""

    verdict: Verdict
    http_status: int | None = None
    retry_after: float | None = None
    jar: Jar | None = None  # as the answer leaves it: of a live session, or perhaps of one
    refused: int = 0  # cookies that the jar did not take
    expires_at: int | None = None  # Unix time at which the first cookie of the session ends
    first_end: int | None = None  # the same of any cookie for which a refresh can come before that
