"""Where it is kept what was told, and how the last look found the jobs."""

import json
import math
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

from sja_units.alerts.record import Record, Streak, parse_condition, parse_record, render_record
from sja_units.fs.atomic import replace_file, sync_folder
from sja_units.job import RUN_ROOT, STATE_ROOT, Job, parse_unit

_FOLDER = f"{STATE_ROOT}/alerts"
_TRANSIENT = f"{RUN_ROOT}/alerts.json"


class TransientState(NamedTuple):
    """What need not outlive a boot: streaks by job, and the fault of the host's file last told."""

    streaks: Mapping[Job, Streak]
    fault: str
    beat_at: float = -math.inf  # uptime of the last heartbeat
    beat_fault: str = ""  # why it was not taken, as told


def read_records() -> dict[Job, Record]:
    """Return what was told of each job."""
    jobs = [job for name in os.listdir(_FOLDER) if (job := parse_unit(name))]
    records = {}
    for job in jobs:
        with (
            suppress(FileNotFoundError),  # the job has just been removed
            open(job.alert_path, encoding="utf-8", errors="replace") as file,
        ):
            records[job] = parse_record(file.read())
    return records


def write_record(job: Job, record: Record | None) -> None:
    """Keep a record, also over a power cut; None deletes it. Raises OSError."""
    if record is not None:
        replace_file(job.alert_path, render_record(record).encode())
        return
    with suppress(FileNotFoundError):
        os.unlink(job.alert_path)
        sync_folder(os.path.dirname(job.alert_path))


def read_transient() -> TransientState:
    """Return what was noted since the boot; nothing, where it cannot be read."""
    try:
        with open(_TRANSIENT, encoding="utf-8") as file:
            values = json.load(file)
        streaks = {
            job: Streak(parse_condition(condition), float(since))
            for unit, (condition, since) in values["streaks"].items()
            if (job := parse_unit(unit))
        }
        beat_at, beat_fault = float(values["beat_at"]), str(values["beat_fault"])
        return TransientState(streaks, str(values["fault"]), beat_at, beat_fault)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return TransientState({}, "")


def write_transient(transient: TransientState) -> None:
    """Note it until the next boot. Raises OSError."""
    streaks = {job.unit: streak for job, streak in transient.streaks.items()}
    text = json.dumps(transient._asdict() | {"streaks": streaks})
    replace_file(_TRANSIENT, text.encode(), sync=False)


def forget() -> None:
    """Delete all that was kept. Raises OSError."""
    for path in (*(f"{_FOLDER}/{name}" for name in os.listdir(_FOLDER)), _TRANSIENT):
        with suppress(FileNotFoundError):
            os.unlink(path)
