"""One request of the page with all that it showed, for a person who tries a job's file."""

from typing import NamedTuple

from sja_units.keepalive.config import KeepaliveConfig
from sja_units.keepalive.cookie import Jar
from sja_units.keepalive.cookie_policy import select_cookies
from sja_units.keepalive.refresh import examine
from sja_units.keepalive.response import ALIVE, NoResponse, RefreshResult
from sja_units.keepalive.verdict import Check, check_alive, check_expired

_TEXT = 300  # characters of the page that are shown


class SiteReport(NamedTuple):
    """What came of a request."""

    result: RefreshResult
    sent: tuple[str, ...]  # names of the cookies that went
    location: str  # where it redirects to, "" for nowhere
    checks: tuple[Check, ...]
    text: str  # the beginning of the page
    is_public: bool  # alive without any cookie, too


def probe_site(config: KeepaliveConfig, jar: Jar) -> SiteReport:
    """Ask for the page with the jar's cookies; where only the status counts, without them, too."""
    sent = tuple(cookie.name for cookie in select_cookies(jar, config.address))
    response, result = examine(config, jar)
    if isinstance(response, NoResponse):
        return SiteReport(result, sent, "", (), "", False)
    held = frozenset(cookie.name for cookie in result.jar or jar)
    alive = check_alive(response, held, config.alive)
    checks = (*alive, *check_expired(response, config.expired))
    is_alive = result.verdict.outcome == ALIVE
    return SiteReport(
        result,
        sent,
        response.location if response.status // 100 == 3 else "",
        checks,
        " ".join(response.body[: 8 * _TEXT].split())[:_TEXT],
        bool(is_alive and sent and is_public(config)),
    )


def is_public(config: KeepaliveConfig) -> bool:
    """Tell whether the page is alive for everybody, so that nothing shows a session's end."""
    for criteria in (config.alive, config.expired):
        if criteria.body_contains or criteria.json or criteria.redirect_contains:
            return False
    if config.alive.cookies:
        return False
    return examine(config, ())[1].verdict.outcome == ALIVE
