"""Bringing wanted jobs back after a boot or a maintenance stop: plan, run, report."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Literal, NamedTuple

from sja_units.job import RUN_ROOT, Job, parse_unit
from sja_units.jobs import markers
from sja_units.jobs.failure import NOT_RECOVERED, expect_recovery, read_failed_recovery
from sja_units.jobs.inventory import list_configured, read_head
from sja_units.jobs.schedule import choose_unit, is_scheduled
from sja_units.jobs.state import is_active
from sja_units.jobs.status import get_status
from sja_units.systemd.client import Systemd
from sja_units.systemd.orders import SKIPPED, WITHDRAWN, Order, OrderResult, run_orders

Outcome = Literal["started", "running", "retrying", "failed", "skipped", "would start"]

RELAUNCHED_PATH = f"{RUN_ROOT}/relaunched/boot"  # there once this boot's jobs were brought back


class Attempt(NamedTuple):
    """What became of one wanted job."""

    unit: str
    outcome: Outcome  # running: it ran already; skipped: it is not to come back
    reason: str = ""
    seconds: float = 0.0
    title: str = ""
    was_skipped: bool = False  # by systemd, which did not even try

    def as_json(self) -> dict[str, object]:
        job = parse_unit(self.unit)
        return {
            "job": str(job) if job else None,
            "title": self.title,
            "unit": self.unit,
            "outcome": self.outcome,
            "reason": self.reason,
            "seconds": round(self.seconds, 3),
        }


class Plan(NamedTuple):
    """What is to be done with each wanted job."""

    settled: list[Attempt]  # there is nothing to start
    starts: dict[str, Attempt]  # by the unit to start, which may be a schedule's

    @property
    def attempts(self) -> list[Attempt]:
        return [*self.settled, *self.starts.values()]


def make_plan(systemd: Systemd) -> Plan:
    """Return what a relaunch has to do. Raises NotAllowed."""
    running = {
        row.name
        for row in systemd.list_units(["sja-*@*.service"])
        # One that is stopping will be down: a start of it waits for that.
        if row.active not in ("inactive", "failed", "deactivating")
    }
    completed = markers.read_completed()
    configured = set(list_configured())
    plan = Plan([], {})
    for unit in sorted(markers.list_wanted_units()):
        job = parse_unit(unit)
        if job is None:
            words = "the marker's name is not that of a job"
            plan.settled.append(Attempt(unit, "failed", words))
            continue
        attempt = _plan(job, job in configured, running, completed)
        if attempt.outcome == "would start":
            # A run that the boot cut off is done again at once, not at the schedule's next time.
            plan.starts[unit if markers.was_cut_off(job) else choose_unit(job)] = attempt
        else:
            plan.settled.append(attempt)
    return plan


def _plan(job: Job, configured: bool, running: set[str], completed: dict[str, str]) -> Attempt:
    if not configured:
        is_running = job.unit in running
        missing = f"there is no file {job.config_path}"
        return Attempt(job.unit, *(("running", "") if is_running else ("failed", missing)))
    head = read_head(job)
    if job.unit in running or (job.schedule_unit in running and is_scheduled(job)):
        return Attempt(job.unit, "running", title=head.title)
    if job.unit in completed and not is_scheduled(job):
        return Attempt(job.unit, "skipped", "it has done its work", title=head.title)
    if not head.relaunch:
        return Attempt(job.unit, "skipped", "relaunch = false in its file", title=head.title)
    return Attempt(job.unit, "would start", title=head.title)


def run_plan(systemd: Systemd, plan: Plan) -> Iterator[Attempt]:
    """Start what is to be started, all at once; give what becomes of each, as soon as it is known.

    What is tried again by itself comes last.
    """
    yield from plan.settled
    is_boot = not os.path.exists(RELAUNCHED_PATH)
    if is_boot:
        for attempt in plan.starts.values():
            if (job := parse_unit(attempt.unit)) is not None:
                with suppress(OSError):  # it comes back without, too
                    expect_recovery(job)
    began = time.monotonic()
    unclear: list[tuple[Attempt, str]] = []
    orders = [Order("start", unit) for unit in plan.starts]
    results = run_orders(
        systemd, orders, lambda order: markers.is_wanted(plan.starts[order.unit].unit)
    )
    for result in results:
        attempt = plan.starts[result.order.unit]._replace(seconds=time.monotonic() - began)
        ended = _judge(attempt, result)
        if ended is None:
            unclear.append((attempt, result.result))
        else:
            yield ended
    for attempt, words in unclear:
        yield _look_closer(systemd, attempt, words, is_boot=is_boot)
    if is_boot:
        with suppress(OSError), open(RELAUNCHED_PATH, "wb"):
            pass


def _judge(attempt: Attempt, result: OrderResult) -> Attempt | None:
    """Return what became of a start, None where the unit itself must be looked at."""
    if result.result == "done":
        return attempt._replace(outcome="started")
    if result.result == WITHDRAWN:
        return attempt._replace(outcome="skipped", reason="it was stopped meanwhile")
    if result.result == SKIPPED:
        return attempt._replace(outcome="failed", reason=result.reason, was_skipped=True)
    if result.result == "failed" and (reason := _read_reason(attempt.unit)):
        return attempt._replace(outcome="failed", reason=reason)
    return None


def _read_reason(unit: str) -> str:
    """Return why a start failed for good, "" where the job's end hook did not say so."""
    job = parse_unit(unit)
    failure = read_failed_recovery(job) if job else None
    return failure.message if failure else ""


def _look_closer(systemd: Systemd, attempt: Attempt, words: str, *, is_boot: bool) -> Attempt:
    """Return what became of a job whose start did not end well."""
    job = parse_unit(attempt.unit)
    assert job is not None
    (status,) = get_status(systemd, [job])
    reason = status.obstacle or (status.error.message if status.error else words)
    if is_active(status.state):
        return attempt._replace(outcome="started")
    if status.state in ("restarting", "starting"):
        return attempt._replace(outcome="retrying", reason=reason)
    prefix = f"{NOT_RECOVERED}: " if is_boot else ""
    return attempt._replace(
        outcome="failed",
        reason=prefix + reason.removeprefix(prefix),
        was_skipped=bool(status.obstacle),
    )
