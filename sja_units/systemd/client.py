"""systemd over D-Bus: the few methods of its manager that are used, typed.

Source: org.freedesktop.systemd1(5). Where the bus or systemd itself is being restarted, what was
asked is asked once more.
"""

import os
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from sja_units.errors import SjaError
from sja_units.systemd.bus import BUS, Call, Connection, ConnectionLost, Signal
from sja_units.systemd.unit import (
    INTERFACES,
    ROOT,
    UnitRow,
    Verb,
    make_path,
    make_row,
    parse_path,
)

BACK_SECONDS = 30.0  # that a bus, or systemd, may take to restart
_PAUSE = 0.1
_BOOTED = "/run/systemd/system"  # sd_booted(3)

_NAME = "org.freedesktop.systemd1"
_MANAGER = f"{_NAME}.Manager"
_PROPERTIES = f"{BUS}.Properties"
_METHODS: dict[Verb, str] = {"start": "StartUnit", "stop": "StopUnit", "restart": "RestartUnit"}
# What a manager's signal tells of: the place of the unit's name among its arguments.
_TOLD_BY = {"UnitNew": 0, "UnitRemoved": 0, "JobNew": 2, "JobRemoved": 2}
_MANAGER_RULE = f"type='signal',sender='{_NAME}',path='{ROOT}',interface='{_MANAGER}'"
# A change is told for the unit and once more for its kind of unit: one of them will do.
_UNITS_RULE = (
    f"type='signal',sender='{_NAME}',path_namespace='{ROOT}/unit',"
    f"interface='{_PROPERTIES}',arg0='{_NAME}.Unit'"
)
_OWNER_RULE = f"type='signal',sender='{BUS}',member='NameOwnerChanged',arg0='{_NAME}'"

T = TypeVar("T")


