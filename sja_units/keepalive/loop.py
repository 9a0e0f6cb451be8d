"""The life of a keep-alive job: refresh, judge, keep the jar, wait."""

import os
import signal
import time

from sja_units.errors import NeedsOperator, WorkerError, WrongConfig
from sja_units.keepalive import interval as intervals
from sja_units.keepalive import timing
from sja_units.keepalive.config import (
    HeaderError,
    Headers,
    KeepaliveConfig,
    Login,
    parse_headers,
)
from sja_units.keepalive.cookie import Jar
from sja_units.keepalive.jar_keeper import JarKeeper
from sja_units.keepalive.refresh import refresh_safely
from sja_units.keepalive.report import Reporter
from sja_units.keepalive.response import ALIVE, EXPIRED, UNKNOWN, RefreshResult
from sja_units.keepalive.state import load_state, save_state
from sja_units.runtime import log
from sja_units.runtime.service import Runtime

_MAX_HEADERS = 65536
_SAVE_SECONDS = 60.0  # times that are younger than what is saved may be lost with a kill
REFRESH_SIGNAL = signal.SIGUSR1  # asks for a refresh now


def run(config: KeepaliveConfig, runtime: Runtime) -> None:
    """Keep the session alive until told to stop.

    Raises NeedsOperator when it is gone for good, WrongConfig and WorkerError as they say.
    """
    if config.ca_file:
        config = config._replace(ca_file=_find("ca_file", config.ca_file))
    if config.headers_file:
        config = config._replace(headers=config.headers + _read_headers(config.headers_file))
    if config.login and config.login.secrets:
        from sja_units.keepalive.login import check_secrets

        check_secrets(config.login, runtime.job)
    keeper = _Keeper(config, runtime)
    keeper.wait_for_turn()
    while not runtime.stopping:
        keeper.take_incoming()
        keeper.wait(keeper.digest(keeper.refresh()))
    keeper.jars.save()
    keeper.save()


def _find(key: str, path: str) -> str:
    """Return where the job can read a file that systemd hands over."""
    from sja_units.runtime.credentials import find_file

    try:
        return find_file(path)
    except OSError as error:
        raise WrongConfig(f"{key}: {error.strerror}") from None


def _read_headers(path: str) -> Headers:
    try:
        with open(_find("headers_file", path), encoding="utf-8") as file:
            return parse_headers(file.read(_MAX_HEADERS))
    except (OSError, UnicodeError, HeaderError) as error:
        raise WrongConfig(f"headers_file: {path}: {error}") from None


