"""The life of a keep-alive job: look, judge, keep the jar, wait."""

import os
import time
from typing import Any

from sja_units import journal
from sja_units.errors import PersonNeeded, WorkerEnd, WrongConfig
from sja_units.keepalive.answer import ALIVE, EXPIRED, Look
from sja_units.keepalive.config import KeepaliveConfig
from sja_units.keepalive.cookie import Jar
from sja_units.keepalive.look import look_aside
from sja_units.keepalive.state import load_state, save_state
from sja_units.keepalive.store import load_jar, publish, save_jar, take_given
from sja_units.keepalive.timing import (
    delay_confirmation,
    delay_first,
    delay_login,
    delay_refresh,
    delay_retry,
)
from sja_units.runtime import Runtime, format_time

_ALLOWANCE = 15.0  # seconds that a busy machine may be late with a look


def run(config: KeepaliveConfig, runtime: Runtime) -> None:
    """Keep the session alive until told to stop.

    Raises PersonNeeded when it is gone for good, WrongConfig and WorkerEnd as they say.
    """
    _Keeper(config, runtime).run()


class _Keeper:
    def __init__(self, config: KeepaliveConfig, runtime: Runtime) -> None:
        self.config = config
        self.runtime = runtime
        self.folder = runtime.state_dir
        # Beside, not in, the job's own folder: it stays while the job restarts.
        root = os.path.dirname(os.path.dirname(runtime.run_dir))
        self.published = f"{root}/cookies/{runtime.job.name}"
        self.state = load_state(self.folder)
        self.jar: Jar = ()
        self.is_saved = True
        self.expired_in_row = 0
        self.session = ""  # what the last look found
        self.expires_at: int | None = None
        self.remarks: dict[str, str] = {}  # what else a person should know, by its cause

    def run(self) -> None:
        self._prepare()
        while not self.runtime.stopping:
            self._take_given()
            self.runtime.allow(self.config.timeout)
            found = look_aside(self.config, self.jar)
            delay = self._digest(found)
            self.runtime.wait_until(time.monotonic() + delay)
        self._save_jar()

    def _prepare(self) -> None:
        if self.config.ca_file and not os.access(self.config.ca_file, os.R_OK):
            raise WrongConfig(f"ca_file: {self.config.ca_file} cannot be read")
        jar = load_jar(self.folder)
        self.jar = jar or ()
        if jar is None and not os.path.lexists(f"{self.folder}/given.txt"):
            journal.warning(f"no cookies yet: asking without ({self._remedy()})")
        login = self.config.login
        if login and self.state.login_attempts >= login.max_attempts:
            # It had ended with 77. Somebody, or a boot, started it again: that is worth one try.
            self.state = self.state._replace(login_attempts=login.max_attempts - 1)
        delay = delay_first(self.config.interval, time.clock_gettime(time.CLOCK_BOOTTIME))
        if self.state.last_look and delay:
            self.runtime.status(f"just booted: {delay:.0f} s until the first look, in turn")
            self.runtime.wait_until(time.monotonic() + delay)

    def _remedy(self) -> str:
        return f"set new cookies: sjactl cookies {self.runtime.job} --set FILE"

    def _take_given(self) -> None:
        try:
            given = take_given(self.folder, self.config.host)
        except OSError as error:
            self._remark("given", f"the new cookies cannot be stored: {error.strerror}")
            return
        if given.fault:
            self._remark("given", given.fault)
        elif given.jar is not None:
            self._remark("given", "")
            journal.notice(f"took new cookies ({len(given.jar)})")
            self._adopt(given.jar)
            self.state = self.state._replace(login_attempts=0)

    def _adopt(self, jar: Jar) -> None:
        self.jar = jar
        self.is_saved = True
        self.expired_in_row = 0

    def _remark(self, cause: str, text: str) -> None:
        """Note what a person should know, in the journal once; "" takes it back."""
        if text and self.remarks.get(cause) != text:
            journal.error(text)
        self.remarks[cause] = text

    def _digest(self, found: Look) -> float:
        """Do what a look calls for; return the seconds until the next one."""
        now = time.time()
        outcome, reason = found.verdict
        self._log_change(outcome, reason)
        self.expired_in_row = self.expired_in_row + 1 if outcome == EXPIRED else 0
        failures = 0 if outcome == ALIVE else self.state.failures + 1
        self.state = self.state._replace(last_look=now, failures=failures)
        if outcome == ALIVE:
            return self._refresh(found, now)
        if outcome != EXPIRED:
            delay = delay_retry(failures, self.config.interval, found.retry_after)
            self._conclude(found, delay, f"session uncertain: {reason}")
            return delay
        if self.expired_in_row < 2:
            delay = delay_confirmation(self.config.interval)
            self._conclude(found, delay, f"session seems expired: {reason}", is_ready=False)
            return delay
        return self._end_session(found)

    def _log_change(self, outcome: str, reason: str) -> None:
        if outcome != self.session:
            log = journal.notice if outcome == ALIVE else journal.warning
            log(f"session {outcome}: {reason}")
            self.session = outcome

    def _refresh(self, found: Look, now: float) -> float:
        self.state = self.state._replace(last_alive=now, login_attempts=0)
        self.expires_at = found.expires_at
        if found.jar is not None and found.jar != self.jar:
            self.jar = found.jar
            self.is_saved = False
        if found.refused:
            text = f"the site sent cookies that no jar may hold ({found.refused} refused)"
            self._remark("refused", text)
        self._save_jar()
        self._publish()
        delay = delay_refresh(self.config.interval)
        self._conclude(found, delay, "session alive")
        return delay

    def _save_jar(self) -> None:
        if self.is_saved:
            return
        try:
            save_jar(self.folder, self.jar)
        except OSError as error:
            self._remark("disk", f"the jar cannot be saved: {error.strerror}")
        else:
            self.is_saved = True
            self._remark("disk", "")

    def _publish(self) -> None:
        try:
            publish(self.published, self.jar)
        except OSError as error:
            self._remark("publish", f"the jar cannot be published: {error.strerror}")
        else:
            self._remark("publish", "")

    def _end_session(self, found: Look) -> float:
        """Log in again, or end the job; return the seconds until the next look."""
        reason = found.verdict.reason
        login, attempts = self.config.login, self.state.login_attempts
        if login is None or attempts >= login.max_attempts:
            tried = f", and {attempts} logins did not help" if attempts else ""
            message = f"session expired: {reason}{tried}"
            self._conclude(found, 0, message, is_ready=False)
            raise PersonNeeded(message, self._remedy())
        pause = delay_login(attempts, self.config.interval)
        wait = min(pause, self.state.last_login + pause - time.time())
        if wait > 0:
            self._conclude(found, wait, f"session expired: {reason}; waiting to log in again")
            return wait
        self.state = self.state._replace(login_attempts=attempts + 1, last_login=time.time())
        self._conclude(found, login.timeout, f"session expired: {reason}; logging in")
        if self.remarks["state"]:  # attempts that nobody counts could lock the account
            raise WorkerEnd(self.remarks["state"])
        self.runtime.allow(login.timeout)
        self._log_in(reason)
        return 0

    def _log_in(self, reason: str) -> None:
        from sja_units.keepalive.login import LoginFault, log_in

        login = self.config.login
        assert login is not None
        try:
            jar = log_in(login, self.config.address, self.runtime, reason)
            save_jar(self.folder, jar)
        except LoginFault as fault:
            self._remark("login", str(fault))
        except OSError as error:
            raise WorkerEnd(f"the jar cannot be saved: {error.strerror}") from None
        else:
            self._remark("login", "")
            self._adopt(jar)

    def _conclude(self, found: Look, delay: float, message: str, *, is_ready: bool = True) -> None:
        """Remember and tell what a look found."""
        try:
            save_state(self.folder, self.state)
        except OSError as error:
            self._remark("state", f"state.json cannot be saved: {error.strerror}")
        else:
            self._remark("state", "")
        remarks = "".join(f"; {text}" for text in self.remarks.values() if text)
        next_look = time.time() + delay
        clock = time.strftime("%H:%M:%S", time.localtime(next_look))
        message = f"{message}{remarks}"
        self.runtime.status(f"{message}; next look at {clock}" if delay else message)
        self.runtime.report(
            self._health(found, message, next_look), delay + self.config.timeout + _ALLOWANCE
        )
        if is_ready:
            self.runtime.ready()

    def _health(self, found: Look, message: str, next_look: float) -> dict[str, Any]:
        def moment(seconds: float | None) -> str | None:
            return format_time(seconds) if seconds else None

        return {
            "ok": found.verdict.outcome == ALIVE and not any(self.remarks.values()),
            "message": message,
            "session": found.verdict.outcome,
            "last_alive": moment(self.state.last_alive),
            "consecutive_failures": self.state.failures,
            "http_status": found.http_status,
            "expires_at": moment(self.expires_at),
            "next_refresh": moment(next_look),
        }
