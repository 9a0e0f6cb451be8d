"""Sees to a program while it runs, and passes on how it ended."""

import os
import signal
import time

from sja_units.command.config import CommandConfig
from sja_units.command.notify_socket import Notification, NotifySocket
from sja_units.command.prober import Prober
from sja_units.command.program import Program, describe_status, make_environment
from sja_units.errors import ProgramError, WorkerError
from sja_units.exit_status import DONE
from sja_units.runtime import log
from sja_units.runtime.service import Runtime, format_time

_VALID_SECONDS = 30.0
_POLL_SECONDS = 0.05  # between two questions whether all have ended
_TELL_SECONDS = 0.25  # at least, between two times that a program's own words are passed on


class Supervisor:
    """Sees to a program: its probe, its own words, its time; and ends it."""

    def __init__(
        self, config: CommandConfig, runtime: Runtime, program: Program, notify: NotifySocket | None
    ) -> None:
        self._config = config
        self._runtime = runtime
        self._program = program
        self._notify = notify
        self._prober = (
            Prober(config.probe, make_environment(os.environ, {}, str(runtime.job), {}))
            if config.probe
            else None
        )
        self._is_ready = notify is None  # as far as the program itself is to say so
        self._said = ""  # the program's own STATUS
        self._ping_due = 0.0  # when the next one of the program's own pings is due, 0: it has none
        self._ends_by = time.monotonic() + config.max_runtime if config.max_runtime else 0.0
        self._killed_at = 0.0  # when it is killed, once it was told to end
        self._told_reason = ""
        self._is_untold = False  # it said what is not passed on yet
        self._extend = 0.0  # seconds that it asked for since
        self._tell_at = 0.0

    def run(self) -> int:
        self._tell()
        while not self._runtime.stopping:
            status = self._program.poll()
            self._receive()
            if status is not None:
                return self._conclude(status)
            if self._prober and self._prober.step():
                self._tell()
                self._act_on(self._prober)
            self._get_ready()
            if self._ends_by and time.monotonic() >= self._ends_by:
                self._stop(f"max_runtime is over ({self._config.max_runtime:g} s)")
                raise ProgramError(
                    f"ran longer than {self._config.max_runtime:g} s, as max_runtime"
                )
            if not self._ping_due or time.monotonic() < self._ping_due:
                self._runtime.ping()
            self._wait()
        self._stop("")
        return 0

    def _wait(self) -> None:
        descriptors = [self._program.descriptor]
        due = time.monotonic() + self._runtime.pause
        if self._notify:
            descriptors.append(self._notify.fileno())
        if self._prober:
            descriptors += self._prober.descriptors
            due = min(due, self._prober.due)
        if self._ends_by:
            due = min(due, self._ends_by)
        if self._is_untold:
            due = min(due, self._tell_at)
        self._runtime.wait(due - time.monotonic(), descriptors)

    def _receive(self) -> None:
        for notification in self._notify.receive() if self._notify else ():
            self._handle(notification)
        if self._is_untold and time.monotonic() >= self._tell_at:
            self._tell()

    def _handle(self, notification: Notification) -> None:
        self._is_ready |= notification.ready
        if notification.extend:
            self._extend = max(self._extend, notification.extend)
            self._killed_at = max(self._killed_at, time.monotonic() + notification.extend)
        if notification.status is not None:
            self._said = notification.status
        if notification.ping and self._runtime.watchdog:
            self._ping_due = time.monotonic() + self._runtime.watchdog
        if notification.hung and not self._runtime.stopping:
            self._end_hung("it asked to be ended by the watchdog")
        # A program may say something in a loop, which would keep systemd from all else.
        news = notification.ready or notification.extend or notification.status is not None
        self._is_untold |= bool(news)

    def _get_ready(self) -> None:
        if self._is_ready and (self._prober is None or self._prober.was_well):
            self._runtime.ready()
        elif self._prober and not self._prober.was_well:
            # It may take as long as its grace says, whatever systemd allows a start.
            self._runtime.extend(30)

    def _act_on(self, prober: Prober) -> None:
        if prober.reason != self._told_reason:
            self._told_reason = prober.reason
            if prober.reason and prober.was_well:
                log.warning(f"the probe fails: {prober.reason}")
            elif prober.was_well:
                log.notice("the probe is well")
        if prober.is_hung:
            self._end_hung(f"the probe failed {prober.failures} times in a row: {prober.reason}")

    def _end_hung(self, reason: str) -> None:
        """Have the watchdog end the job, its program first."""
        log.error(f"{self._program.name} hangs: {reason}")
        self._runtime.status(f"hung: {reason}")
        self._program.dump()
        self._runtime.trigger_watchdog()
        raise WorkerError(f"hung: {reason}")  # where no watchdog is set

    def _tell(self) -> None:
        self._is_untold = False
        self._tell_at = time.monotonic() + _TELL_SECONDS
        if self._extend:
            self._runtime.extend(self._extend)
            self._extend = 0.0
        prober = self._prober
        reason = prober.reason if prober else ""
        message = f"{self._program.name} runs (process {self._program.pid})"
        if reason:
            message = f"probe: {reason}"
        elif self._said:
            message = self._said
        elif prober and prober.was_well:
            message = f"{message}, its probe is well"
        health: dict[str, object] = {
            "ok": not reason,
            "message": message,
            "program": {"pid": self._program.pid},
        }
        if prober:
            at = prober.last_success
            health["probe"] = {
                "state": "failing" if reason else "healthy" if prober.was_well else "waiting",
                "last_success": format_time(at) if at else None,
                "consecutive_failures": prober.failures,
                "message": reason,
            }
        self._runtime.status(message)
        self._runtime.report(health, _VALID_SECONDS)

    def _conclude(self, status: int) -> int:
        """Return the worker's exit status where the job is done, else raise what went wrong."""
        words = describe_status(status)
        if status == 0 and not self._config.repeats:
            log.info(f"{self._program.name} {words}: it is done")
            self._runtime.ready()  # systemd takes an end before that for a failure
            self._runtime.status("done")
            return DONE
        if status == 0:
            raise ProgramError(f"{self._program.name} ended by itself, though it is to run always")
        if self._said:
            words += f": {self._said}"
        # As a shell tells of a signal. What the unit takes for success is not a program's to say.
        passed_on = status if status > 0 else 128 - status
        raise ProgramError(
            f"{self._program.name} {words}", ProgramError.status if passed_on == DONE else passed_on
        )

    def _stop(self, reason: str) -> None:
        """End the program and all that it started, by force where it takes too long."""
        if self._prober:
            self._prober.stop()
        if reason:
            log.error(f"{self._program.name} is stopped: {reason}")
        patience = self._config.stop_timeout
        self._runtime.extend(patience + 30)
        self._program.signal(signal.SIGTERM)
        self._program.signal(signal.SIGCONT)  # one that is stopped would not hear it
        began = time.monotonic()
        self._killed_at = began + patience
        while not self._program.has_left():
            self._receive()
            if time.monotonic() >= self._killed_at:
                waited = self._killed_at - began
                log.warning(f"{self._program.name} did not end within {waited:.3g} s: killed")
                self._program.signal(signal.SIGKILL)
                return
            self._runtime.ping()
            time.sleep(_POLL_SECONDS)
