"""A round of all jobs: who is to be told of what, and whether another one has to follow."""

import time
from collections.abc import Iterable, Mapping

from sja_units.alerts.channels import list_channels
from sja_units.alerts.decide import Decision, Moment, decide, pick_due
from sja_units.alerts.deliver import Notification, deliver
from sja_units.alerts.heartbeat import beat
from sja_units.alerts.record import Channel, Record, Streak, note_delivered, note_try
from sja_units.alerts.store import read_transient, write_record, write_transient
from sja_units.config.host import Alert
from sja_units.job import TARGET, Job
from sja_units.jobs.snapshot import JobStatus
from sja_units.jobs.state import is_active, is_maintenance
from sja_units.jobs.status import get_status, list_status
from sja_units.systemd import journal_send
from sja_units.systemd.client import Systemd
from sja_units.systemd.orders import run_order
from sja_units.text import clean

# It runs only while a look has to follow by itself: nothing is polled while all is well.
TIMER = "sja-alert.timer"

Records = dict[Job, Record]


def run_round(alert: Alert, before: Records) -> None:
    """Look at all jobs, and tell what is to be told. `before` is what was told until now."""
    now = Moment(time.time(), time.clock_gettime(time.CLOCK_BOOTTIME))
    with Systemd() as systemd:
        decision = _decide(systemd, alert, before, now)
        due = list(pick_due(decision.records, alert, now.clock))
        records = dict(decision.records)
        for job, channel in due:
            records[job] = note_try(records[job], channel, now.clock)
        is_new = _keep(before, records, decision.streaks)
        for view, event in decision.told:
            _enter_alert(view, event)
        # The timer first: it also brings back a look that is cut off from here on.
        pending = decision.pending or alert.heartbeat is not None
        _set_timer(systemd, pending, records, is_new=is_new)
        if due:
            views = {view.job: view for view in get_status(systemd, {job for job, _ in due})}
            notifications = [
                Notification(job, channel, records[job].outbox[channel].event, views[job].as_json())
                for job, channel in due
            ]
            _deliver(notifications, alert, before, records)
            _set_timer(systemd, pending, records)
        beat(systemd, alert)


def _decide(systemd: Systemd, alert: Alert, before: Records, now: Moment) -> Decision:
    host = {row.name: row for row in systemd.list_units([TARGET])}
    if is_maintenance(host.get(TARGET)):
        return Decision(before, {}, [], False)
    return decide(list_status(systemd), before, read_transient().streaks, alert, now)


def _keep(before: Records, records: Records, streaks: Mapping[Job, Streak]) -> bool:
    """Write down what is to be remembered; return whether anything is new."""
    for job in {**before, **records}:
        if before.get(job) != records.get(job):
            write_record(job, records.get(job))
    transient = read_transient()
    write_transient(transient._replace(streaks=streaks))
    return before != records or _list_conditions(transient.streaks) != _list_conditions(streaks)


def _list_conditions(streaks: Mapping[Job, Streak]) -> dict[Job, str]:
    return {job: streak.condition for job, streak in streaks.items()}


def enter(event: journal_send.Event, words: str, job: Job | None = None) -> None:
    """Write an entry of the journal under the name of the unit."""
    journal_send.send(event, clean(words), job, syslog_identifier="sja-alert")


def _enter_alert(view: JobStatus, event: str) -> None:
    if event == "recovered":
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
        run_order(systemd, "restart", TIMER)
    elif is_active and not needed:
        run_order(systemd, "stop", TIMER)


def _deliver(
    notifications: Iterable[Notification], alert: Alert, before: Records, records: Records
) -> None:
    """Deliver, and note at once what arrived. The journal has it once that a channel fails."""
    failing = _list_failing(alert, before)
    for notification, fault in deliver(notifications, alert):
        channel = notification.channel
        if not fault:
            records[notification.job] = note_delivered(records[notification.job], channel)
            write_record(notification.job, records[notification.job])
        elif channel not in failing:
            failing.add(channel)
            what = f"{channel}: {notification.job} {notification.event}"
            enter(journal_send.UNDELIVERED, f"{what} was not delivered, will be retried: {fault}")
    for channel in failing - _list_failing(alert, records):
        enter(journal_send.DELIVERED_AGAIN, f"{channel}: alerts are delivered again")


def _list_failing(alert: Alert, records: Mapping[Job, Record]) -> set[Channel]:
    """Return the channels by which something was tried and has not arrived."""
    boxes = [record.outbox for record in records.values()]
    return {
        channel
        for channel in list_channels(alert)
        if any(channel in box and box[channel].tries for box in boxes)
    }
