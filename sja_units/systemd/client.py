"""systemd over D-Bus: the few calls that are used, typed. The only file that talks D-Bus.

Source: org.freedesktop.systemd1(5). Messages are sent as they are: introspecting a thousand
units, as proxies do, takes seconds.
"""

import asyncio
import os
import re
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

from dbus_next.aio.message_bus import MessageBus
from dbus_next.constants import BusType, MessageType
from dbus_next.errors import AuthError, InvalidAddressError
from dbus_next.message import Message

from sja_units.errors import NotAllowed, SjaError
from sja_units.jobs.state import UnitRow

CALL_SECONDS = 30.0
# The begin hook waits five minutes at most, then the worker has its own time to start.
ORDER_SECONDS = 400.0
# More calls at once bring nothing; a hundred made the bus drop systemd's own connection.
IN_FLIGHT = 10
# Starts under way at once. Each makes a sandbox, whose cost grows with the number of others that
# are being made; but one that takes longer than its turn holds nobody up.
AT_ONCE = 4 * (os.cpu_count() or 1)
TURN_SECONDS = 1.0
WITHDRAWN = "withdrawn"
"""What comes of an order that was not due any more at its turn."""

_NAME = "org.freedesktop.systemd1"
_PATH = "/org/freedesktop/systemd1"
_MANAGER = f"{_NAME}.Manager"
_BUS = "org.freedesktop.DBus"
_REFUSED = (f"{_BUS}.Error.AccessDenied", f"{_BUS}.Error.InteractiveAuthorizationRequired")
# What a manager's signal tells of: the place of the unit's name among its arguments.
_TOLD_BY = {"UnitNew": 0, "UnitRemoved": 0, "JobNew": 2, "JobRemoved": 2}
_ORDERS = {"start": "StartUnit", "stop": "StopUnit", "restart": "RestartUnit"}

T = TypeVar("T")


class Order(NamedTuple):
    """Something to do with a unit: verb is start, stop or restart."""

    verb: str
    unit: str


