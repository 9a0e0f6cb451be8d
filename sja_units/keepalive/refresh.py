"""A look at the page: ask, judge, and say what becomes of the jar.

It is done in a child process. A worker sleeps nearly all its life: so it never loads the parts
that only a request needs (4 MiB), and the deadline holds whatever hangs, a name lookup included.
"""

import json
import os

from sja_units.keepalive.config import KeepaliveConfig
from sja_units.keepalive.cookie import Jar, pack, unpack
from sja_units.keepalive.response import ALIVE, UNKNOWN, NoResponse, RefreshResult, Verdict
from sja_units.runtime.child import run_child

_GRACE = 1.0  # seconds that the child has to end at its own deadline, with a better reason


def refresh_in_child(config: KeepaliveConfig, jar: Jar) -> RefreshResult:
    """Return what `refresh` finds, done in a child within the timeout and a second."""
    try:
        ended = run_child(lambda fd: _write_look(fd, refresh(config, jar)), config.timeout + _GRACE)
    except OSError as error:
        return RefreshResult(Verdict(UNKNOWN, f"no process for the request: {error.strerror}"))
    if ended.late:
        reason = f"no complete answer within {config.timeout:g} s (name lookup or connection)"
        return RefreshResult(Verdict(UNKNOWN, reason))
    if ended.status != 0:
        return RefreshResult(
            Verdict(UNKNOWN, f"the request ended early, with status {ended.status}")
        )
    return _read_look(ended.output)


def refresh(config: KeepaliveConfig, jar: Jar) -> RefreshResult:
    """Ask for the page once and judge the answer. It takes SIGALRM: see `request.fetch`."""
    from sja_units.keepalive.cookie_policy import cookie_header, find_expiry, merge
    from sja_units.keepalive.request import fetch
    from sja_units.keepalive.verdict import judge

    page = config.address
    answer = fetch(config, cookie_header(jar, page))
    if isinstance(answer, NoResponse):
        return RefreshResult(judge(answer, frozenset(), config))
    merged, refused = merge(jar, page, answer.set_cookies)
    verdict = judge(answer, frozenset(cookie.name for cookie in merged), config)
    if verdict.outcome != ALIVE:
        return RefreshResult(verdict, answer.status, answer.retry_after)
    expires_at = find_expiry(merged, page)
    return RefreshResult(verdict, answer.status, answer.retry_after, merged, refused, expires_at)


def _write_look(fd: int, found: RefreshResult) -> None:
    rows = None if found.jar is None else pack(found.jar)
    with os.fdopen(fd, "w") as pipe:
        json.dump(found._replace(jar=None)._asdict() | {"rows": rows}, pipe)


def _read_look(data: bytes) -> RefreshResult:
    fields = json.loads(data)
    rows = fields.pop("rows")
    fields["verdict"] = Verdict(*fields["verdict"])
    return RefreshResult(**fields)._replace(jar=None if rows is None else unpack(rows))
