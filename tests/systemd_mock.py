"""A small systemd on a bus of its own: the methods that sja-units calls, and faults on demand.

The bus is a real dbus-daemon. What a real systemd does beyond that is the machines' business.
"""

import asyncio
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from dbus_next.aio.message_bus import MessageBus
from dbus_next.constants import MessageType
from dbus_next.message import Message
from dbus_next.signature import Variant

from sja_units.systemd.unit import ROOT, make_path, parse_path
from tests.waiting import wait_for

NAME = "org.freedesktop.systemd1"
MANAGER = f"{NAME}.Manager"
ACCESS_DENIED = "org.freedesktop.DBus.Error.AccessDenied"

_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""
_SIGNATURES = {
    "ActiveState": "s",
    "ActiveEnterTimestamp": "t",
    "StateChangeTimestamp": "t",
    "LoadState": "s",
    "ConditionResult": "b",
    "ConditionTimestamp": "t",
    "Conditions": "a(sbbsi)",
    "MainPID": "u",
    "NRestarts": "u",
    "Result": "s",
    "StatusText": "s",
    "ExecMainCode": "i",
    "ExecMainStatus": "i",
    "ControlGroup": "s",
    "CPUUsageNSec": "t",
    "MemoryCurrent": "t",
    "NextElapseUSecRealtime": "t",
}
UNSET = 2**64 - 1


class Unit:
    """A unit as it is, and as it does on an order."""

    def __init__(self, name: str, active: str = "inactive", sub: str = "") -> None:
        self.name = name
        self.active = active
        self.sub = sub or ("running" if active == "active" else "dead")
        self.job = 0  # that is queued
        self.job_type = ""
        self.ends: dict[str, tuple[str, str]] = {  # by verb: its state, its job's result
            "start": ("active", "done"),
            "stop": ("inactive", "done"),
            "restart": ("active", "done"),
        }
        self.delay = 0.0  # seconds before a job has ended
        self.refusal = ""  # what systemd says instead of queueing a job
        self.refusal_name = f"{NAME}.UnitMasked"
        self.properties: dict[str, Any] = {
            "ActiveEnterTimestamp": 1_700_000_000_000_000,
            "StateChangeTimestamp": 1_700_000_000_000_000,
            "LoadState": "loaded",
            "ConditionResult": True,
            "ConditionTimestamp": 0,
            "Conditions": [],
            "MainPID": 0,
            "NRestarts": 0,
            "Result": "success",
            "StatusText": "",
            "ExecMainCode": 0,
            "ExecMainStatus": 0,
            "ControlGroup": "",
            "CPUUsageNSec": UNSET,
            "MemoryCurrent": UNSET,
            "NextElapseUSecRealtime": 0,
        }

    @property
    def row(self) -> list[Any]:
        job = f"{ROOT}/job/{self.job}" if self.job else "/"
        load = self.properties["LoadState"]
        return [
            *(self.name, self.name, load, self.active, self.sub, "", make_path(self.name)),
            *(self.job, self.job_type, job),
        ]