class Systemd:
    """A connection to the system's systemd. Use it in a `with` block, from one thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._bus: MessageBus | None = None
        self._results: dict[str, str] = {}
        self._waiting: dict[str, asyncio.Future[str]] = {}
        self._is_subscribed = False
        self._told = asyncio.Event()

    def __enter__(self) -> "Systemd":
        try:
            self._bus = self._run(self._connect())
        except (OSError, AuthError, InvalidAddressError, EOFError) as error:
            self._loop.close()
            words = str(error) or f"no answer within {CALL_SECONDS:.0f} s"
            raise SjaError(
                f"D-Bus cannot be reached: {words}", "is dbus running? systemctl status dbus"
            ) from None
        except BaseException:
            self._loop.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._bus is not None:
            self._bus.disconnect()
        unfinished = asyncio.all_tasks(self._loop)
        for task in unfinished:
            task.cancel()
        self._run(_await_all(unfinished))
        self._loop.close()

    def list_units(self, patterns: Iterable[str]) -> list[UnitRow]:
        """Return the units that systemd has in memory and whose names match a pattern."""
        (rows,) = self._run(self._call("ListUnitsByPatterns", "asas", [], list(patterns)))
        return [UnitRow(row[0], row[2], row[3], row[4], row[8]) for row in rows]

    def show(self, units: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return all properties of each unit, of its service part too, by unit."""
        return self._run(self._show_all(list(units)))

    def get_each(self, units: Iterable[str], kind: str, name: str) -> dict[str, int]:
        """Return one number of each unit; kind: its interface, such as Service or Timer."""
        return self._run(self._get_each(list(units), kind, name))

    def order(
        self,
        orders: Iterable[Order],
        done: Callable[[Order, str], None] | None = None,
        is_due: Callable[[Order], bool] | None = None,
        on_rest: Callable[[Order], None] | None = None,
    ) -> dict[str, str]:
        """Carry out orders, all at once, and wait for what comes of each.

        Returns by unit the result of its job: "done" or one of systemd's other words (failed,
        canceled, timeout, dependency, skipped, assert), or what systemd said on refusing it, or
        "withdrawn". done: called with each order and its result as it comes. is_due: asked just
        before an order is given, as they take their turns. on_rest: called before `done` with each
        order whose unit neither runs nor is about to. Raises NotAllowed, and what these raise, once
        all orders were carried out.
        """
        return self._run(self._order_all(list(orders), done, is_due, on_rest))

    def reload(self) -> None:
        """Let systemd read unit files again."""
        self._run(self._call("Reload", ""))

    def reset_failed(self, unit: str) -> None:
        """Let systemd forget that a unit failed."""
        self._run(self._call("ResetFailedUnit", "s", unit))

    def unit_file_state(self, unit: str) -> str:
        """Return "enabled", "disabled" and the like, as `systemctl is-enabled` does."""
        (state,) = self._run(self._call("GetUnitFileState", "s", unit))
        return str(state)

    def watch(self, on_change: Callable[[str], None]) -> None:
        """Have systemd tell of changes from now on, whenever this connection waits.

        on_change: called with the name of a unit whose properties may have changed, "" where any
        may have.
        """
        self._run(self._watch_units(on_change))

    def wait(self, seconds: float, descriptors: Iterable[int] = ()) -> None:
        """Wait for what systemd tells; return after so long, or when a descriptor can be read.

        Raises SjaError when the connection has ended.
        """
        self._run(self._wait(seconds, list(descriptors)))

    @property
    def _connection(self) -> MessageBus:
        if self._bus is None:
            raise RuntimeError("used outside its with block")
        return self._bus

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(work)

    async def _connect(self) -> MessageBus:
        bus = MessageBus(bus_type=BusType.SYSTEM)
        return await asyncio.wait_for(bus.connect(), CALL_SECONDS)

    async def _send(self, message: Message) -> list[Any]:
        try:
            reply = await asyncio.wait_for(self._connection.call(message), CALL_SECONDS)
        except TimeoutError:
            raise SjaError(
                f"systemd did not answer within {CALL_SECONDS:.0f} s ({message.member})"
            ) from None
        except (EOFError, OSError) as error:
            raise SjaError(f"the connection to D-Bus broke: {error}") from None
        if reply is None or reply.message_type is MessageType.ERROR:
            raise _translate(message, reply)
        return list(reply.body)

    async def _call(self, member: str, signature: str, *body: Any) -> list[Any]:
        return await self._send(_message(_NAME, _PATH, _MANAGER, member, signature, *body))

    async def _show_all(self, units: list[str]) -> dict[str, dict[str, Any]]:
        gate = asyncio.Semaphore(IN_FLIGHT)

        async def show(unit: str) -> dict[str, Any]:
            async with gate:
                (path,) = await self._call("LoadUnit", "s", unit)
                message = _message(_NAME, path, f"{_BUS}.Properties", "GetAll", "s", "")
                (properties,) = await self._send(message)
                return {name: variant.value for name, variant in properties.items()}

        shown = await asyncio.gather(*(show(unit) for unit in units))
        return dict(zip(units, shown, strict=True))

    async def _get_each(self, units: list[str], kind: str, name: str) -> dict[str, int]:
        gate = asyncio.Semaphore(IN_FLIGHT)

        async def get(unit: str) -> int:
            async with gate:
                path = f"{_PATH}/unit/{_escape(unit)}"
                body = (f"{_NAME}.{kind}", name)
                message = _message(_NAME, path, f"{_BUS}.Properties", "Get", "ss", *body)
                (variant,) = await self._send(message)
                return int(variant.value)

        numbers = await asyncio.gather(*(get(unit) for unit in units))
        return dict(zip(units, numbers, strict=True))

    async def _order_all(
        self,
        orders: list[Order],
        done: Callable[[Order, str], None] | None,
        is_due: Callable[[Order], bool] | None,
        on_rest: Callable[[Order], None] | None,
    ) -> dict[str, str]:
        await self._watch_jobs()
        gate, turns = asyncio.Semaphore(IN_FLIGHT), asyncio.Semaphore(AT_ONCE)

        async def carry_out(order: Order) -> str:
            async with gate:
                if is_due and not is_due(order):
                    return WITHDRAWN
                try:
                    (path,) = await self._call(_ORDERS[order.verb], "ss", order.unit, "replace")
                except NotAllowed:
                    raise
                except SjaError as error:
                    return error.message
            return await self._wait_for_job(path)

        async def carry_out_in_turn(order: Order) -> str:
            if order.verb == "stop":
                return await carry_out(order)
            async with turns:
                work = asyncio.ensure_future(carry_out(order))
                await asyncio.wait([work], timeout=TURN_SECONDS)
            return await work

        async def carry_out_and_tell(order: Order) -> str:
            result = await carry_out_in_turn(order)
            if on_rest is not None:
                async with gate:
                    rests = await self._is_at_rest(order.unit)
                if rests:
                    on_rest(order)
            if done is not None:
                done(order, result)
            return result

        tasks = [asyncio.ensure_future(carry_out_and_tell(order)) for order in orders]
        await _await_all(tasks)
        return {order.unit: task.result() for order, task in zip(orders, tasks, strict=True)}

    async def _is_at_rest(self, unit: str) -> bool:
        (rows,) = await self._call("ListUnitsByNames", "as", [unit])
        return all(row[3] in ("inactive", "failed") and not row[8] for row in rows)

    async def _watch_jobs(self) -> None:
        # Before the first order: a job may end before the reply that names it has been read.
        if self._is_subscribed:
            return
        self._is_subscribed = True
        self._connection.add_message_handler(self._note_job_end)
        rule = f"type='signal',sender='{_NAME}',interface='{_MANAGER}',member='JobRemoved'"
        await self._send(_message(_BUS, "/org/freedesktop/DBus", _BUS, "AddMatch", "s", rule))
        await self._call("Subscribe", "")

    def _note_job_end(self, message: Message) -> None:
        if message.member != "JobRemoved" or message.interface != _MANAGER:
            return
        _, path, _, result = message.body
        if path in self._waiting:
            self._waiting.pop(path).set_result(result)
        else:
            self._results[path] = result

    async def _watch_units(self, on_change: Callable[[str], None]) -> None:
        def tell(message: Message) -> None:
            if message.message_type is not MessageType.SIGNAL:
                return
            if message.member == "PropertiesChanged":
                unit = _name_unit(message.path)
            elif message.member in _TOLD_BY and message.interface == _MANAGER:
                unit = message.body[_TOLD_BY[message.member]]
            elif message.member == "Reloading":
                unit = ""
            else:
                return
            on_change(unit)
            self._told.set()

        self._connection.add_message_handler(tell)
        self._loop.create_task(self._note_end())
        # A change is told for the unit and once more for its kind of unit: one of them will do.
        properties = (
            f"type='signal',sender='{_NAME}',path_namespace='{_PATH}/unit',"
            f"interface='{_BUS}.Properties',arg0='{_NAME}.Unit'"
        )
        manager = f"type='signal',sender='{_NAME}',path='{_PATH}',interface='{_MANAGER}'"
        for rule in (properties, manager):
            await self._send(_message(_BUS, "/org/freedesktop/DBus", _BUS, "AddMatch", "s", rule))
        await self._call("Subscribe", "")

    async def _note_end(self) -> None:
        with suppress(Exception):  # the library tells of a broken connection by its cause
            await self._connection.wait_for_disconnect()
        self._told.set()

    async def _wait(self, seconds: float, descriptors: list[int]) -> None:
        for descriptor in descriptors:
            self._loop.add_reader(descriptor, self._told.set)
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), max(0.0, seconds))
        finally:
            self._told.clear()
            for descriptor in descriptors:
                self._loop.remove_reader(descriptor)
        if not self._connection.connected:
            raise SjaError("the connection to D-Bus broke", "is dbus being restarted?")

    async def _wait_for_job(self, path: str) -> str:
        if path in self._results:
            return self._results.pop(path)
        future: asyncio.Future[str] = self._loop.create_future()
        self._waiting[path] = future
        try:
            return await asyncio.wait_for(future, ORDER_SECONDS)
        except TimeoutError:
            self._waiting.pop(path, None)
            return f"still not done after {ORDER_SECONDS:.0f} s"


