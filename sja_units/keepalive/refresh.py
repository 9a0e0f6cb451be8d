"""One request of the page: ask, judge, and say what becomes of the jar.

It is done in the worker, within a deadline that nothing exceeds. Only what TLS needs would cost a
worker 1.4 MiB for good: where that is seldom used, a child process loads it and asks.
"""

import json
import os
import time

from sja_units.keepalive.config import KeepaliveConfig
from sja_units.keepalive.cookie import Jar, pack, unpack
from sja_units.keepalive.cookie_policy import (
    cookie_header,
    find_expiry,
    find_first_end,
    merge,
    note_outlived,
)
from sja_units.keepalive.interval import SHORTEST
from sja_units.keepalive.request import fetch
from sja_units.keepalive.response import (
    ALIVE,
    UNKNOWN,
    NoResponse,
    RefreshResult,
    SiteResponse,
    Verdict,
)
from sja_units.keepalive.verdict import classify_response
from sja_units.runtime import log
from sja_units.runtime.child import run_child

_GRACE = 1.0  # seconds that a child has to end at its own deadline, with a better reason
_OFTEN = 60.0  # seconds: with a shorter interval, time counts for more than memory


def refresh_safely(config: KeepaliveConfig, jar: Jar, interval: float) -> RefreshResult:
    """Return what `refresh` finds, within the timeout and a second, whatever goes wrong.

    interval: seconds until the next one.
    """
    if config.address.scheme == "https" and interval >= _OFTEN:
        return _refresh_in_child(config, jar)
    try:
        return refresh(config, jar)
    except Exception as error:
        from traceback import format_tb

        # Not its words: they may hold a cookie.
        log.error(f"{type(error).__name__}\n{''.join(format_tb(error.__traceback__))}")
        return RefreshResult(Verdict(UNKNOWN, f"the request failed ({type(error).__name__})"))


def _refresh_in_child(config: KeepaliveConfig, jar: Jar) -> RefreshResult:
    try:
        ended = run_child(lambda fd: _write(fd, refresh(config, jar)), config.timeout + _GRACE)
    except OSError as error:
        return RefreshResult(Verdict(UNKNOWN, f"no process for the request: {error.strerror}"))
    if ended.late:
        reason = f"no complete answer within {config.timeout:g} s (name lookup or connection)"
        return RefreshResult(Verdict(UNKNOWN, reason))
    if ended.status != 0:
        reason = f"the request ended early, with status {ended.status}"
        return RefreshResult(Verdict(UNKNOWN, reason))
    return _read(ended.output)


def refresh(config: KeepaliveConfig, jar: Jar) -> RefreshResult:
    """Ask for the page once and judge the answer."""
    return examine(config, jar)[1]


def examine(config: KeepaliveConfig, jar: Jar) -> tuple[SiteResponse | NoResponse, RefreshResult]:
    """Ask for the page once; return the answer and what it means."""
    page = config.address
    answer = fetch(config, cookie_header(jar, page))
    if isinstance(answer, NoResponse):
        return answer, RefreshResult(classify_response(answer, frozenset(), config))
    merged, refused = merge(jar, page, answer.set_cookies)
    verdict = classify_response(answer, frozenset(cookie.name for cookie in merged), config)
    found = RefreshResult(verdict, answer.status, answer.retry_after, refused=refused)
    if verdict.outcome == ALIVE:
        merged = note_outlived(merged, jar, page, time.time())
        expires_at = find_expiry(merged, page, config.alive.cookies)
        first_end = find_first_end(merged, page, time.time() + 2 * SHORTEST)
        found = found._replace(jar=merged, expires_at=expires_at, first_end=first_end)
    elif verdict.outcome == UNKNOWN and answer.status // 100 == 2 and merged != jar:
        # The site may have moved the session on, and take the old cookies no more.
        found = found._replace(jar=merged)
    return answer, found


def _write(fd: int, found: RefreshResult) -> None:
    rows = None if found.jar is None else pack(found.jar)
    with os.fdopen(fd, "w") as pipe:
        json.dump(found._replace(jar=None)._asdict() | {"rows": rows}, pipe)


def _read(data: bytes) -> RefreshResult:
    fields = json.loads(data)
    rows = fields.pop("rows")
    fields["verdict"] = Verdict(*fields["verdict"])
    return RefreshResult(**fields)._replace(jar=None if rows is None else unpack(rows))
