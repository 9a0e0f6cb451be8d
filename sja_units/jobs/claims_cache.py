"""What jobs hold on to, read again only where a file has changed: sja-check asks all day long.

Sessions are hashes in it, too, and it is for root alone.
"""

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from sja_units.fs.atomic import replace_file
from sja_units.job import RUN_ROOT, Job
from sja_units.jobs.claims import Claims, read_claims

PATH = f"{RUN_ROOT}/claims.json"


def read_cached_claims(jobs: Iterable[Job], path: str = PATH) -> dict[Job, Claims]:
    """Return what jobs hold on to, as `read_claims` does."""
    stamps = {job: _stamp(job) for job in jobs}
    cached = _load(path)
    known: dict[Job, Claims] = {}
    for job, stamp in stamps.items():
        entry = cached.get(str(job))
        if entry is not None and entry["stamp"] == stamp:
            known[job] = Claims(frozenset(entry["endpoints"]), frozenset(entry["sessions"]))
    new = read_claims(job for job in stamps if job not in known)
    if new or len(cached) > len(known):
        _save(path, known | new, stamps)
    return known | new


def _stamp(job: Job) -> list[list[int]]:
    stamp = []
    jars = [f"{job.state_dir}/{name}" for name in ("jar.json", "incoming.txt", "incoming.taken")]
    for file in (job.config_path, *jars):
        try:
            status = os.stat(file, follow_symlinks=False)
        except OSError:
            stamp.append([0, 0, 0])
        else:
            stamp.append([status.st_mtime_ns, status.st_size, status.st_ino])
    return stamp


def _load(path: str) -> dict[str, dict[str, Any]]:
    try:
        with open(path, "rb") as file:
            cached = json.load(file)
    except (OSError, ValueError):
        return {}
    return cached if isinstance(cached, dict) else {}


def _save(path: str, claims: dict[Job, Claims], stamps: dict[Job, list[list[int]]]) -> None:
    entries = {
        str(job): {
            "stamp": stamps[job],
            "endpoints": sorted(held.endpoints),
            "sessions": sorted(held.sessions),
        }
        for job, held in claims.items()
        # Where the link to a serial port leads can change without the file.
        if not any(endpoint.startswith("/") for endpoint in held.endpoints)
    }
    with suppress(OSError):  # who is not root reads the files each time
        replace_file(path, json.dumps(entries).encode(), sync=False)
