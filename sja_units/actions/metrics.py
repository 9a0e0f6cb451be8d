"""All jobs as OpenMetrics: states, what they use, and what their workers say of their work. Pure.

A worker is not trusted: what is no sane number or time in its health.json is left out.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sja_units import __version__
from sja_units.actions.openmetrics import Family, Labels, Sample, spread_state
from sja_units.jobs.state import STATES
from sja_units.jobs.status import JobStatus

Value = int | float

_DEVICE_STATES = ("healthy", "error", "timeout", "disconnected")
_SINK_STATES = ("healthy", "error", "refused", "local")
_SESSIONS = ("alive", "expired", "unknown")
_LARGEST = 2**63


class Use(NamedTuple):
    """What a job uses of the machine; None where that is not known."""

    restarts: int | None = None
    memory_bytes: int | None = None
    cpu_seconds: float | None = None


class _Figure(NamedTuple):
    """A family and the way to its value in a table of health.json."""

    family: Family
    path: tuple[str, ...]
    read: Callable[[object], Value | None]


def read_number(value: object) -> Value | None:
    """Return a sane number as it is, None for all else: nothing here is ever negative."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if 0 <= value < _LARGEST else None


def read_time(value: object) -> float | None:
    """Return an RFC 3339 time as Unix seconds, None for all else."""
    try:
        return datetime.fromisoformat(value).timestamp() if isinstance(value, str) else None
    except (ValueError, OverflowError, OSError):
        return None


def _count(value: object) -> int | None:
    return len(value) if isinstance(value, list) else None


def _gauge(name: str, text: str, *path: str, unit: str = "") -> _Figure:
    return _Figure(Family(name, "gauge", text, unit), path, read_number)


def _counter(name: str, text: str, *path: str) -> _Figure:
    return _Figure(Family(name, "counter", text), path, read_number)


def _moment(name: str, text: str, *path: str) -> _Figure:
    return _Figure(Family(f"{name}_timestamp_seconds", "gauge", text, "seconds"), path, read_time)


_VERSION = Family("sja_units_info", "gauge", "The program that wrote this.")
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

_ACQUISITION = "sja_acquisition"
_DEVICE_STATE = Family(f"{_ACQUISITION}_device_state", "gauge", "How a device is.")
_SINK_STATE = Family(f"{_ACQUISITION}_sink_state", "gauge", "How the way to the database is.")
_SESSION = Family("sja_keepalive_session", "gauge", "What the last look found of the session.")

_FIGURES = {
    "command": (
        _gauge(
            "sja_command_probe_consecutive_failures",
            "Looks in a row that found the program unwell.",
            *("probe", "consecutive_failures"),
        ),
        _moment(
            "sja_command_probe_last_success",
            "When the program was last found well.",
            *("probe", "last_success"),
        ),
    ),
    "acquisition": (
        _counter(f"{_ACQUISITION}_cycles", "Cycles since the worker started.", "cycles"),
        _counter(f"{_ACQUISITION}_late_cycles", "Cycles that began late.", "late_cycles"),
        _counter(f"{_ACQUISITION}_samples", "Values that were read.", "samples"),
        _gauge(f"{_ACQUISITION}_spool_bytes", "Not sent yet.", "spool", "bytes", unit="bytes"),
        _gauge(f"{_ACQUISITION}_spool_batches", "Batches not sent yet.", "spool", "batches"),
        _moment(f"{_ACQUISITION}_spool_oldest", "Oldest value not sent yet.", "spool", "oldest"),
        _counter(f"{_ACQUISITION}_spool_dropped_lines", "Lost, spool full.", "spool", "dropped"),
        _counter(
            f"{_ACQUISITION}_spool_write_errors",
            "Times that the disk took nothing.",
            *("spool", "write_errors"),
        ),
        _moment(
            f"{_ACQUISITION}_sink_last_success",
            "When the database last took values.",
            *("sink", "last_success"),
        ),
        _counter(
            f"{_ACQUISITION}_sink_parked_lines",
            "Lines that the database refused.",
            *("sink", "parked"),
        ),
    ),
    "keepalive": (
        _moment("sja_keepalive_last_alive", "When the session was last alive.", "last_alive"),
        _gauge(
            "sja_keepalive_consecutive_failures",
            "Looks in a row that did not find the session alive.",
            "consecutive_failures",
        ),
        _moment("sja_keepalive_expires", "When the cookies end.", "expires_at"),
        _moment("sja_keepalive_next_refresh", "When the next look comes.", "next_refresh"),
    ),
}
_DEVICE_FIGURES = (
    _gauge(
        f"{_ACQUISITION}_device_consecutive_failures",
        "Failures of a device in a row.",
        "consecutive_failures",
    ),
    _moment(f"{_ACQUISITION}_device_last_success", "When a device last answered.", "last_success"),
    _Figure(
        Family(f"{_ACQUISITION}_device_bad_registers", "gauge", "Registers that a device refuses."),
        ("bad_registers",),
        _count,
    ),
)

FAMILIES = (
    *(_VERSION, _JOBS, _INFO, _STATE, _WANTED, _RESTARTS, _SINCE, _MEMORY, _CPU, _ERROR),
    *(figure.family for figure in _FIGURES["acquisition"]),
    *(_SINK_STATE, _DEVICE_STATE),
    *(figure.family for figure in _DEVICE_FIGURES),
    *(figure.family for figure in _FIGURES["command"]),
    _SESSION,
    *(figure.family for figure in _FIGURES["keepalive"]),
)
"""All families there are, in the order of the exposition."""


def measure(
    views: Sequence[JobStatus], uses: Mapping[str, Use]
) -> list[tuple[Family, Sequence[Sample]]]:
    """Return all families with what they say of these jobs.

    uses: what jobs use of the machine, by unit, as far as it is known.
    """
    found: dict[Family, list[Sample]] = {family: [] for family in FAMILIES}
    found[_VERSION].append(Sample({"version": __version__}, 1))
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
        yield from _measure_health(view.job.kind, labels, view.health)


def _measure_health(
    kind: str, labels: Labels, health: Mapping[str, Any]
) -> Iterator[tuple[Family, Sample]]:
    yield from _read_figures(labels, health, _FIGURES.get(kind, ()))
    if kind == "keepalive":
        yield from _spread(labels, _SESSION, _SESSIONS, health.get("session"))
    if kind == "acquisition":
        yield from _spread(labels, _SINK_STATE, _SINK_STATES, _find(health, ("sink", "state")))
        devices = health.get("devices")
        for name, device in devices.items() if isinstance(devices, dict) else ():
            named = {**labels, "device": name}
            yield from _spread(named, _DEVICE_STATE, _DEVICE_STATES, _find(device, ("state",)))
            yield from _read_figures(named, device, _DEVICE_FIGURES)


def _read_figures(
    labels: Labels, table: object, figures: Iterable[_Figure]
) -> Iterator[tuple[Family, Sample]]:
    for family, path, read in figures:
        value = read(_find(table, path))
        if value is not None:
            yield family, Sample(labels, value)


def _spread(
    labels: Labels, family: Family, states: Sequence[str], now: object
) -> Iterator[tuple[Family, Sample]]:
    if isinstance(now, str):
        for sample in spread_state(labels, family, states, now):
            yield family, sample


def _find(table: object, path: Sequence[str]) -> object:
    for key in path:
        table = table.get(key) if isinstance(table, dict) else None
    return table