def _read_clock() -> float:
    """Return the seconds since the boot, those of a suspended host included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class _Keeper:
    def __init__(self, config: KeepaliveConfig, runtime: Runtime) -> None:
        self._config = config
        self._runtime = runtime
        self._reporter = Reporter(runtime)
        self._folder = runtime.state_dir
        # Beside the job's own folder and not in it: it stays while the job restarts.
        root = os.path.dirname(os.path.dirname(runtime.run_dir))
        published = f"{root}/cookies/{runtime.job.name}"
        self.jars = JarKeeper(self._folder, published, self._reporter)
        self._expired_in_row = 0
        self._login_fault = ""
        self._state = self._saved = load_state(self._folder)
        # When the session was last used, by the clock that nobody sets; None where nobody knows.
        self._touched: float | None = None
        if self._state.last_refresh:
            self._touched = _read_clock() - max(0.0, time.time() - self._state.last_refresh)
        self._idle = 0.0  # seconds that it had not been used before the last refresh
        self._is_asked = False
        signal.signal(REFRESH_SIGNAL, self._note_asked)

    def _note_asked(self, _number: int, _frame: object) -> None:
        self._is_asked = True

    @property
    def _interval(self) -> float:
        if not self._config.auto:
            return self._config.interval
        return intervals.choose_interval(self._state, may_risk=self._config.login is not None)

    def wait_for_turn(self) -> None:
        """After a boot, wait a little, so that a hundred jobs do not ask one site at once."""
        delay = timing.delay_first(self._interval, _read_clock())
        if self._state.last_refresh and delay:
            text = f"just booted: first refresh in {delay:.0f} s, one job after another"
            self._runtime.status(text)
            self.wait(delay)

    def wait(self, seconds: float) -> None:
        """Wait until it is time for the next refresh, or somebody asks for one."""
        deadline = time.monotonic() + seconds
        while not (self._runtime.stopping or self._is_asked):
            if (left := deadline - time.monotonic()) <= 0:
                break
            self._runtime.ping()
            self._runtime.wait(min(left, self._runtime.pause))
        self._is_asked = False

    def take_incoming(self) -> bool:
        """Take the jar that a person may have put there meanwhile; return whether one has."""
        has_come = self.jars.take_incoming(self._config.host)
        if has_come:
            self._state = self._state._replace(login_attempts=0)
            self._begin_anew()
        if not self.jars.jar and not self._state.last_refresh:
            log.notice("there are no cookies yet: asking the site without")
        return has_come

    def _begin_anew(self) -> None:
        """Judge another jar from the beginning."""
        self._expired_in_row = 0
        self._touched = None
        self._state = self._state._replace(expires_at=0.0)

    def refresh(self) -> RefreshResult:
        """Ask the site; with the jar where it refuses what may have replaced it."""
        if self.jars.candidate is not None:
            found = self._refresh_with(self.jars.candidate)
            if found.verdict.outcome != EXPIRED:
                return found
        return self._refresh_with(self.jars.jar)

    def _refresh_with(self, jar: Jar) -> RefreshResult:
        self._runtime.allow(self._config.timeout)
        headers = self._config.headers + self.jars.headers
        return refresh_safely(self._config._replace(headers=headers), jar, self._interval)

    def digest(self, found: RefreshResult) -> float:
        """Do what a result calls for; return the seconds until the next refresh."""
        outcome, reason = found.verdict
        self._expired_in_row = self._expired_in_row + 1 if outcome == EXPIRED else 0
        failures = 0 if outcome == ALIVE else self._state.failures + 1
        now = _read_clock()
        if self._expired_in_row < 2:
            self._idle = 0.0 if self._touched is None else now - self._touched
        self._touched = now
        self._state = self._state._replace(last_refresh=time.time(), failures=failures)
        if outcome == ALIVE:
            return self._note_alive(found)
        if outcome == UNKNOWN and found.jar is not None:
            self.jars.set_candidate(found.jar)
        if self._expired_in_row >= 2:
            # New cookies may have come during the refresh, which does not speak of them.
            return 0 if self.take_incoming() else self._end_session(found)
        if outcome == EXPIRED:
            # Not ready yet: a start with a dead session is to fail where the person can see it.
            delay = timing.delay_confirmation(self._interval)
            return self._conclude(found, f"session seems expired: {reason}", delay)
        delay = timing.delay_retry(failures, self._interval, found.retry_after)
        self._conclude(found, f"session uncertain: {reason}", delay)
        self._runtime.ready()
        return delay

    def _note_alive(self, found: RefreshResult) -> float:
        now = time.time()
        state = intervals.learn_alive(self._state, self._idle)
        state = intervals.note_expiry(state, found.expires_at, now)
        self._state = state._replace(last_alive=now, login_attempts=0)
        self._set_login_fault("")
        self.jars.keep(self.jars.jar if found.jar is None else found.jar)
        delay = intervals.hurry(
            timing.delay_refresh(self._interval), (found.first_end or now) - now
        )
        is_ending = intervals.is_ending(state, self._interval, now)
        self._reporter.warn_of_end(state.expires_at if is_ending else 0.0)
        self._conclude(found, "session alive", delay)
        self._runtime.ready()
        return delay

    def _end_session(self, found: RefreshResult) -> float:
        """Log in again, or end the job; return the seconds until the next refresh."""
        login, attempts = self._config.login, self._state.login_attempts
        if self._expired_in_row == 2:
            self._state = intervals.learn_dead(self._state, self._idle)
        message = f"session expired: {found.verdict.reason}"
        if login is None or attempts >= login.max_attempts:
            # A later start, by a person or a boot, is worth one more login.
            self._state = self._state._replace(login_attempts=max(0, attempts - 1))
            self._conclude(found, message, 0)
            if login:
                last = f": {self._login_fault}" if self._login_fault else ""
                message += f"; {attempts} logins in a row did not help{last}"
            remedy = f"set new cookies: sjactl cookies {self._runtime.job} --set FILE"
            raise NeedsOperator(message, remedy)
        self._runtime.ready()
        pause = timing.delay_login(attempts, self._interval)
        wait = min(pause, self._state.last_login + pause - time.time())
        if wait > 0:
            return self._conclude(found, f"{message}; waiting before the next login", wait)
        self._state = self._state._replace(login_attempts=attempts + 1, last_login=time.time())
        self._conclude(found, f"{message}; logging in", login.timeout)
        self._log_in(login, found.verdict.reason)
        return 0

    def _log_in(self, login: Login, reason: str) -> None:
        from sja_units.keepalive.login import LoginError, log_in

        try:
            # Attempts that nobody counts could lock the account.
            save_state(self._folder, self._state)
            self._runtime.allow(login.timeout)
            jar, headers = log_in(
                login,
                self._config.address,
                self._runtime.job,
                reason,
                give_up=lambda: self._runtime.stopping,
            )
            self.jars.replace(jar, headers)
        except LoginError as fault:
            if not self._runtime.stopping:
                self._set_login_fault(str(fault))
        except OSError as error:
            raise WorkerError(f"nothing can be saved: {error.strerror}") from None
        else:
            self._set_login_fault("")
            self._begin_anew()

    def _set_login_fault(self, fault: str) -> None:
        self._login_fault = fault
        self._reporter.remark("login", fault)

    def _conclude(self, found: RefreshResult, message: str, delay: float) -> float:
        """Remember and tell what a refresh found; return `delay`."""
        if self._has_news():
            self.save()
        if self._config.auto:
            text = intervals.describe(self._state, self._interval)
            self._reporter.report_interval(self._interval, text)
        self._reporter.tell(found, self._state, message, delay)
        return delay

    def _has_news(self) -> bool:
        """Tell whether the state differs from the saved one in more than times of a moment ago."""
        saved, state = self._saved, self._state
        is_old = abs(state.last_refresh - saved.last_refresh) >= _SAVE_SECONDS
        now = saved._replace(last_refresh=state.last_refresh, last_alive=state.last_alive)
        return is_old or now != state

    def save(self) -> None:
        """Remember the state; a full disk is told, and ends no session."""
        try:
            save_state(self._folder, self._state)
        except OSError as error:
            self._reporter.remark("state", f"state.json cannot be saved: {error.strerror}")
        else:
            self._saved = self._state
            self._reporter.remark("state", "")
