"""Alerts on their way to people: several at a time, each with a deadline, never a storm."""

import json
import socket
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any, Literal, NamedTuple

from sja_units.alerts.program import run_program
from sja_units.alerts.record import Channel, Event
from sja_units.config.host import Alert
from sja_units.job import Job
from sja_units.url import Address

SECONDS = 30.0  # for one of them
AT_A_TIME = 4  # of each channel
# Failures in a row after which a channel is left alone until the next look.
_ENOUGH = 3
POST = (sys.executable, "-I", "-m", "sja_units.alerts.post")


class Notification(NamedTuple):
    """An event of a job, for one channel; `view` is the job's JSON."""

    job: Job
    channel: Channel
    event: Event | Literal["test"]
    view: dict[str, Any]


def deliver(
    notifications: Iterable[Notification], alert: Alert
) -> Iterator[tuple[Notification, str]]:
    """Deliver all; return each as it is done, with "" or what went wrong.

    One channel does not wait for the other.
    """
    misses: Counter[Channel] = Counter()

    def carry(notification: Notification) -> str:
        if misses[notification.channel] >= _ENOUGH:
            return "left for later, as others failed"
        fault = _send(notification, alert)
        misses[notification.channel] = misses[notification.channel] + 1 if fault else 0
        return fault

    with ThreadPoolExecutor(AT_A_TIME) as commands, ThreadPoolExecutor(AT_A_TIME) as posts:
        futures = {
            (commands if notification.channel == "command" else posts).submit(
                carry, notification
            ): notification
            for notification in notifications
        }
        for future in as_completed(futures):
            yield futures[future], future.result()


def _send(notification: Notification, alert: Alert) -> str:
    if notification.channel == "command":
        data = json.dumps(notification.view, ensure_ascii=False).encode()
        run = run_program(
            [*alert.command, notification.event, str(notification.job)], data, SECONDS
        )
        return f"{run.fault}: {run.said}" if run.fault and run.said else run.fault
    assert alert.webhook
    head = {"event": notification.event, "host": socket.gethostname()}
    return ask(alert.webhook, {**head, **notification.view}, alert)


def ask(address: Address, document: dict[str, Any] | None, alert: Alert) -> str:
    """Send a document, or ask for a page if it is None; return what went wrong, or ""."""
    given = {"url": address.url, "format": alert.format, "secret": alert.secret}
    data = json.dumps({**given, "document": document}).encode()
    run = run_program(POST, data, SECONDS)
    return run.fault and (run.said or run.fault)
