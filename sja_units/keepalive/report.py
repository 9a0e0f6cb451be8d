"""What a keep-alive job says of itself: STATUS, health.json and the log."""

import time

from sja_units.keepalive.response import ALIVE, RefreshResult
from sja_units.keepalive.state import State
from sja_units.runtime import log
from sja_units.runtime.service import Runtime, format_time

_VALID_SECONDS = 30.0  # the runtime says it again every ten, as long as the loop moves


class Reporter:
    """Tells each look, and remembers what else a person should know."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._remarks: dict[str, str] = {}
        self._outcome = ""
        self._refused = 0
        self._ending = 0.0
        self._interval = 0.0
        self._interval_text = ""

    def remark(self, cause: str, text: str) -> None:
        """Keep telling this until it is taken back with ""; the journal has it once."""
        if text and self._remarks.get(cause) != text:
            log.error(text)
        self._remarks[cause] = text

    def warn_of_end(self, expires_at: float) -> None:
        """Tell that the cookies end then, and no look renews them; 0 takes it back."""
        if expires_at and expires_at != self._ending:
            log.warning(f"the session is to end: {_warn(expires_at)}")
        self._ending = expires_at

    def report_interval(self, interval: float, text: str) -> None:
        """Tell what was learned about the interval; the journal has it when that has changed."""
        if abs(interval - self._interval) > self._interval / 10:
            self._interval = interval
            log.notice(text)
        self._interval_text = text

    def tell(self, found: RefreshResult, state: State, message: str, delay: float) -> None:
        """Tell what a look found; the next one comes after `delay` seconds (0: none)."""
        self._log_change(found)
        texts = [message, *(text for text in self._remarks.values() if text)]
        is_well = found.verdict.outcome == ALIVE and len(texts) == 1
        texts += [_warn(self._ending)] if self._ending else []
        texts += [self._interval_text] if self._interval_text else []
        message = "; ".join(texts)
        next_look = time.time() + delay
        clock = time.strftime("; next look at %H:%M:%S", time.localtime(next_look))
        self._runtime.status(message + (clock if delay else ""))
        health = {
            "ok": is_well,
            "message": message,
            "session": found.verdict.outcome,
            "last_alive": _format(state.last_alive),
            "consecutive_failures": state.failures,
            "http_status": found.http_status,
            "last_refresh": _format(state.last_refresh),
            "expires_at": _format(state.expires_at),
            "next_refresh": _format(next_look if delay else None),
        }
        if self._interval_text:
            health["interval"] = round(self._interval)
        self._runtime.report(health, _VALID_SECONDS)

    def _log_change(self, found: RefreshResult) -> None:
        if found.refused != self._refused:
            self._refused = found.refused
            log.warning(f"{found.refused} cookies of the site refused: no jar may hold such")
        outcome, reason = found.verdict
        if outcome != self._outcome:
            self._outcome = outcome
            write = log.notice if outcome == ALIVE else log.warning
            write(f"session {outcome}: {reason}")


def _warn(expires_at: float) -> str:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(expires_at))
    return f"its cookies end at {when}, and looking does not renew them"


def _format(seconds: float | None) -> str | None:
    return format_time(seconds) if seconds else None