def _message(
    name: str, path: str, interface: str, member: str, signature: str, *body: Any
) -> Message:
    return Message(
        destination=name,
        path=path,
        interface=interface,
        member=member,
        signature=signature,
        body=list(body),
    )


async def _await_all(tasks: Iterable[asyncio.Task[Any]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)


def _name_unit(path: str) -> str:
    """Return the unit of an object: systemd writes what is no letter or digit as _2d and so on."""
    return re.sub("_([0-9a-f]{2})", lambda m: chr(int(m[1], 16)), path.rpartition("/")[2])


def _escape(unit: str) -> str:
    """Return a unit's name as it stands in its object's path: sd_bus_path_encode(3)."""
    return "".join(c if c.isascii() and c.isalnum() else f"_{ord(c):02x}" for c in unit)


def _translate(message: Message, reply: Message | None) -> SjaError:
    if reply is None:
        return SjaError(f"systemd gave no answer ({message.member})")
    words = str(reply.body[0]) if reply.body else str(reply.error_name)
    if reply.error_name in _REFUSED:
        return NotAllowed(
            f"systemd refuses: {words}", "be root, or a member of group sja with polkit installed"
        )
    if reply.error_name == f"{_BUS}.Error.ServiceUnknown":
        return SjaError("systemd does not answer on D-Bus", "is it the init system here?")
    return SjaError(words)