class Systemd:
    """A connection to the system's systemd. Use it in a `with` block, from one thread.

    patience: seconds within which a bus, or systemd, that restarts is to be back.
    """

    def __init__(self, patience: float = BACK_SECONDS) -> None:
        self._patience = patience
        self._open: Connection | None = None
        self._rules: list[str] = []  # by which signals are sent to it
        self._listeners: list[Callable[[Signal], None]] = [self._note_owner]
        self._has_new_owner = False
        self._seen = 0  # signals that the last wait knew of

    def __enter__(self) -> "Systemd":
        self._open = Connection()
        self._open.listeners += self._listeners
        return self

    def __exit__(self, *_: object) -> None:
        if self._open is not None:
            self._open.close()

    def list_units(self, patterns: Iterable[str]) -> list[UnitRow]:
        """Return the units that systemd has in memory and whose names match a pattern."""
        (rows,) = self._ask("ListUnitsByPatterns", "asas", [], list(patterns))
        return [make_row(row) for row in rows]

    def list_named(self, units: Iterable[str]) -> dict[str, UnitRow]:
        """Return these units by name, in memory or not."""
        (rows,) = self._ask("ListUnitsByNames", "as", list(units))
        return {row[0]: make_row(row) for row in rows}

    def get(self, units: Iterable[str], *names: str) -> dict[str, dict[str, Any]]:
        """Return properties of units by unit and name. Source: org.freedesktop.systemd1(5)."""
        chosen = list(units)
        calls = [
            Call(_NAME, path, _PROPERTIES, "Get", "ss", (INTERFACES[name], name))
            for path in map(make_path, chosen)
            for name in names
        ]
        values = iter(self._retry(lambda bus: bus.call_all(calls)))
        return {unit: {name: next(values)[0] for name in names} for unit in chosen}

    def reload(self) -> None:
        """Let systemd read unit files again."""
        self._ask("Reload", "")

    def reset_failed(self, unit: str) -> None:
        """Let systemd forget that a unit failed."""
        self._ask("ResetFailedUnit", "s", unit)

    def ref(self, unit: str) -> None:
        """Let systemd keep in memory what becomes of a unit; only root may."""
        self._ask("RefUnit", "s", unit)

    def unref(self, unit: str) -> None:
        """Take back a `ref`."""
        self._ask("UnrefUnit", "s", unit)

    def unit_file_state(self, unit: str) -> str:
        """Return "enabled", "disabled" and the like, as `systemctl is-enabled` does."""
        (state,) = self._ask("GetUnitFileState", "s", unit)
        return str(state)

    def enqueue(self, verb: Verb, unit: str) -> str:
        """Give an order; return the path of its job, whose end JobRemoved tells.

        Raises ConnectionLost where nobody knows whether it was given.
        """
        (path,) = self._connection.call(_make_call(_METHODS[verb], "ss", unit, "replace"))
        return str(path)

    def listen(self, listener: Callable[[Signal], None]) -> None:
        """Hand the manager's signals to a function, as they are taken in; it must not call."""
        self._listeners.append(listener)
        self._connection.listeners.append(listener)
        self._add_rules(_MANAGER_RULE, _OWNER_RULE)

    def stop_listening(self, listener: Callable[[Signal], None]) -> None:
        """Hand nothing to this function any more."""
        self._listeners.remove(listener)
        self._connection.listeners.remove(listener)

    def watch(self, on_change: Callable[[str], None]) -> None:
        """Have systemd tell of changes from now on, whenever this connection waits.

        on_change: called with the name of a unit whose properties may have changed, "" where any
        may have.
        """

        def tell(signal: Signal) -> None:
            unit = _find_changed(signal)
            if unit is not None:
                on_change(unit)

        self.listen(tell)
        self._add_rules(_UNITS_RULE)

    def wait(self, seconds: float, descriptors: Iterable[int] = ()) -> None:
        """Wait so long for a signal, or until a descriptor can be read.

        Returns at once where a signal has come since the last wait. Raises ConnectionLost.
        """
        try:
            is_news = self._connection.signals != self._seen
            self._connection.receive(0.0 if is_news else seconds, descriptors)
        except ConnectionLost:
            self.reconnect()
        self._seen = self._connection.signals
        if self._has_new_owner:
            self._has_new_owner = False
            self._retry(_subscribe)

    def reconnect(self) -> None:
        """Connect anew where the connection has ended, and have all told that was told before.

        Raises ConnectionLost where that cannot be done in time.
        """
        deadline = time.monotonic() + self._patience
        while True:
            time.sleep(_PAUSE)
            try:
                self._connect_anew()
            except ConnectionLost:
                if time.monotonic() > deadline:
                    raise
            else:
                return

    def _connect_anew(self) -> None:
        if not self._connection.is_open:
            self._open = Connection()
            self._open.listeners += self._listeners
            self._seen = 0
            for rule in self._rules:
                self._open.listen_to(rule)
        if self._rules:
            _subscribe(self._connection)
        lost = Signal(ROOT, _MANAGER, "Reloading", [False])  # anything may have changed
        for listener in self._listeners:
            listener(lost)

    @property
    def _connection(self) -> Connection:
        if self._open is None:
            raise RuntimeError("used outside its with block")
        return self._open

    def _ask(self, member: str, signature: str, *body: Any) -> list[Any]:
        call = _make_call(member, signature, *body)
        return self._retry(lambda bus: bus.call(call))

    def _retry(self, ask: Callable[[Connection], T]) -> T:
        """Return the answer to what can be asked twice without harm."""
        deadline = time.monotonic() + self._patience
        while True:
            try:
                return ask(self._connection)
            except ConnectionLost:
                if not os.path.isdir(_BOOTED) or time.monotonic() > deadline:
                    raise
            self.reconnect()

    def _add_rules(self, *rules: str) -> None:
        if not self._rules:
            self._retry(_subscribe)
        for rule in rules:
            if rule not in self._rules:
                self._retry(lambda bus, rule=rule: bus.listen_to(rule))  # type: ignore[misc]
                self._rules.append(rule)

    def _note_owner(self, signal: Signal) -> None:
        # systemd has executed itself anew: it may not remember who has subscribed.
        self._has_new_owner |= signal.member == "NameOwnerChanged"


def _make_call(member: str, signature: str, *body: Any) -> Call:
    return Call(_NAME, ROOT, _MANAGER, member, signature, body)


def _subscribe(bus: Connection) -> None:
    try:
        bus.call(_make_call("Subscribe", ""))
    except ConnectionLost:
        raise
    except SjaError:
        return  # "already subscribed"


def _find_changed(signal: Signal) -> str | None:
    """Return the unit of which a signal tells, "" for all of them, None where it tells of none."""
    if signal.member == "PropertiesChanged":
        return parse_path(signal.path)
    if signal.member in ("Reloading", "NameOwnerChanged"):
        return ""
    if signal.interface == _MANAGER and signal.member in _TOLD_BY:
        return str(signal.body[_TOLD_BY[signal.member]])
    return None