class SystemdMock:
    """The units, the calls that came, and what goes wrong."""

    def __init__(self) -> None:
        self.units: dict[str, Unit] = {}
        self.calls: list[tuple[str, list[Any]]] = []
        self.errors: dict[str, tuple[str, str]] = {}  # by method: the error's name and text
        self.once: dict[str, tuple[str, str]] = {}  # the same, for the next call only
        self.loses_ends = False  # tells nobody that a job has ended
        self.file_states = {"sja-relaunch.service": "enabled"}
        self.on_end: dict[str, Callable[[], object]] = {}  # by unit: what its end hook does
        self.under_way: set[str] = set()  # units with a job
        self.most_under_way = 0
        self._jobs = 0
        self._bus: MessageBus | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def add(self, name: str, active: str = "inactive", sub: str = "", **properties: Any) -> Unit:
        """Have a unit in memory; return it."""
        unit = self.units[name] = Unit(name, active, sub)
        unit.properties |= properties
        return unit

    def count(self, member: str) -> int:
        """Return how often a method was called."""
        return sum(name == member for name, _ in self.calls)

    def change(self, unit: str, active: str) -> None:
        """Let a unit change by itself, and tell of it."""

        async def work() -> None:
            self.units[unit].active = active
            self._emit(
                make_path(unit),
                "org.freedesktop.DBus.Properties",
                "PropertiesChanged",
                "sa{sv}as",
                [f"{NAME}.Unit", {}, []],
            )

        self._run(work())

    def connect(self) -> None:
        """Take systemd's name on the bus."""
        self._run(self._connect())

    def disconnect(self) -> None:
        """Leave the bus, as systemd does while it executes itself anew."""
        self._run(self._disconnect())

    def close(self) -> None:
        self.disconnect()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _connect(self) -> None:
        await self._disconnect()
        self._bus = await MessageBus(os.environ["DBUS_SYSTEM_BUS_ADDRESS"]).connect()
        self._bus.add_message_handler(self._answer)
        await self._bus.request_name(NAME)

    async def _disconnect(self) -> None:
        if self._bus is not None:
            self._bus.disconnect()
            with suppress(Exception):  # the library tells of a broken connection by its cause
                await self._bus.wait_for_disconnect()

    def _answer(self, message: Message) -> Message | None:
        if message.message_type is not MessageType.METHOD_CALL or message.destination is None:
            return None
        member = message.member
        self.calls.append((member, message.body))
        error = self.once.pop(member, None) or self.errors.get(member)
        if error is not None:
            return Message.new_error(message, *error)
        if member == "Get":
            return self._get(message)
        handler: Callable[..., Any] | None = getattr(self, f"_on_{member}", None)
        if handler is None:
            return None
        answer = handler(*message.body)
        if isinstance(answer, Message):
            return answer
        signature, body = answer
        if signature == "error":
            return Message.new_error(message, *body)
        return Message.new_method_return(message, signature, body)

    def _get(self, message: Message) -> Message:
        unit = self.units.get(parse_path(message.path)) or Unit(parse_path(message.path))
        name = message.body[1]
        value = unit.active if name == "ActiveState" else unit.properties[name]
        return Message.new_method_return(message, "v", [Variant(_SIGNATURES[name], value)])

    def _on_ListUnitsByPatterns(self, _: list[str], patterns: list[str]) -> Any:
        return "a(ssssssouso)", [
            [
                unit.row
                for unit in list(self.units.values())
                if any(fnmatchcase(unit.name, pattern) for pattern in patterns)
            ]
        ]

    def _on_ListUnitsByNames(self, names: list[str]) -> Any:
        return "a(ssssssouso)", [[(self.units.get(n) or Unit(n)).row for n in names]]

    def _on_StartUnit(self, name: str, _: str) -> Any:
        return self._queue("start", name)

    def _on_StopUnit(self, name: str, _: str) -> Any:
        return self._queue("stop", name)

    def _on_RestartUnit(self, name: str, _: str) -> Any:
        return self._queue("restart", name)

    def _queue(self, verb: str, name: str) -> Any:
        unit = self.units.setdefault(name, Unit(name))
        if unit.refusal:
            return "error", [unit.refusal_name, unit.refusal]
        if unit.job:
            self._end(unit, unit.job, "canceled")
        self._jobs += 1
        unit.job, unit.job_type = self._jobs, verb
        self.under_way.add(name)
        self.most_under_way = max(self.most_under_way, len(self.under_way))
        state, result = unit.ends[verb]
        self._loop.call_later(unit.delay, self._finish, unit, unit.job, state, result)
        return "o", [f"{ROOT}/job/{unit.job}"]

    def _finish(self, unit: Unit, job: int, state: str, result: str) -> None:
        if unit.job == job:
            if hook := self.on_end.get(unit.name):
                hook()
            unit.active = state
            self._end(unit, job, result)

    def _end(self, unit: Unit, job: int, result: str) -> None:
        unit.job, unit.job_type = 0, ""
        self.under_way.discard(unit.name)
        if not self.loses_ends:
            body = [job, f"{ROOT}/job/{job}", unit.name, result]
            self._emit(ROOT, MANAGER, "JobRemoved", "uoss", body)

    def _emit(
        self, path: str, interface: str, member: str, signature: str, body: list[Any]
    ) -> None:
        if self._bus is not None and self._bus.connected:
            self._bus.send(Message.new_signal(path, interface, member, signature, body))

    def _on_ResetFailedUnit(self, name: str) -> Any:
        if name not in self.units:
            return "error", [f"{NAME}.NoSuchUnit", f"Unit {name} not loaded."]
        if self.units[name].active == "failed":
            self.units[name].active = "inactive"
        return "", []

    def _on_GetUnitFileState(self, name: str) -> Any:
        return "s", [self.file_states.get(name, "static")]

    def _on_Reload(self) -> Any:
        return "", []

    def _on_Subscribe(self) -> Any:
        return "", []

    def _on_RefUnit(self, _: str) -> Any:
        return "", []

    def _on_UnrefUnit(self, _: str) -> Any:
        return "", []


class Bus:
    """A dbus-daemon of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "bus"
        self._config = folder / "bus.conf"
        self._config.write_text(_CONFIG.format(socket=self.socket))
        self._daemon: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def address(self) -> str:
        return f"unix:path={self.socket}"

    def start(self) -> None:
        self.socket.unlink(missing_ok=True)
        self._daemon = subprocess.Popen(
            ["dbus-daemon", f"--config-file={self._config}", "--nofork", "--nopidfile"],
            stdin=subprocess.DEVNULL,
        )
        wait_for(self._listens, what="the bus")

    def _listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client, suppress(OSError):
            client.connect(str(self.socket))
            return True
        return False

    def stop(self) -> None:
        assert self._daemon is not None
        self._daemon.terminate()
        self._daemon.wait(20)


@contextmanager
def run_mock(folder: Path) -> Iterator[tuple[Bus, SystemdMock]]:
    """A bus with a small systemd on it, where `DBUS_SYSTEM_BUS_ADDRESS` tells."""
    bus = Bus(folder)
    before = os.environ.get("DBUS_SYSTEM_BUS_ADDRESS")
    os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = bus.address
    mock = SystemdMock()
    try:
        mock.connect()
        yield bus, mock
    finally:
        mock.close()
        bus.stop()
        if before is None:
            del os.environ["DBUS_SYSTEM_BUS_ADDRESS"]
        else:
            os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = before
