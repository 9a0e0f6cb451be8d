"""All jobs as OpenMetrics: states, what they use, and what their workers say of their work. Pure.

A worker is not trusted: what is no sane number or time in its health.json is left out.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from sja_units import __version__
from sja_units.job import KINDS
from sja_units.jobs.snapshot import JobStatus
from sja_units.jobs.state import STATES
from sja_units.kinds import get_kind
from sja_units.openmetrics import Family, Sample, read_time, spread_state


class Use(NamedTuple):
    """What a job uses of the machine; None where that is not known."""

    restarts: int | None = None
    memory_bytes: int | None = None
    cpu_seconds: float | None = None


_VERSION = Family("sja_units_info", "gauge", "The program that wrote this.")
_UNDELIVERED = Family("sja_alerts_undelivered", "gauge", "Alerts that did not get through.")
_JOBS = Family("sja_jobs", "gauge", "Jobs by state.")
_INFO = Family("sja_job_info", "gauge", "A job's title and unit.")
_STATE = Family("sja_job_state", "gauge", "A job's state.")
_WANTED = Family("sja_job_wanted", "gauge", "1 if the job's last order was to start.")
_RESTARTS = Family("sja_job_restarts", "counter", "Restarts by systemd since the last order.")
_SINCE = Family(
    "sja_job_since_timestamp_seconds", "gauge", "When the job came to run, or ended.", "seconds"
)
_MEMORY = Family("sja_job_memory_bytes", "gauge", "Memory of the job's processes.", "bytes")
_CPU = Family("sja_job_cpu_seconds", "counter", "CPU time since the job started.", "seconds")
_ERROR = Family(
    "sja_job_last_error_timestamp_seconds", "gauge", "When the job last failed.", "seconds"
)

FAMILIES = (
    *(
        _VERSION,
        _UNDELIVERED,
        _JOBS,
        _INFO,
        _STATE,
        _WANTED,
        _RESTARTS,
        _SINCE,
        _MEMORY,
        _CPU,
        _ERROR,
    ),
    *(family for kind in KINDS for family in get_kind(kind).families()),
)
"""All families there are, in the order of the exposition."""


def measure(
    views: Sequence[JobStatus],
    uses: Mapping[str, Use],
    undelivered: Mapping[str, int] | None = None,
) -> list[tuple[Family, Sequence[Sample]]]:
    """Return all families with what they say of these jobs.

    uses: what jobs use of the machine, by unit, as far as it is known.
    undelivered: alerts that did not get through, by channel; None where that is not known.
    """
    found: dict[Family, list[Sample]] = {family: [] for family in FAMILIES}
    found[_VERSION].append(Sample({"version": __version__}, 1))
    for channel, number in (undelivered or {}).items():
        found[_UNDELIVERED].append(Sample({"channel": channel}, number))
    counts = Counter(view.state for view in views)
    found[_JOBS] += [Sample({"state": state}, counts[state]) for state in STATES]
    for view in views:
        for family, sample in _measure_job(view, uses.get(view.job.unit, Use())):
            found[family].append(sample)
    return list(found.items())


def _measure_job(view: JobStatus, use: Use) -> Iterator[tuple[Family, Sample]]:
    labels = {"kind": view.job.kind, "name": view.job.name}
    yield _INFO, Sample({**labels, "title": view.title, "unit": view.job.unit}, 1)
    for sample in spread_state(labels, _STATE, STATES, view.state):
        yield _STATE, sample
    yield _WANTED, Sample(labels, int(view.wanted))
    values = (
        (_RESTARTS, use.restarts),
        (_SINCE, read_time(view.since)),
        (_MEMORY, use.memory_bytes),
        (_CPU, use.cpu_seconds),
        (_ERROR, read_time(view.error.at) if view.error else None),
    )
    yield from ((family, Sample(labels, value)) for family, value in values if value is not None)
    if view.health:
        yield from get_kind(view.job.kind).measure(labels, view.health)
