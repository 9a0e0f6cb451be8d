"""A sign of life for a watcher elsewhere, as long as nothing is wrong here."""

import time

from sja_units.actions.check import check
from sja_units.alerts.deliver import ask
from sja_units.alerts.store import read_transient, write_transient
from sja_units.config.host import Alert
from sja_units.systemd import journal_send
from sja_units.systemd.client import Systemd

LOOK_SECONDS = 300.0  # between two looks at the most


def is_due(last: float, interval: float, now: float) -> bool:
    """Tell whether the next one would come too late if it did not come now; all in seconds."""
    return now - last >= max(interval - LOOK_SECONDS, interval / 2)


def beat(systemd: Systemd, alert: Alert) -> None:
    """Ask for the page of the heartbeat, if it is time and no wanted job is in trouble."""
    before = read_transient()
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    if alert.heartbeat is None or not is_due(before.beat_at, alert.heartbeat_interval, now):
        return
    if check(systemd, repair=False).problems:
        return
    fault = ask(alert.heartbeat, None, alert)
    # One that was not taken is tried again at the next look.
    beat_at = before.beat_at if fault else now
    write_transient(before._replace(beat_at=beat_at, beat_fault=fault))
    if fault and not before.beat_fault:
        words = f"heartbeat: not delivered, will be retried: {fault}"
        journal_send.send(journal_send.UNDELIVERED, words, syslog_identifier="sja-alert")
    elif before.beat_fault and not fault:
        words = "heartbeat: delivered again"
        journal_send.send(journal_send.DELIVERED_AGAIN, words, syslog_identifier="sja-alert")
