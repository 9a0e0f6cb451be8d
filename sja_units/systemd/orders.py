"""Orders for units: they take turns, and each is followed to its result, whatever breaks meanwhile.

A job's end is told by a signal. Where that was lost, as systemd or the bus was restarted, systemd
is asked how the unit is.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from sja_units.errors import NotAllowed, SjaError
from sja_units.systemd.bus import ConnectionLost, Signal
from sja_units.systemd.client import Systemd
from sja_units.systemd.skip import find_skip
from sja_units.systemd.unit import UnitRow, Verb

# The begin hook waits five minutes at most, then the worker has its own time to start.
ORDER_SECONDS = 400.0
# Starts under way at once. Each makes a sandbox, whose cost grows with the number of others that
# are being made; but one that takes longer than its turn holds nobody up.
AT_ONCE = 4 * (os.cpu_count() or 1)
TURN_SECONDS = 1.0
_TRIES = 10
_IS_ROOT = os.geteuid() == 0
ASK_SECONDS = 5.0  # before a unit is asked for, whose job's end may have been told to nobody
WITHDRAWN = "withdrawn"
"""What comes of an order that was not due any more at its turn."""
SKIPPED = "skipped"
"""What comes of a start that systemd does not even try, as a condition of the unit is not met."""


class Order(NamedTuple):
    """Something to do with a unit."""

    verb: Verb
    unit: str


class OrderResult(NamedTuple):
    """What came of an order.

    result: "done" or one of systemd's other words (failed, canceled, timeout, dependency, assert),
    or what systemd said on refusing it, or WITHDRAWN or SKIPPED.
    """

    order: Order
    result: str
    reason: str = ""  # of a start that was skipped


def run_order(systemd: Systemd, verb: Verb, unit: str) -> str:
    """Carry out one order; return its result. Raises NotAllowed."""
    (result,) = run_orders(systemd, [Order(verb, unit)])
    return result.result


def run_orders(
    systemd: Systemd, orders: Iterable[Order], is_due: Callable[[Order], bool] | None = None
) -> Iterator[OrderResult]:
    """Carry out orders, all at once; give what comes of each as it comes.

    is_due: asked just before an order is given, as they take their turns. Raises NotAllowed once
    all others were carried out, ConnectionLost where systemd does not come back.
    """
    queue = deque(orders)
    if not queue:
        return
    under_way = _UnderWay(systemd)
    refused: NotAllowed | None = None
    systemd.listen(under_way.note)
    try:
        while queue or under_way.jobs:
            while queue and (queue[0].verb == "stop" or under_way.has_turn()):
                order = queue.popleft()
                if is_due and not is_due(order):
                    yield OrderResult(order, WITHDRAWN)
                    continue
                try:
                    under_way.give(order)
                except NotAllowed as error:
                    refused = error
                except ConnectionLost:
                    raise
                except SjaError as error:
                    yield OrderResult(order, error.message)
            yield from under_way.collect(0.1 if queue else ASK_SECONDS)
    finally:
        systemd.stop_listening(under_way.note)
    if refused:
        raise refused


class _Job(NamedTuple):
    """A job of systemd's."""

    order: Order
    given_at: float


class _UnderWay:
    """The jobs that are under way, by their paths, and the ends that were told."""

    def __init__(self, systemd: Systemd) -> None:
        self.jobs: dict[str, _Job] = {}
        self._systemd = systemd
        self._ends: dict[str, str] = {}
        self._asked_at = time.monotonic()

    def note(self, signal: Signal) -> None:
        if signal.member == "JobRemoved":
            _, path, _, result = signal.body
            self._ends[path] = result
        elif signal.member == "Reloading":
            self._asked_at = 0.0  # ends may have been lost

    def has_turn(self) -> bool:
        """Tell whether one more may start."""
        now = time.monotonic()
        turns = [job for job in self.jobs.values() if now - job.given_at < TURN_SECONDS]
        return sum(job.order.verb != "stop" for job in turns) < AT_ONCE

    def give(self, order: Order) -> None:
        """Give an order to systemd. Raises what `Systemd.enqueue` does."""
        if order.verb != "stop" and _IS_ROOT:
            with suppress(SjaError):
                self._systemd.ref(order.unit)
        path = self._enqueue(order)
        self.jobs[path] = _Job(order, time.monotonic())

    def _enqueue(self, order: Order) -> str:
        for _ in range(_TRIES):
            try:
                return self._systemd.enqueue(*order)
            except ConnectionLost as error:
                lost = error
                self._systemd.reconnect()
            row = self._systemd.list_named([order.unit])[order.unit]
            if row.job_type == order.verb:
                return row.job_path  # it had been given
        raise lost

    def collect(self, seconds: float) -> Iterator[OrderResult]:
        """Wait for the end of a job, so long at most; give those that have ended."""
        if not self.jobs.keys() & self._ends.keys():
            self._systemd.wait(seconds)
        if time.monotonic() - self._asked_at > ASK_SECONDS:
            self._ask()
        for path in [path for path in self.jobs if path in self._ends]:
            yield self._finish(self.jobs.pop(path).order, self._ends.pop(path))
        now = time.monotonic()
        late = [path for path, job in self.jobs.items() if now - job.given_at > ORDER_SECONDS]
        for path in late:
            order = self.jobs.pop(path).order
            yield OrderResult(order, f"still not done after {ORDER_SECONDS:.0f} s")

    def _ask(self) -> None:
        """Note the ends that were told to nobody."""
        rows = self._systemd.list_named(job.order.unit for job in self.jobs.values())
        for path, job in self.jobs.items():
            row = rows[job.order.unit]
            if row.job_path != path and path not in self._ends:
                self._ends[path] = _judge(job.order, row)
        self._asked_at = time.monotonic()

    def _finish(self, order: Order, result: str) -> OrderResult:
        reason = ""
        if order.verb != "stop":
            if result == "done":
                reason = find_skip(self._systemd, order.unit)
            if _IS_ROOT:
                with suppress(SjaError):
                    self._systemd.unref(order.unit)
        return OrderResult(order, SKIPPED if reason else result, reason)


def _judge(order: Order, row: UnitRow) -> str:
    """Return the result of a job whose end was lost, from how its unit is now."""
    if order.verb == "stop":
        return "done" if row.active in ("inactive", "failed") else "canceled"
    if row.job_type == "stop":
        return "canceled"
    return "done" if row.active in ("active", "reloading", "refreshing", "inactive") else "failed"
