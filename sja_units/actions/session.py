"""A keep-alive job's session looked at now, and what the site renews by that kept."""

import os
import signal
import time
from typing import Any

from sja_units.errors import SjaError
from sja_units.job import Job
from sja_units.jobs.health import read_health
from sja_units.jobs.manager import leave_file
from sja_units.jobs.state import is_active
from sja_units.jobs.status import get_status
from sja_units.keepalive.config import KeepaliveConfig
from sja_units.keepalive.cookie import Jar
from sja_units.keepalive.jar import format_netscape
from sja_units.keepalive.loop import REFRESH_SIGNAL
from sja_units.keepalive.probe import SiteReport, probe_site
from sja_units.keepalive.response import ALIVE
from sja_units.keepalive.store import CANDIDATE, dump_candidate, load_candidate, read_next_jar
from sja_units.runtime.service import format_time
from sja_units.systemd.client import Systemd

_TICK = 0.05


def refresh_running(job: Job, config: KeepaliveConfig) -> dict[str, Any] | None:
    """Have the worker of a job that runs refresh now; return its health after that.

    None: the job does not run, and nothing was done. Raises SjaError where the worker does not
    answer, PermissionError where one may not ask.
    """
    if not (health := read_health(job)):
        if _is_on(job):
            raise SjaError(f"{job} is on its way or does not report", f"sjactl status {job}")
        return None
    asked = format_time(time.time())
    process = os.pidfd_open(health["pid"])
    try:
        if read_health(job).get("pid") == health["pid"]:  # it cannot be another's by now
            signal.pidfd_send_signal(process, REFRESH_SIGNAL)
    finally:
        os.close(process)
    # A refresh that was under way, and the one that was asked for, with two jars each.
    deadline = time.monotonic() + 4 * (config.timeout + 2)
    while time.monotonic() < deadline:
        health = read_health(job)
        if str(health.get("last_refresh") or "") > asked:
            return health
        time.sleep(_TICK)
    raise SjaError(f"the worker of {job} has not refreshed in time", f"sjactl status {job}")


def probe_resting(job: Job, config: KeepaliveConfig) -> tuple[SiteReport, Jar]:
    """Ask the site with the cookies of a job that rests; return what came of it, and them.

    What the site renews is left for the job: it may refuse the old ones from now on.
    """
    folder = job.state_dir
    is_waiting = os.path.lexists(f"{folder}/incoming.txt")
    jar = read_next_jar(folder, config.host)
    candidate = None if is_waiting else load_candidate(folder, jar)
    report = probe_site(config, jar if candidate is None else candidate)
    renewed = report.result.jar
    if renewed is None or renewed == (candidate or jar) or not jar:
        return report, jar
    if report.result.verdict.outcome == ALIVE or is_waiting:
        leave_file(job, "incoming.txt", format_netscape(renewed))
    else:
        leave_file(job, CANDIDATE, dump_candidate(renewed, jar))
    return report, jar


def _is_on(job: Job) -> bool:
    try:
        with Systemd() as systemd:
            (view,) = get_status(systemd, [job])
    except (SjaError, OSError):  # nobody to ask: then nothing runs, either
        return False
    return is_active(view.state) or view.state in ("starting", "stopping", "restarting")
