"""OpenMetrics text, of the part that readers of Prometheus' older text format take as well. Pure.

Source: OpenMetrics 1.0, https://github.com/prometheus/OpenMetrics, specification/OpenMetrics.md.
What it calls info and stateset are gauges here: node_exporter refuses a file with a type that it
does not know.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

# What the name of a sample has behind the name of its family.
SUFFIXES = {"counter": "_total"}

Labels = Mapping[str, str]
Value = int | float

_LARGEST = 2**63


class Family(NamedTuple):
    """What one metric means; its name ends with its unit, where it has one."""

    name: str
    type: str  # gauge or counter
    help: str
    unit: str = ""  # a base unit: seconds, bytes


class Sample(NamedTuple):
    """One value of a family."""

    labels: Labels
    value: int | float


class Figure(NamedTuple):
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


def count_items(value: object) -> int | None:
    return len(value) if isinstance(value, list) else None


def gauge(name: str, text: str, *path: str, unit: str = "") -> Figure:
    return Figure(Family(name, "gauge", text, unit), path, read_number)


def counter(name: str, text: str, *path: str) -> Figure:
    return Figure(Family(name, "counter", text), path, read_number)


def timestamp(name: str, text: str, *path: str) -> Figure:
    return Figure(Family(f"{name}_timestamp_seconds", "gauge", text, "seconds"), path, read_time)


def spread_state(labels: Labels, family: Family, states: Sequence[str], now: str) -> list[Sample]:
    """Return a sample for each state, 1 for that which holds now."""
    return [Sample({**labels, family.name: state}, int(state == now)) for state in states]


def render(families: Iterable[tuple[Family, Sequence[Sample]]]) -> str:
    """Return an exposition, in the order given; families without a sample are left out."""
    lines = []
    for family, samples in families:
        if samples:
            lines += _describe(family)
            name = family.name + SUFFIXES.get(family.type, "")
            lines += [f"{name}{_join(labels)} {value!r}" for labels, value in samples]
    return "".join(f"{line}\n" for line in [*lines, "# EOF"])


def _describe(family: Family) -> list[str]:
    lines = [f"# TYPE {family.name} {family.type}"]
    if family.unit:
        lines.append(f"# UNIT {family.name} {family.unit}")
    return [*lines, f"# HELP {family.name} {_escape(family.help)}"]


def _join(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escape(value)}"' for name, value in labels.items()) + "}"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def read_figures(
    labels: Labels, table: object, figures: Iterable[Figure]
) -> Iterator[tuple[Family, Sample]]:
    for family, path, read in figures:
        value = read(find(table, path))
        if value is not None:
            yield family, Sample(labels, value)


def read_state(
    labels: Labels, family: Family, states: Sequence[str], now: object
) -> Iterator[tuple[Family, Sample]]:
    if isinstance(now, str):
        for sample in spread_state(labels, family, states, now):
            yield family, sample


def find(table: object, path: Sequence[str]) -> object:
    for key in path:
        table = table.get(key) if isinstance(table, dict) else None
    return table
