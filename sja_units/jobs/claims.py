"""What a job holds on to and another one should leave alone: its devices' endpoints, its session.

A session is known by hashes only: no cookie's value leaves this file.
"""

import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from hashlib import sha256
from typing import NamedTuple

from sja_units.acquisition.config import AcquisitionConfig, Device
from sja_units.config import job_file
from sja_units.errors import ConfigError
from sja_units.job import Job
from sja_units.keepalive.config import KeepaliveConfig
from sja_units.keepalive.cookie import Cookie, Jar, JarFault

_SHORTEST_SESSION = 8  # characters: "theme=dark" is no session
# By which the well-known load balancers find a user's server again.
_STICKY = re.compile(r"(?i:route|routeid|serverid|ingresscookie|bigipserver.*|awsalb.*)")


class Claims(NamedTuple):
    """What one job holds on to."""

    endpoints: frozenset[str] = frozenset()
    sessions: frozenset[str] = frozenset()


class Conflict(NamedTuple):
    """Jobs that hold on to the same, and what that is, for people."""

    jobs: tuple[Job, ...]
    what: str
    risk: str

    def describe(self, job: Job) -> str:
        """Return what that one of the jobs shares with the others."""
        others = [str(other) for other in self.jobs if other != job]
        return f"shares {self.what} with {' and '.join(others)}: {self.risk}"


def name_endpoint(device: Device) -> str:
    """Return where a device is reached: "host:port", or the serial port that a link leads to."""
    _, where, port = device.endpoint.key
    return f"{where.lower()}:{port}" if port else os.path.realpath(where)


def make_claims(settings: object, jar: Jar = ()) -> Claims:
    """Return what a job with these settings, and this jar, holds on to."""
    if isinstance(settings, AcquisitionConfig):
        return Claims(endpoints=frozenset(map(name_endpoint, settings.devices)))
    if isinstance(settings, KeepaliveConfig):
        return Claims(sessions=_hash_sessions(settings, jar))
    return Claims()


def _hash_sessions(settings: KeepaliveConfig, jar: Jar) -> frozenset[str]:
    from sja_units.keepalive.cookie_policy import cookie_header

    # Whatever page each job looks at: one login is one session.
    site = f"{settings.address.scheme}://{settings.address.site}"
    return frozenset(
        sha256(f"{site}\0{cookie.name}\0{cookie.value}".encode()).hexdigest()
        for cookie in jar
        if _may_be_session(cookie) and cookie_header((cookie,), settings.address)
    )


def _may_be_session(cookie: Cookie) -> bool:
    """Tell a login's cookie from those that many logins have: of a browser, of a load balancer."""
    if len(cookie.value) < _SHORTEST_SESSION or _STICKY.fullmatch(cookie.name):
        return False
    return cookie.expires is None or cookie.http_only


def read_claims(jobs: Iterable[Job]) -> dict[Job, Claims]:
    """Return what jobs hold on to, as far as it can be read; jars can be by root alone."""
    claims = {}
    for job in jobs:
        with suppress(ConfigError, OSError):
            text = job_file.read_file(job.config_path)
            settings = job_file.parse(job.kind, text, job.config_path).settings
            claims[job] = make_claims(settings, _read_jar(job, settings))
    return claims


def _read_jar(job: Job, settings: object) -> Jar:
    if isinstance(settings, KeepaliveConfig):
        from sja_units.keepalive.store import read_next_jar

        with suppress(JarFault, OSError):
            return read_next_jar(job.state_dir, settings.host)
    return ()


def find_conflicts(claims: Mapping[Job, Claims]) -> list[Conflict]:
    """Return what several jobs hold on to, in the order of the jobs."""
    endpoints: dict[str, list[Job]] = {}
    sessions: dict[str, list[Job]] = {}
    for job in sorted(claims):
        for endpoint in claims[job].endpoints:
            endpoints.setdefault(endpoint, []).append(job)
        for session in claims[job].sessions:
            sessions.setdefault(session, []).append(job)
    found = {
        Conflict(tuple(jobs), endpoint, "many devices accept only one connection")
        for endpoint, jobs in endpoints.items()
    } | {
        Conflict(tuple(jobs), "its session", "what one does with it can end it for the other")
        for jobs in sessions.values()
    }
    return sorted(conflict for conflict in found if len(conflict.jobs) > 1)
