"""Alive, expired or unknown: what an answer says about the session. Pure."""

import html
import json
import re
from http import HTTPStatus

from sja_units.keepalive.config import Criteria, Expected, KeepaliveConfig
from sja_units.keepalive.response import ALIVE, EXPIRED, UNKNOWN, NoResponse, SiteResponse, Verdict

# What the well-known firewalls put on their own pages, and sites hardly ever on theirs.
_CHALLENGE_HEADERS = {"cf-mitigated": "Cloudflare", "x-amzn-waf-action": "AWS WAF"}
_CHALLENGE_TEXTS = {
    "/cdn-cgi/challenge-platform/": "Cloudflare",
    "_Incapsula_Resource": "Imperva",
    "px-captcha": "HUMAN",
    "captcha-delivery.com": "DataDome",
    "aliyun_waf": "Aliyun WAF",
}
_JSON_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(/))")
_INDEX = re.compile(r"[0-9]{1,9}")


def judge(
    answer: SiteResponse | NoResponse, held: frozenset[str], config: KeepaliveConfig
) -> Verdict:
    """Return what an answer says about the session.

    held: names of the cookies that the jar would hold after it.
    """
    if isinstance(answer, NoResponse):
        return Verdict(UNKNOWN, answer.reason)
    if answer.status == 429 or answer.status >= 500:
        return Verdict(UNKNOWN, f"the site answers {name_status(answer.status)}")
    if sign := _find_expired_mark(answer, config.expired):
        return Verdict(EXPIRED, sign)
    missing = _find_missing(answer, held, config.alive)
    # The job's own marks are surer than any guess at a firewall; a bare status is not.
    sure = bool(config.alive.body_contains or config.alive.json) and not missing
    if not sure and (challenge := find_challenge(answer)):
        return Verdict(UNKNOWN, f"{challenge} stands before the site (it answers {answer.status})")
    if answer.status in config.expired.status:
        return Verdict(EXPIRED, f"the site answers {name_status(answer.status)}")
    if missing:
        return Verdict(UNKNOWN, missing)
    return Verdict(ALIVE, f"the site answers {answer.status}")


def name_status(status: int) -> str:
    """Return a status as "404 Not Found"."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def find_challenge(answer: SiteResponse) -> str:
    """Return what keeps the page from us instead of the site itself, "" for nothing."""
    for name, value in answer.headers:
        if name in _CHALLENGE_HEADERS:
            return f"a challenge of {_CHALLENGE_HEADERS[name]}"
        if _is_of_proxy(name, value):
            return "a proxy"
    for text, whose in _CHALLENGE_TEXTS.items():
        if text in answer.body:
            return f"a challenge of {whose}"
    # Many a page mentions a captcha; only where access is refused is it likely the reason.
    if answer.status == 403 and "captcha" in answer.body.lower():
        return "a captcha"
    return ""


def _is_of_proxy(name: str, value: str) -> bool:
    """Tell whether a header says that a proxy answers, and not the site: RFC 9209, Squid."""
    if name == "proxy-status":
        return "error=" in value and "received-status=" not in value
    return name == "x-squid-error"


def _find_expired_mark(answer: SiteResponse, marks: Criteria) -> str:
    """Return the first of the job's own marks of a dead session that holds, "" for none."""
    if marks.redirect_contains and marks.redirect_contains in _redirect(answer):
        return "the site redirects as expired.redirect_contains says"
    if marks.body_contains and _shows(answer.body, marks.body_contains):
        return "the page holds the text of expired.body_contains"
    document = _parse(answer, marks)
    for path, expected in marks.json:
        if _holds(document, path, expected):
            return f"{path!r} in the page is as expired.json says"
    return ""


def _find_missing(answer: SiteResponse, held: frozenset[str], marks: Criteria) -> str:
    """Return the first mark of a live session that is missing, "" if all hold."""
    if not _is_good_status(answer, marks):
        return f"the site answers {name_status(answer.status)}{_say_redirect(answer)}"
    if marks.redirect_contains and marks.redirect_contains not in _redirect(answer):
        return "the site does not redirect as alive.redirect_contains says"
    if marks.body_contains and not _shows(answer.body, marks.body_contains):
        partly = " (only its first MiB was looked at)" if answer.cut else ""
        return f"the page does not hold the text of alive.body_contains{partly}"
    document = _parse(answer, marks)
    for path, expected in marks.json:
        if not _holds(document, path, expected):
            return f"{path!r} in the page is not as alive.json says"
    for name in marks.cookies:
        if name not in held:
            return f"the jar holds no cookie {name!r}"
    return ""


def _shows(body: str, text: str) -> bool:
    """Return whether a page holds a text, be it as JSON or HTML escape it."""
    if text in body:
        return True
    if body.lstrip()[:1] not in ("{", "["):  # a script's escapes are not what a page shows
        try:
            return "&" in body and text in html.unescape(body)
        except ValueError:  # a character's number of thousands of digits
            return False
    plain = _JSON_ESCAPE.sub(lambda match: match[2] or chr(int(match[1], 16)), body)
    # What lies beyond 16 bits comes as two escapes.
    return text in plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _is_good_status(answer: SiteResponse, marks: Criteria) -> bool:
    if marks.status:
        return answer.status in marks.status
    return answer.status // 100 == (3 if marks.redirect_contains else 2)


def _redirect(answer: SiteResponse) -> str:
    return answer.location if answer.status // 100 == 3 else ""


def _say_redirect(answer: SiteResponse) -> str:
    """Tell where a redirect goes, without its query: that may hold a ticket."""
    target = _redirect(answer).partition("?")[0].partition("#")[0]
    shown = "".join(c for c in target if c.isprintable())[:80]
    return f" to {shown} (expired.redirect_contains could say what that means)" if shown else ""


def _parse(answer: SiteResponse, marks: Criteria) -> object:
    if not marks.json:
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
