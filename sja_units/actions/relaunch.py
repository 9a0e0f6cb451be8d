"""Bringing wanted jobs back after a boot or a maintenance stop."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from sja_units.job import parse_unit
from sja_units.jobs import markers
from sja_units.jobs.failure import NOT_RECOVERED, expect_recovery, read_failed_recovery
from sja_units.jobs.inventory import read_head
from sja_units.jobs.schedule import choose_unit, is_scheduled
from sja_units.jobs.state import is_active
from sja_units.jobs.status import get_status
from sja_units.systemd.client import WITHDRAWN, Order, Systemd


class Attempt(NamedTuple):
    """What became of one wanted job."""

    unit: str
    outcome: str  # started, running (it ran already), retrying, failed, skipped
    reason: str
    seconds: float

    def as_json(self) -> dict[str, object]:
        job = parse_unit(self.unit)
        return {
            "job": str(job) if job else None,
            "unit": self.unit,
            "outcome": self.outcome,
            "reason": self.reason,
            "seconds": round(self.seconds, 3),
        }

    def as_line(self) -> str:
        job = parse_unit(self.unit) or self.unit
        reason = f": {self.reason}" if self.reason else ""
        return f"{job} {self.outcome} after {self.seconds:.1f} s{reason}"


def relaunch(
    systemd: Systemd, tell: Callable[[Attempt], None], *, dry_run: bool = False
) -> list[Attempt]:
    """Start every wanted job that does not run, all at once; return what became of each.

    tell: called with each attempt as it ends. With dry_run nothing is started.
    """
    attempts: list[Attempt] = []

    def note(unit: str, outcome: str, reason: str = "", seconds: float = 0.0) -> None:
        attempts.append(Attempt(unit, outcome, reason, seconds))
        tell(attempts[-1])

    running = {
        row.name
        for row in systemd.list_units(["sja-*@*.service"])
        # One that is stopping will be down: a start of it waits for that.
        if row.active not in ("inactive", "failed", "deactivating")
    }
    completed = markers.read_completed()
    by_order = {}
    for unit in sorted(markers.list_wanted_units()):
        job = parse_unit(unit)
        if job is None:
            note(unit, "failed", "the marker's name is not that of a job")
        elif unit in running or (job.schedule_unit in running and is_scheduled(job)):
            note(unit, "running")
        elif unit in completed and not is_scheduled(job):
            note(unit, "skipped", "it has done its work")
        elif not os.path.lexists(job.config_path):
            note(unit, "failed", f"there is no file {job.config_path}")
        elif not read_head(job).relaunch:
            note(unit, "skipped", "relaunch = false in its file")
        else:
            # A run that the boot cut off is done again at once, not at the schedule's next time.
            again = markers.was_cut_off(job)
            by_order[unit if again else choose_unit(job)] = unit
    orders = [Order("start", unit) for unit in by_order]
    began = time.monotonic()

    def done(order: Order, result: str) -> None:
        seconds = time.monotonic() - began
        unit = by_order[order.unit]
        if result == "done":
            note(unit, "started", "", seconds)
        elif result == WITHDRAWN:
            note(unit, "skipped", "it was stopped meanwhile", seconds)
        elif result == "failed" and (reason := _read_reason(unit)):
            note(unit, "failed", reason, seconds)
        else:
            unwell.append((unit, result, seconds))

    unwell: list[tuple[str, str, float]] = []
    if dry_run:
        for unit in by_order.values():
            note(unit, "would start")
        return attempts
    for unit in by_order.values():
        if (job := parse_unit(unit)) is not None:
            with suppress(OSError):  # it comes back without, too
                expect_recovery(job)
    systemd.order(orders, done, lambda order: markers.is_wanted(by_order[order.unit]))
    for unit, result, seconds in unwell:
        note(unit, *_explain(systemd, unit, result), seconds)
    return attempts


def _read_reason(unit: str) -> str:
    """Return why a start failed for good, "" where the job's end hook did not say so."""
    job = parse_unit(unit)
    failure = read_failed_recovery(job) if job else None
    return failure.message if failure else ""


def _explain(systemd: Systemd, unit: str, result: str) -> tuple[str, str]:
    """Return outcome and reason for a job whose start did not end well."""
    job = parse_unit(unit)
    if job is None:
        return "failed", result
    (view,) = get_status(systemd, [job])
    reason = view.error.message if view.error else result
    if is_active(view.state):
        return "started", ""
    if view.state in ("restarting", "starting"):
        return "retrying", reason
    prefix = f"{NOT_RECOVERED}: "
    return "failed", prefix + reason.removeprefix(prefix)
