"""systemd's answers, kept until it tells that they have changed."""

from collections.abc import Iterable
from typing import Any

from sja_units.job import RELAUNCH, parse_unit
from sja_units.state import UnitRow
from sja_units.systemd import Systemd


class LiveSystemd(Systemd):
    """A connection that asks only for what has changed: as long as nothing does, for nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.changes = 0  # that systemd has told of
        self._rows: dict[tuple[str, ...], list[UnitRow]] = {}
        self._shown: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> "LiveSystemd":
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

    def _forget(self, unit: str) -> None:
        if unit and unit != RELAUNCH and parse_unit(unit) is None:
            return
        if unit:
            self._shown.pop(unit, None)
        else:
            self._shown.clear()
        self._rows.clear()
        self.changes += 1
