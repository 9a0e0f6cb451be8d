"""Looks again and again whether the program is well, and never waits for that."""

import time
from collections.abc import Callable, Mapping

from sja_units.command.config import Probe
from sja_units.command.probe import describe_end, run_probe
from sja_units.runtime import log
from sja_units.runtime.child import Child

_MAX_OUTPUT = 65536
_GRACE = 1.0  # seconds that an attempt has to end at its own deadline, with a better reason


class Prober:
    """Call `step` from the loop, when `due` has come or one of `descriptors` can be read."""

    def __init__(
        self,
        probe: Probe,
        environment: Mapping[str, str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._probe = probe
        self._environment = environment
        self._clock = clock
        self._began = clock()
        self._next = self._began
        self._attempt: Child | None = None
        self.was_well = False
        self.failures = 0  # in a row
        self.last_success: float | None = None  # Unix time
        self.reason = ""  # of the last attempt, "" if it was well

    @property
    def descriptors(self) -> list[int]:
        """Can be read as soon as the attempt that is under way has news."""
        return self._attempt.descriptors if self._attempt else []

    @property
    def due(self) -> float:
        """When `step` is to be called at the latest, by the monotonic clock."""
        return self._attempt.deadline if self._attempt else self._next

    @property
    def is_hung(self) -> bool:
        """Whether the program is to be ended: it is unwell for too long."""
        if not self.was_well:
            return self.failures > 0 and self._clock() - self._began > self._probe.grace
        return self.failures >= self._probe.failures

    def step(self) -> bool:
        """Begin or end an attempt if it is time to; return whether something is known anew."""
        if self._attempt is None:
            if self._clock() < self._next:
                return False
            try:
                self._attempt = Child(
                    lambda fd: run_probe(self._probe, self._environment, fd),
                    self._probe.timeout + (0 if self._probe.command else _GRACE),
                    _MAX_OUTPUT,
                    runs_program=bool(self._probe.command),
                )
            except OSError as error:
                # It says nothing of the program.
                log.warning(f"no process for the probe: {error.strerror}")
                self._next = self._clock() + self._probe.interval
            return False
        ended = self._attempt.poll()
        if ended is None:
            return False
        self._attempt = None
        self._conclude(describe_end(self._probe, ended.output, ended.status, late=ended.late))
        return True

    def stop(self) -> None:
        """End the attempt that is under way."""
        if self._attempt:
            self._attempt.kill()
            self._attempt = None

    def _conclude(self, reason: str) -> None:
        self.reason = reason
        self.failures = self.failures + 1 if reason else 0
        if not reason:
            self.was_well = True
            self.last_success = time.time()
        # While it comes up it is tried more often, so that it is ready as soon as it is.
        pause = self._probe.interval if self.was_well else min(1.0, self._probe.interval)
        self._next = self._clock() + pause
