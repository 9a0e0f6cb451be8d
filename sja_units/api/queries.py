"""What is only looked at: a job's cookies, runs, journal and samples."""

import json
import os
import time
from collections import deque
from datetime import datetime
from typing import Any

from sja_units.api.access import Access
from sja_units.api.channel import Answer
from sja_units.api.problems import Problem
from sja_units.api.request import Request
from sja_units.errors import SjaError, UsageError
from sja_units.job import Job
from sja_units.jobs.files import read_job
from sja_units.kinds import is_acquisition, is_keepalive
from sja_units.times import parse_moment

_LINES = 100
_FORMS = {"netscape": "text/plain", "header": "text/plain", "json": "application/json"}


def make_json(value: Any, *, status: int = 200, etag: str = "") -> Answer:
    """Return the answer that says a value."""
    headers = (("ETag", etag),) if etag else ()
    return Answer(status, json.dumps(value, ensure_ascii=False).encode(), headers=headers)


def get_cookies(access: Access, request: Request) -> Answer:
    """Return a job's live cookies."""
    from sja_units.actions.cookies import FORMS, format_jar

    job = _require(access, "cookies-read", request)
    form = request.form or "netscape"
    if form not in FORMS:
        raise Problem(400, f"format must be {', '.join(FORMS)}")
    if not is_keepalive(job):
        raise Problem(404, "only keepalive jobs hold cookies")
    try:
        data = format_jar(job, read_job(job), FORMS[FORMS.index(form)])
    except SjaError as fault:
        raise Problem(404, fault.message) from None
    return Answer(200, data, _FORMS[form])


def list_runs(access: Access, request: Request) -> Answer:
    """Return a job's runs, newest first."""
    from sja_units.actions.read_runs import read_runs

    job = _require(access, "see", request)
    begin = _find_beginning(access, job)
    runs = read_runs(job, request.lines or 20)
    own = [run for run in runs if run.started is None or run.started.time_ns >= begin]
    return make_json([run.as_json() for run in own])


def read_log(access: Access, request: Request) -> Answer:
    """Return the last entries of a job's journal, oldest first."""
    from sja_units.systemd.journal_read import read_last

    job = _require(access, "log", request)
    entries = read_last(job.unit, request.lines or _LINES, _find_beginning(access, job))
    return make_json([entry._asdict() for entry in entries])


def list_samples(access: Access, request: Request) -> Answer:
    """Return what an acquisition job holds on this host, oldest first."""
    from sja_units.actions.samples import find_rows, open_snapshot, read_names, select_lines

    job = _require(access, "samples", request)
    if not is_acquisition(job):
        raise Problem(404, "only acquisition jobs hold samples")
    try:
        begin = parse_moment(request.since, time.time()) if request.since else 0
    except UsageError as fault:
        raise Problem(400, fault.message) from None
    names = read_names(job)
    if not os.path.isdir(f"{job.state_dir}/spool"):
        return make_json([])  # it has never run
    with open_snapshot(job) as snapshot:
        lines = select_lines(snapshot.read_lines(sent_too=names.is_local), begin, 2**63)
        rows = deque(find_rows(lines, names), maxlen=request.lines or _LINES)
    return make_json([row.as_json() for row in rows])


def read_last_cycle(access: Access, request: Request) -> Answer:
    """Return an acquisition job's last cycle, point by point."""
    from sja_units.actions.last_cycle import find_last_values

    job = _require(access, "samples", request)
    if not is_acquisition(job):
        raise Problem(404, "only acquisition jobs have cycles")
    try:
        points = find_last_values(job)
    except SjaError:
        raise Problem(404, f"{job} has had no cycle yet") from None
    except OSError:
        raise Problem(503, f"the last cycle of {job} cannot be read") from None
    return make_json({"job": str(job), "points": [point.as_json() for point in points]})


def _require(access: Access, verb: Any, request: Request) -> Job:
    job = Job(request.kind, request.name)
    access.require_on(verb, job)
    return job


def _find_beginning(access: Access, job: Job) -> int:
    """Return since when the job is who it is, in ns since 1970.

    An earlier one of that name may have been another's. Root sees all.
    """
    if access.is_root:
        return 0
    origin = read_job(job).origin
    try:
        created = datetime.fromisoformat(origin.created if origin else "")
        return int(created.timestamp() * 1e6) * 1000
    except (ValueError, OverflowError):
        return time.time_ns()
