"""Starts that systemd skips: an order is done, and nothing runs. Source: systemd.unit(5)."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sja_units.systemd.client import Systemd


class Condition(NamedTuple):
    """One of a unit's conditions, as systemd.unit(5) describes them."""

    type: str
    is_trigger: bool
    is_negated: bool
    parameter: str
    state: int  # above 0: met, below 0: not met, 0: not looked at yet

    def __str__(self) -> str:
        return f"{self.type}={'|' * self.is_trigger}{'!' * self.is_negated}{self.parameter}"


def _find_unmet(conditions: list[Condition]) -> list[Condition]:
    """Return the conditions that kept a unit from its start.

    Where systemd forgot what came of them, as it does with a unit at rest, that is all of them.
    """
    unmet = [condition for condition in conditions if condition.state < 0]
    return unmet or [condition for condition in conditions if not condition.state]


def find_skip(systemd: Systemd, unit: str) -> str:
    """Return why systemd skipped the start of a unit, "" where it runs or has run."""
    shown = systemd.get([unit], "ActiveState")[unit]
    if shown["ActiveState"] != "inactive":
        return ""
    return _explain(unit, systemd.get([unit], *_LOADED)[unit])


def find_obstacles(systemd: Systemd, loaded: list[str], others: list[str]) -> dict[str, str]:
    """Return by unit why systemd would skip its start, of units at rest; "" where it would not.

    loaded: those that systemd has in memory. Of others it has to read the files for each question,
    and knows nothing but what stands in them.
    """
    shown = systemd.get(loaded, *_LOADED) | systemd.get(others, "LoadState", "Conditions")
    return {unit: _explain(unit, properties) for unit, properties in shown.items()}


_LOADED = ("LoadState", "Conditions", "ConditionResult", "Result")


def _explain(unit: str, shown: Mapping[str, Any]) -> str:
    if shown["LoadState"] == "masked":
        return f"its unit is masked: systemctl unmask {unit}"
    if shown.get("Result") == "exec-condition":
        return "its ExecCondition= ended with a status that forbids the start"
    unmet = _find_unmet([Condition(*fields) for fields in shown["Conditions"]])
    if shown.get("ConditionResult") or not unmet:
        return ""
    return f"{' and '.join(map(str, unmet))} of its unit is not met"
