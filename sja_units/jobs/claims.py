"""What a job holds on to and another one should leave alone: its devices' endpoints, its session.

A session is known by hashes only.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import NamedTuple

from sja_units.config import job_file
from sja_units.errors import ConfigError
from sja_units.job import Job
from sja_units.kinds import Settings


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


def make_claims(settings: Settings, state_dir: str = "", jar: str = "") -> Claims:
    """Return what a job with these settings holds on to.

    state_dir: where its session is, as far as it can be read; jar: a text that counts instead.
    """
    return Claims(*settings.claims(state_dir, jar))


def read_claims(jobs: Iterable[Job]) -> dict[Job, Claims]:
    """Return what jobs hold on to, as far as it can be read; jars can be by root alone."""
    claims = {}
    for job in jobs:
        with suppress(ConfigError, OSError):
            text = job_file.read_file(job.config_path)
            settings = job_file.parse(job.kind, text, job.config_path).settings
            claims[job] = make_claims(settings, job.state_dir)
    return claims


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
