"""How many jobs a grant allows, and how fast. Counted in /run, so that an end forgets none."""

import os
import threading
import time
from collections.abc import Iterable

from sja_units.api.policy import Grant
from sja_units.api.problems import Problem
from sja_units.fs.atomic import replace_file
from sja_units.job import RUN_ROOT
from sja_units.jobs.inventory import list_configured, read_head

_PATH = f"{RUN_ROOT}/api/creates"
_MINUTE = 60.0
_lock = threading.Lock()


def take_place(grants: Iterable[Grant], now: float | None = None) -> None:
    """Take one job out of what one of the grants allows. Raises Problem.

    now: seconds of CLOCK_BOOTTIME.
    """
    now = time.clock_gettime(time.CLOCK_BOOTTIME) if now is None else now
    with _lock:
        templates = [read_head(job).template for job in list_configured()]
        recent = [(name, at) for name, at in _read() if now - _MINUTE < at <= now]
        wait = 0.0
        for grant in grants:
            if sum(template in grant.templates for template in templates) >= grant.max_jobs:
                continue
            times = [at for name, at in recent if name == grant.name]
            if len(times) < grant.creates_per_minute:
                _write([*recent, (grant.name, now)])
                return
            wait = min(times, default=now) + _MINUTE - now
    if wait:
        seconds = str(int(wait) + 1)
        raise Problem(
            429, "too many jobs were made within a minute", headers=[("Retry-After", seconds)]
        )
    raise Problem(403, "there are as many jobs as the grant allows")


def _read() -> list[tuple[str, float]]:
    try:
        with open(_PATH, encoding="utf-8") as file:
            pairs = (line.split() for line in file)
            return [(name, float(at)) for name, at in pairs]
    except (OSError, ValueError):
        return []


def _write(rows: list[tuple[str, float]]) -> None:
    os.makedirs(os.path.dirname(_PATH), mode=0o700, exist_ok=True)
    data = "".join(f"{name} {at}\n" for name, at in rows).encode()
    replace_file(_PATH, data, sync=False)
