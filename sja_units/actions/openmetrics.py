"""OpenMetrics text, of the part that readers of Prometheus' older text format take as well. Pure.

Source: OpenMetrics 1.0, https://github.com/prometheus/OpenMetrics, specification/OpenMetrics.md.
What it calls info and stateset are gauges here: node_exporter refuses a file with a type that it
does not know.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

# What the name of a sample has behind the name of its family.
SUFFIXES = {"counter": "_total"}

Labels = Mapping[str, str]


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
