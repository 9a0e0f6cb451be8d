"""What was read last, published for people and programs that look on.

last.json holds registers as they came and lines as they were written: to publish them costs next to
nothing. Who reads it (`sja_units.actions.last_cycle`) takes them apart.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from sja_units.acquisition.poll.device import Answer
from sja_units.fs.atomic import replace_file
from sja_units.runtime.service import format_time


class _Reading(NamedTuple):
    answers: Sequence[Answer]
    lines: Sequence[str]
    time_ns: int
    offset_ns: int


class LastCycle:
    """Remembers the last reading of each device, and publishes all of them as one file."""

    def __init__(self, folder: str, job: str, interval: float) -> None:
        """folder: made by who starts the worker; where there is none nothing is published."""
        self._path = f"{folder}/last.json"
        self._job = job
        self._interval = interval
        self._readings: dict[str, _Reading] = {}
        self._has_news = False

    def note(
        self,
        device: str,
        answers: Sequence[Answer],
        lines: Sequence[str],
        time_ns: int,
        offset: int,
    ) -> None:
        """Take note of a reading; `offset`: the wall clock's lead over the monotonic one, in ns."""
        self._readings[device] = _Reading(answers, lines, time_ns, offset)
        self._has_news = True

    def publish(self) -> None:
        """Write the file if there is news; what cannot be written is written the next time."""
        if not self._has_news:
            return
        self._has_news = False
        said = {
            "job": self._job,
            "interval": self._interval,
            "devices": {name: _describe(each) for name, each in self._readings.items()},
        }
        with suppress(OSError):
            data = json.dumps(said, ensure_ascii=False).encode()
            replace_file(self._path, data, 0o640, sync=False)


def _describe(reading: _Reading) -> Mapping[str, Any]:
    return {
        "time": format_time(reading.time_ns / 1e9),
        "requests": [
            {
                "table": answer.block.table,
                "address": answer.block.address,
                "size": answer.block.size,
                "time": format_time((answer.monotonic_ns + reading.offset_ns) / 1e9),
                "data": answer.data.hex(),
            }
            for answer in reading.answers
        ],
        "lines": list(reading.lines),
    }
