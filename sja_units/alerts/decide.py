"""What is to be told now, from what was told and what a look shows. Pure."""

import time
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sja_units.alerts.channels import list_channels
from sja_units.alerts.classify import STEADY, Classification, classify
from sja_units.alerts.record import LONGEST_PAUSE, Channel, Delivery, Event, Record, Streak
from sja_units.config.host import Alert
from sja_units.job import Job
from sja_units.jobs.snapshot import JobStatus

DOUBT = 60.0  # seconds for which a doubtful job has to be so without a break
AT_ONCE = 20  # deliveries by one channel in one look


class Moment(NamedTuple):
    """Now: by the clock, and by the seconds since the boot, which nobody sets."""

    clock: float
    uptime: float


class Step(NamedTuple):
    """What follows from a look at one job; record is None where nothing is to be remembered."""

    record: Record | None
    streak: Streak | None
    told: Event | None = None  # the event that is to be told now


class Decision(NamedTuple):
    """What follows from a look at all jobs."""

    records: dict[Job, Record]
    streaks: dict[Job, Streak]
    told: list[tuple[JobStatus, Event]]  # events that are to be told now
    pending: bool  # a job is not well, so another look has to follow


def decide(
    views: Iterable[JobStatus],
    records: Mapping[Job, Record],
    streaks: Mapping[Job, Streak],
    alert: Alert,
    now: Moment,
) -> Decision:
    """Return what is to be told and remembered."""
    decision = Decision({}, {}, [], False)
    for view in views:
        found = classify(view, alert.after_failures, now.clock)
        before = records.get(view.job, Record())
        step = advance(before, streaks.get(view.job), found, alert, now)
        if step.record not in (None, Record()):
            decision.records[view.job] = step.record
        if step.streak:
            decision.streaks[view.job] = step.streak
        if step.told:
            decision.told.append((view, step.told))
        if found.condition not in ("well", "unwanted"):
            decision = decision._replace(pending=True)
    return decision


def advance(
    record: Record, streak: Streak | None, found: Classification, alert: Alert, now: Moment
) -> Step:
    """Return what a look at a job changes.

    Each event is told once, and again after `remind` while it lasts. Another one is news: nobody
    but a person, or a boot, gets a job from `failed` to anything else.
    """
    if found.condition == "unwanted":
        return Step(None, None)
    record = _keep_channels(record, list_channels(alert))
    streak = _prolong(streak, found, now.uptime)
    lasted = now.uptime - streak.since
    event = found.event
    if found.condition == "doubtful" and lasted >= DOUBT:
        event = "failing"
    if found.condition == "well" and not event:
        if not record.open:
            is_over = record.is_settled and _is_calm(record, alert, now)
            return Step(None if is_over else record, None)
        if lasted < _recovery(record, alert):
            return Step(record, streak)
        record = record._replace(open=None, recovered_at=now.clock)
        return Step(_enqueue(record, "recovered", alert, now.clock), None, "recovered")
    # A clock that was set back must not put a reminder off for years.
    is_due = now.clock - min(record.told_at, now.clock) >= alert.remind
    if event and (event != record.open or (is_due and found.condition != "well")):
        record = _open(record, event, alert, now.clock)
        return Step(_enqueue(record, event, alert, now.clock), streak, event)
    return Step(record, streak)


def _is_calm(record: Record, alert: Alert, now: Moment) -> bool:
    """Return whether a job has been well for so long that another alert is no relapse."""
    return now.clock - min(record.recovered_at, now.clock) >= alert.remind


def _keep_channels(record: Record, known: tuple[Channel, ...]) -> Record:
    """Forget deliveries by a channel that is no longer configured."""
    return record._replace(
        outbox={channel: d for channel, d in record.outbox.items() if channel in known}
    )


def _prolong(streak: Streak | None, found: Classification, uptime: float) -> Streak:
    condition = found.condition
    if streak and streak.condition == "doubtful" and condition == "unclear":
        return streak  # no break: a start that leads nowhere
    since = streak.since if streak and streak.condition == condition else uptime
    return Streak(condition, max(since, uptime - found.active_for))


def _recovery(record: Record, alert: Alert) -> float:
    """Return how long a job has to be well. One that falls ill again and again is told seldom."""
    least = STEADY if record.open == "failing" else 0.0
    if not record.relapses:
        return least
    return max(least, min(STEADY * 2.0 ** min(record.relapses, 30), alert.remind))


def _open(record: Record, event: Event, alert: Alert, clock: float) -> Record:
    if record.open:
        return record._replace(open=event, told_at=clock)
    recently = record.recovered_at and clock - record.recovered_at < alert.remind
    relapses = record.relapses + 1 if recently else 0
    return record._replace(open=event, told_at=clock, relapses=relapses)


def _enqueue(record: Record, event: Event, alert: Alert, clock: float) -> Record:
    """Put an event in the place of one that was not delivered yet."""
    outbox = {}
    for channel in list_channels(alert):
        old = record.outbox.get(channel)
        if event == "recovered" and old and not old.tries and channel not in record.alarmed:
            continue  # nobody was told that anything was wrong
        outbox[channel] = Delivery(event, old.tries if old else 0, clock)
    return record._replace(outbox=outbox)


def is_quiet(alert: Alert, clock: float) -> bool:
    """Tell whether nobody is to be disturbed at a time of the clock."""
    if alert.quiet is None:
        return False
    begin, end = alert.quiet
    local = time.localtime(clock)
    minute = local.tm_hour * 60 + local.tm_min
    return begin <= minute < end if begin < end else not end <= minute < begin


def pick_due(
    records: Mapping[Job, Record], alert: Alert, clock: float
) -> Iterable[tuple[Job, Channel]]:
    """Return the jobs and channels whose deliveries are due, the oldest first, never many.

    In quiet hours none is: what is to be told then is told when they end, if it still holds.
    """
    if is_quiet(alert, clock):
        return
    for channel in list_channels(alert):
        waiting = [
            (record.outbox[channel].due, job)
            for job, record in records.items()
            if channel in record.outbox
        ]
        # One that is due later than any pause can be was noted before the clock was set back.
        due = [job for due, job in sorted(waiting) if not clock < due <= clock + LONGEST_PAUSE]
        yield from ((job, channel) for job in due[:AT_ONCE])
