"""Orders on jobs: markers and systemd together."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from sja_units.errors import NotAllowed, SjaError
from sja_units.job import Job
from sja_units.jobs.markers import is_wanted
from sja_units.jobs.schedule import choose_unit
from sja_units.jobs.wanted import forget, want_configured
from sja_units.systemd.client import Systemd
from sja_units.systemd.orders import Order, run_orders
from sja_units.systemd.unit import UnitRow, Verb


class JobResult(NamedTuple):
    """What came of an order on a job; the words are those of `OrderResult`."""

    job: Job
    result: str
    reason: str = ""


def order(systemd: Systemd, verb: Verb, jobs: Iterable[Job]) -> Iterator[JobResult]:
    """Carry out one order on jobs, all at once; give what comes of each as it comes.

    A start of a command that has a schedule begins that; a restart runs it at once. Raises
    NotAllowed once all others were carried out.
    """
    if verb == "stop":
        yield from _stop(systemd, list(jobs))
    else:
        yield from _start(systemd, verb, list(jobs))


def _start(systemd: Systemd, verb: Verb, jobs: list[Job]) -> Iterator[JobResult]:
    by_unit = {choose_unit(job) if verb == "start" else job.unit: job for job in jobs}
    want_configured(jobs)
    # A stop that is given meanwhile drops the marker. An operator's start has none yet.
    marked = {unit for unit, job in by_unit.items() if is_wanted(job.unit)}

    def is_due(order: Order) -> bool:
        return order.unit not in marked or is_wanted(by_unit[order.unit].unit)

    for result in run_orders(systemd, [Order(verb, unit) for unit in by_unit], is_due):
        yield JobResult(by_unit[result.order.unit], result.result, result.reason)


def _stop(systemd: Systemd, jobs: list[Job]) -> Iterator[JobResult]:
    """Stop jobs, whose markers are dropped before and after that.

    Before, so that nobody who brings wanted jobs back starts one meanwhile. After, because one may
    have been on its way, and systemd runs nothing of a unit that had failed already; but each as
    soon as it has stopped, as somebody may start it while others still stop.
    """
    # The hook of a command's schedule notes the order, too, which an operator cannot.
    moving = {job: {job.unit, choose_unit(job)} for job in jobs}
    by_unit = {unit: job for job, units in moving.items() for unit in units}
    with suppress(NotAllowed, OSError):  # the job's hook notes what this process may not
        forget(jobs)
    refused: NotAllowed | None = None
    for result in run_orders(systemd, [Order("stop", unit) for unit in by_unit]):
        unit = result.order.unit
        job = by_unit[unit]
        row = systemd.list_named([unit])[unit]
        if row.is_at_rest:
            moving[job].remove(unit)
            try:
                _settle(systemd, job, row, is_last=not moving[job])
            except NotAllowed as error:
                refused = error
                continue
        if unit == job.unit:
            yield JobResult(job, result.result)
    if refused:
        raise refused


def _settle(systemd: Systemd, job: Job, row: UnitRow, *, is_last: bool) -> None:
    """Forget what was noted of a job whose unit, or the last of whose units, is at rest."""
    if is_last:
        forget([job])
    if row.active != "failed":
        return
    try:
        systemd.reset_failed(row.name)
    except NotAllowed:
        raise NotAllowed(
            f"{job} has failed; only root can make that forgotten", f"sudo sjactl stop {job}"
        ) from None
    except SjaError:
        pass  # systemd has forgotten the unit by itself
