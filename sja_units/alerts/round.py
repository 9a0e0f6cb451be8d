"""A look at all jobs: who is to be told of what, and whether another look has to follow."""

import time
from collections.abc import Iterable, Mapping

from sja_units.alerts.decide import Decision, Moment, decide, pick_due, ways
from sja_units.alerts.deliver import Parcel, deliver
from sja_units.alerts.judge import RECOVERED
from sja_units.alerts.record import Record, Spell, note_delivered, note_try
from sja_units.alerts.store import read_lately, write_lately, write_record
from sja_units.config.host import Alert
from sja_units.job import Job
from sja_units.jobs.state import UnitRow, is_active
from sja_units.jobs.status import JobView, inspect, survey
from sja_units.systemd import journal_send
from sja_units.systemd.client import Order, Systemd

# It runs only while a look has to follow by itself: nothing is polled while all is well.
TIMER = "sja-alert.timer"
_TARGET = "sja-jobs.target"

Records = dict[Job, Record]


def look(alert: Alert, before: Records) -> None:
    """Look at all jobs, and tell what is to be told. `before` is what was told until now."""
    now = Moment(time.time(), time.clock_gettime(time.CLOCK_BOOTTIME))
    with Systemd() as systemd:
        decision = _decide(systemd, alert, before, now)
        due = list(pick_due(decision.records, alert, now.clock))
        records = dict(decision.records)
        for job, way in due:
            records[job] = note_try(records[job], way, now.clock)
        is_new = _keep(before, records, decision.spells)
        for view, event in decision.told:
            _enter_alert(view, event)
        # The timer first: it also brings back a look that is cut off from here on.
        _set_timer(systemd, decision.pending, records, is_new=is_new)
        if due:
            views = {view.job: view for view in inspect(systemd, {job for job, _ in due})}
            parcels = [
                Parcel(job, way, records[job].outbox[way].event, views[job].as_json())
                for job, way in due
            ]
            _deliver(parcels, alert, before, records)
            _set_timer(systemd, decision.pending, records)


def _decide(systemd: Systemd, alert: Alert, before: Records, now: Moment) -> Decision:
    host = {row.name: row for row in systemd.list_units([_TARGET])}
    if _is_maintenance(host.get(_TARGET)):
        return Decision(before, {}, [], False)
    return decide(survey(systemd), before, read_lately().spells, alert, now)


def _is_maintenance(target: UnitRow | None) -> bool:
    """Return whether the jobs' target was stopped. At boot its start is still to come."""
    if target is None:
        return True
    return target.active != "active" and target.job_type not in ("start", "restart")


def _keep(before: Records, records: Records, spells: Mapping[Job, Spell]) -> bool:
    """Write down what is to be remembered; return whether anything is new."""
    for job in {**before, **records}:
        if before.get(job) != records.get(job):
            write_record(job, records.get(job))
    lately = read_lately()
    write_lately(lately._replace(spells=spells))
    return before != records or _list_conditions(lately.spells) != _list_conditions(spells)


def _list_conditions(spells: Mapping[Job, Spell]) -> dict[Job, str]:
    return {job: spell.condition for job, spell in spells.items()}


def enter(event: journal_send.Event, words: str, job: Job | None = None) -> None:
    """Write an entry of the journal under the name of the unit."""
    journal_send.send(event, words, job, syslog_identifier="sja-alert")


def _enter_alert(view: JobView, event: str) -> None:
    if event == RECOVERED:
        enter(journal_send.WELL_AGAIN, f"{view.job} is well again", view.job)
        return
    error = view.error if view.error and not is_active(view.state) else None
    reason = error.message if error else view.status
    words = f"{view.job} is {event}" + (f": {reason}" if reason else "")
    enter(journal_send.ALERTED, words, view.job)


def _set_timer(
    systemd: Systemd, pending: bool, records: Mapping[Job, Record], *, is_new: bool = False
) -> None:
    """Let looks follow while they are needed, soon after each other where anything is new."""
    needed = pending or not all(record.is_settled for record in records.values())
    is_active = any(row.active == "active" for row in systemd.list_units([TIMER]))
    if needed and (is_new or not is_active):
        systemd.order([Order("restart", TIMER)])
    elif is_active and not needed:
        systemd.order([Order("stop", TIMER)])


def _deliver(parcels: Iterable[Parcel], alert: Alert, before: Records, records: Records) -> None:
    """Deliver, and note at once what arrived. The journal has it once that a way fails."""
    failing = _list_failing(alert, before)
    for parcel, fault in deliver(parcels, alert):
        way = parcel.way
        if not fault:
            records[parcel.job] = note_delivered(records[parcel.job], way)
            write_record(parcel.job, records[parcel.job])
        elif way not in failing:
            failing.add(way)
            words = f"{way}: {parcel.job} {parcel.event} was not delivered, is tried again: {fault}"
            enter(journal_send.UNDELIVERED, words)
    for way in failing - _list_failing(alert, records):
        enter(journal_send.DELIVERED_AGAIN, f"{way}: alerts are delivered again")


def _list_failing(alert: Alert, records: Mapping[Job, Record]) -> set[str]:
    """Return the ways by which something was tried and has not arrived."""
    boxes = [record.outbox for record in records.values()]
    return {way for way in ways(alert) if any(way in box and box[way].tries for box in boxes)}
