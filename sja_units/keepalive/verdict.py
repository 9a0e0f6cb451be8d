"""Alive, expired or unknown: what an answer says about the session. Pure."""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from sja_units.keepalive.challenge import find_challenge, wants_http_2
from sja_units.keepalive.config import Criteria, Expected, KeepaliveConfig
from sja_units.keepalive.response import ALIVE, EXPIRED, UNKNOWN, NoResponse, SiteResponse, Verdict
from sja_units.url import decode_percent

_JSON_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(/))")
_INDEX = re.compile(r"[0-9]{1,9}")


class Check(NamedTuple):
    """One of the job's criteria, held against an answer."""

    key: str  # as in the job's file: alive.body_contains
    holds: bool
    reason: str  # why that counts: of `alive` why it is missing, of `expired` what is there


def classify_response(
    answer: SiteResponse | NoResponse, held: frozenset[str], config: KeepaliveConfig
) -> Verdict:
    """Return what an answer says about the session.

    held: names of the cookies that the jar would hold after it.
    """
    if isinstance(answer, NoResponse):
        return Verdict(UNKNOWN, answer.reason)
    if answer.status == 429 or answer.status >= 500:
        return Verdict(UNKNOWN, f"the site answers {name_status(answer.status)}")
    expired = list(check_expired(answer, config.expired))
    if sign := next((c.reason for c in expired if c.holds and c.key != "expired.status"), ""):
        return Verdict(EXPIRED, sign)
    alive = check_alive(answer, held, config.alive)
    missing = next((check.reason for check in alive if not check.holds), "")
    # The job's own criteria are surer than any guess at a firewall; a bare status is not.
    sure = bool(config.alive.body_contains or config.alive.json) and not missing
    if not sure:
        if challenge := find_challenge(answer):
            reason = f"{challenge} stands before the site (it answers {answer.status})"
            return Verdict(UNKNOWN, reason)
        if wants_http_2(answer):
            return Verdict(UNKNOWN, f"the site wants HTTP/2 (it answers {answer.status})")
    if sign := next((check.reason for check in expired if check.holds), ""):
        return Verdict(EXPIRED, sign)
    if missing:
        return Verdict(UNKNOWN, missing)
    return Verdict(ALIVE, f"the site answers {answer.status}")


def name_status(status: int) -> str:
    """Return a status as "404 Not Found"."""
    from http import HTTPStatus  # 0.3 MiB, for what is seldom said

    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def check_expired(answer: SiteResponse, criteria: Criteria) -> Iterator[Check]:
    """Hold an answer against the job's criteria of a dead session, of which one is enough."""
    if criteria.redirect_contains:
        holds = _redirects_to(answer, criteria.redirect_contains)
        reason = "the site redirects as expired.redirect_contains says"
        yield Check("expired.redirect_contains", holds, reason)
    if criteria.body_contains:
        holds = _shows(answer.body, criteria.body_contains)
        reason = "the page holds the text of expired.body_contains"
        yield Check("expired.body_contains", holds, reason)
    document = _parse(answer, criteria)
    for path, expected in criteria.json:
        reason = f"{path!r} in the page is as expired.json says"
        yield Check(f"expired.json {path!r}", _holds(document, path, expected), reason)
    if criteria.status:
        holds = answer.status in criteria.status
        reason = f"the site answers {name_status(answer.status)}" if holds else ""
        yield Check("expired.status", holds, reason)


def check_alive(answer: SiteResponse, held: frozenset[str], criteria: Criteria) -> Iterator[Check]:
    """Hold an answer against the job's criteria of a live session, all of which are needed."""
    holds, reason = _is_good_status(answer, criteria), ""
    if not holds:
        reason = f"the site answers {name_status(answer.status)}{_say_redirect(answer)}"
    yield Check("alive.status", holds, reason)
    if criteria.redirect_contains:
        holds = _redirects_to(answer, criteria.redirect_contains)
        reason = "the site does not redirect as alive.redirect_contains says"
        yield Check("alive.redirect_contains", holds, reason)
    if criteria.body_contains:
        partly = " (only its first MiB was looked at)" if answer.cut else ""
        reason = f"the page does not hold the text of alive.body_contains{partly}"
        yield Check("alive.body_contains", _shows(answer.body, criteria.body_contains), reason)
    document = _parse(answer, criteria)
    for path, expected in criteria.json:
        reason = f"{path!r} in the page is not as alive.json says"
        yield Check(f"alive.json {path!r}", _holds(document, path, expected), reason)
    for name in criteria.cookies:
        yield Check(f"alive.cookies {name!r}", name in held, f"the jar holds no cookie {name!r}")


def _shows(body: str, text: str) -> bool:
    """Return whether a page holds a text, be it as JSON or HTML escape it."""
    if text in body:
        return True
    if body.lstrip()[:1] not in ("{", "["):  # a script's escapes are not what a page shows
        from html import unescape  # 0.3 MiB, for what few pages need

        try:
            return "&" in body and text in unescape(body)
        except ValueError:  # a character's number of thousands of digits
            return False
    plain = _JSON_ESCAPE.sub(lambda match: match[2] or chr(int(match[1], 16)), body)
    # What lies beyond 16 bits comes as two escapes.
    return text in plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _is_good_status(answer: SiteResponse, criteria: Criteria) -> bool:
    if criteria.status:
        return answer.status in criteria.status
    return answer.status // 100 == (3 if criteria.redirect_contains else 2)


def _redirect(answer: SiteResponse) -> str:
    return answer.location if answer.status // 100 == 3 else ""


def _redirects_to(answer: SiteResponse, text: str) -> bool:
    """Return whether a redirect's address holds a text, be either percent-encoded or not."""
    location = _redirect(answer)
    if text in location:
        return True
    data = decode_percent(location.encode("latin-1", "replace"))
    plain = decode_percent(text.encode()).decode("utf-8", "replace")
    return any(plain in data.decode(charset, "replace") for charset in ("utf-8", "gb18030"))


def _say_redirect(answer: SiteResponse) -> str:
    """Tell where a redirect goes, without its query: that may hold a ticket."""
    target = _redirect(answer).partition("?")[0].partition("#")[0]
    shown = "".join(c for c in target if c.isprintable())[:80]
    return f" to {shown} (expired.redirect_contains could say what that means)" if shown else ""


def _parse(answer: SiteResponse, criteria: Criteria) -> object:
    if not criteria.json:
        return None
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None


def _holds(document: object, path: str, expected: Expected) -> bool:
    value = document
    for key in path.split("."):
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and _INDEX.fullmatch(key) and int(key) < len(value):
            value = value[int(key)]
        else:
            return False
    if expected is True:
        return value is not None and value is not False
    return value == expected and isinstance(value, bool) == isinstance(expected, bool)
