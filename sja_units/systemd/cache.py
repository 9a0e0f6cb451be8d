"""systemd's answers, kept until it tells that they have changed."""

from collections.abc import Iterable
from typing import Any

from sja_units.job import RELAUNCH, SCHEDULES, TARGET, parse_unit
from sja_units.systemd.bus import ConnectionLost
from sja_units.systemd.client import Systemd
from sja_units.systemd.unit import UnitRow


class CachedSystemd(Systemd):
    """A connection that asks only for what has changed: as long as nothing does, for nothing."""

    def __init__(self) -> None:
        super().__init__(patience=0.0)  # who watches waits for the keyboard, too, and asks again
        self.changes = 0  # that systemd has told of
        self._rows: dict[tuple[str, ...], list[UnitRow]] = {}
        self._properties: dict[str, dict[str, Any]] = {}

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

    def get(self, units: Iterable[str], *names: str) -> dict[str, dict[str, Any]]:
        chosen = list(units)
        unknown = [u for u in chosen if not self._properties.get(u, {}).keys() >= {*names}]
        before = self.changes
        shown = super().get(unknown, *names)
        found = {unit: self._properties.get(unit, {}) | shown.get(unit, {}) for unit in chosen}
        if self.changes == before:
            self._properties |= found
        return {unit: {name: values[name] for name in names} for unit, values in found.items()}

    def wait(self, seconds: float, descriptors: Iterable[int] = ()) -> None:
        try:
            super().wait(seconds, descriptors)
        except ConnectionLost:
            if self._rows or self._properties:
                self._forget("")  # from now on nobody tells that it has changed
            raise

    def _forget(self, unit: str) -> None:
        if unit and unit not in (RELAUNCH, TARGET) and not _concerns_job(unit):
            return
        if unit:
            self._properties.pop(unit, None)
        else:
            self._properties.clear()
        self._rows.clear()
        self.changes += 1


def _concerns_job(unit: str) -> bool:
    service = unit.removesuffix(".timer") + ".service" if unit.endswith(".timer") else unit
    return parse_unit(service) is not None or unit.startswith(SCHEDULES)
