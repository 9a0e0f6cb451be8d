"""What a worker says of itself, and whether to believe it."""

import json
import os
import re
import time
from datetime import datetime
from typing import Any

from sja_units.fs.safe_open import read_regular
from sja_units.job import Job

MAX_BYTES = 1024 * 1024
# What a person or a program is shown must be text that can be shown, and JSON: not half of a
# character, and 1e999 would be Infinity.
_DUBIOUS = re.compile(r"\\u[dD][89a-fA-F]|[0-9][eE]|[0-9]{300}")


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def read_health(job: Job) -> dict[str, Any]:
    """Return the job's health.json if it is fresh and of the unit's own process, else {}."""
    try:
        # Written by an unprivileged process: not through a link, never waiting on a FIFO.
        text = read_regular(f"{job.run_dir}/health.json", MAX_BYTES).decode()
        health = _DECODER.decode(text)
        if _DUBIOUS.search(text):
            json.dumps(health, ensure_ascii=False, allow_nan=False).encode()
        datetime.fromisoformat(health["since"]).timestamp()
        age = time.time() - datetime.fromisoformat(health["updated"]).timestamp()
        # After a clock was set back a time to come would stay fresh for as long.
        fresh = abs(age) <= float(health["valid_for"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError, OverflowError):
        return {}
    return health if fresh and _runs_in(health.get("pid"), job.unit) else {}


def _runs_in(pid: object, unit: str) -> bool:
    if type(pid) is not int:
        return False
    try:
        fd = os.open(f"/proc/{pid}/cgroup", os.O_RDONLY)
    except (OSError, OverflowError):
        return False
    try:
        return f"/{unit}".encode() in os.read(fd, 4096)
    except OSError:
        return False
    finally:
        os.close(fd)
