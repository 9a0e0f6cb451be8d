"""systemd's answers, kept until it tells that they have changed."""

from collections.abc import Iterable
from typing import Any

from sja_units.job import RELAUNCH, SCHEDULES, parse_unit
from sja_units.jobs.state import UnitRow
from sja_units.systemd.client import Systemd


class CachedSystemd(Systemd):
    """A connection that asks only for what has changed: as long as nothing does, for nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.changes = 0  # that systemd has told of
        self._rows: dict[tuple[str, ...], list[UnitRow]] = {}
        self._shown: dict[str, dict[str, Any]] = {}
        self._numbers: dict[tuple[str, ...], dict[str, int]] = {}

    def __enter__(self) -> "CachedSystemd":
        super().__enter__()
        self.watch(self._forget)
        return self

    def list_units(self, patterns: Iterable[str]) -> list[UnitRow]:
        key = tuple(patterns)
        if key in self._rows:
            return self._rows[key]
        before = self.changes
        rows = super().list_units(key)
        if self.changes == before:  # else the answer may be older than what has been told
            self._rows[key] = rows
        return rows

    def show(self, units: Iterable[str]) -> dict[str, dict[str, Any]]:
        chosen = list(units)
        known = {unit: self._shown[unit] for unit in chosen if unit in self._shown}
        before = self.changes
        asked = super().show(unit for unit in chosen if unit not in known)
        if self.changes == before:
            self._shown.update(asked)
        return known | asked

    def get_each(self, units: Iterable[str], kind: str, name: str) -> dict[str, int]:
        chosen = list(units)
        key = (kind, name, *chosen)
        if key in self._numbers:
            return self._numbers[key]
        before = self.changes
        numbers = super().get_each(chosen, kind, name)
        if self.changes == before:
            self._numbers[key] = numbers
        return numbers

    def _forget(self, unit: str) -> None:
        if unit and unit != RELAUNCH and not _concerns_job(unit):
            return
        if unit:
            self._shown.pop(unit, None)
        else:
            self._shown.clear()
        self._rows.clear()
        self._numbers.clear()
        self.changes += 1


def _concerns_job(unit: str) -> bool:
    return parse_unit(unit) is not None or unit.startswith(SCHEDULES)
