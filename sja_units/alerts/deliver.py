"""Alerts on their way to people: several at a time, each with a deadline, never a storm."""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any, NamedTuple

from sja_units.alerts.program import run_program
from sja_units.config.host import Alert
from sja_units.job import Job

SECONDS = 30.0  # for one of them
AT_A_TIME = 4  # of each way
# Failures in a row after which a way is left alone until the next look.
_ENOUGH = 3
POST = (sys.executable, "-I", "-m", "sja_units.alerts.post")


class Parcel(NamedTuple):
    """An event of a job, for one way; `view` is the job's JSON."""

    job: Job
    way: str
    event: str
    view: dict[str, Any]


def deliver(parcels: Iterable[Parcel], alert: Alert) -> Iterator[tuple[Parcel, str]]:
    """Deliver all; return each as it is done, with "" or what went wrong.

    One way does not wait for the other.
    """
    misses: Counter[str] = Counter()

    def carry(parcel: Parcel) -> str:
        if misses[parcel.way] >= _ENOUGH:
            return "left for later, as others failed"
        fault = _send(parcel, alert)
        misses[parcel.way] = misses[parcel.way] + 1 if fault else 0
        return fault

    with ThreadPoolExecutor(AT_A_TIME) as commands, ThreadPoolExecutor(AT_A_TIME) as posts:
        futures = {
            (commands if parcel.way == "command" else posts).submit(carry, parcel): parcel
            for parcel in parcels
        }
        for future in as_completed(futures):
            yield futures[future], future.result()


def _send(parcel: Parcel, alert: Alert) -> str:
    if parcel.way == "command":
        data = json.dumps(parcel.view, ensure_ascii=False).encode()
        run = run_program([*alert.command, parcel.event, str(parcel.job)], data, SECONDS)
        return f"{run.fault}: {run.said}" if run.fault and run.said else run.fault
    assert alert.webhook
    document = {"event": parcel.event, **parcel.view}
    given = {"url": alert.webhook.url, "document": document}
    run = run_program(POST, json.dumps(given).encode(), SECONDS)
    return run.fault and (run.said or run.fault)
