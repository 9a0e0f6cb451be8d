"""Starts that systemd skips: an order is done, and nothing runs. Source: systemd.unit(5)."""

from typing import NamedTuple

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
    """Return why systemd does not start a unit that is at rest, "" where nothing keeps it."""
    shown = systemd.get([unit], "ActiveState")[unit]
    if shown["ActiveState"] != "inactive":
        return ""
    names = ("LoadState", "ConditionResult", "Conditions", "Result")
    shown = systemd.get([unit], *names)[unit]
    if shown["LoadState"] == "masked":
        return f"its unit is masked: systemctl unmask {unit}"
    if shown["Result"] == "exec-condition":
        return "its ExecCondition= ended with a status that forbids the start"
    if shown["ConditionResult"]:
        return ""
    unmet = _find_unmet([Condition(*fields) for fields in shown["Conditions"]])
    if not unmet:
        return ""
    return f"{' and '.join(map(str, unmet))} of its unit is not met"
