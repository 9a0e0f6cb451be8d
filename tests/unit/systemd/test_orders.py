"""Orders are followed to their results, whatever systemd or the bus do meanwhile."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sja_units.errors import NotAllowed, SjaError
from sja_units.systemd import orders
from sja_units.systemd.bus import ConnectionLost
from sja_units.systemd.client import Systemd
from sja_units.systemd.orders import SKIPPED, WITHDRAWN, Order, OrderResult, run_order, run_orders
from sja_units.systemd.unit import Verb
from tests.systemd_mock import ACCESS_DENIED, Bus, SystemdMock
from tests.waiting import wait_for

ONE = "sja-acquisition@one.service"
TWO = "sja-acquisition@two.service"
NO_REPLY = "org.freedesktop.DBus.Error.NoReply"


@pytest.fixture
def systemd(systemd_mock: SystemdMock, host: Path) -> Iterator[Systemd]:
    with Systemd() as opened:
        yield opened


def carry_out(systemd: Systemd, verb: Verb, *units: str) -> dict[str, str]:
    results = run_orders(systemd, [Order(verb, unit) for unit in units])
    return {result.order.unit: result.result for result in results}


def later(work: Callable[[], None], seconds: float) -> None:
    threading.Timer(seconds, work).start()


@pytest.mark.parametrize("verb", ["start", "stop", "restart"])
@pytest.mark.parametrize("word", ["done", "failed", "timeout", "dependency", "assert"])
def test_the_result_is_systemds_own(
    systemd: Systemd, systemd_mock: SystemdMock, verb: Verb, word: str
) -> None:
    unit = systemd_mock.add(ONE)
    unit.ends[verb] = ("active", word)
    assert run_order(systemd, verb, ONE) == word


def test_results_come_as_they_come(systemd: Systemd, systemd_mock: SystemdMock) -> None:
    systemd_mock.add(ONE).delay = 0.3
    systemd_mock.add(TWO)
    results = run_orders(systemd, [Order("start", ONE), Order("start", TWO)])
    assert [result.order.unit for result in results] == [TWO, ONE]


def test_what_systemd_refuses(systemd: Systemd, systemd_mock: SystemdMock) -> None:
    systemd_mock.add(ONE).refusal = f"Unit {ONE} is masked."
    assert carry_out(systemd, "start", ONE, TWO) == {ONE: f"Unit {ONE} is masked.", TWO: "done"}


def test_what_is_not_allowed_is_raised_once_all_else_is_done(
    systemd: Systemd, systemd_mock: SystemdMock
) -> None:
    refused = systemd_mock.add(ONE)
    refused.refusal, refused.refusal_name = "Access denied", ACCESS_DENIED
    seen: list[OrderResult] = []
    with pytest.raises(NotAllowed):
        seen.extend(run_orders(systemd, [Order("start", ONE), Order("start", TWO)]))
    assert systemd_mock.units[TWO].active == "active"


def test_an_order_that_is_not_due_any_more(systemd: Systemd, systemd_mock: SystemdMock) -> None:
    results = list(run_orders(systemd, [Order("start", ONE)], lambda _: False))
    assert [result.result for result in results] == [WITHDRAWN]
    assert systemd_mock.count("StartUnit") == 0


@pytest.mark.slow
def test_starts_take_turns_and_a_slow_one_holds_nobody_up(
    systemd: Systemd, systemd_mock: SystemdMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "AT_ONCE", 3)
    monkeypatch.setattr(orders, "TURN_SECONDS", 0.3)
    units = [f"sja-acquisition@n{i}.service" for i in range(9)]
    for unit in units:
        systemd_mock.add(unit).delay = 0.05
    systemd_mock.units[units[0]].delay = 1.0
    results = [r.order.unit for r in run_orders(systemd, [Order("start", u) for u in units])]
    assert sorted(results) == units
    assert results[-1] == units[0]
    assert systemd_mock.most_under_way <= 4


CONDITIONS = [
    ["ConditionPathExists", False, True, "/nowhere", -1],
    ["ConditionHost", False, False, "a", 1],
]


@pytest.mark.parametrize("verb", ["start", "restart"])
@pytest.mark.parametrize(
    ("properties", "named"),
    [
        ({"ConditionResult": False, "Conditions": CONDITIONS}, "ConditionPathExists=!/nowhere"),
        # systemd has forgotten what came of them.
        (
            {"ConditionResult": False, "Conditions": [["ConditionHost", True, False, "a", 0]]},
            "ConditionHost=|a",
        ),
        ({"Result": "exec-condition"}, "ExecCondition"),
        ({"LoadState": "masked"}, "masked"),
    ],
)
def test_a_start_that_systemd_skips_is_none(
    systemd: Systemd,
    systemd_mock: SystemdMock,
    verb: Verb,
    properties: dict[str, Any],
    named: str,
) -> None:
    unit = systemd_mock.add(ONE, **properties)
    unit.ends[verb] = ("inactive", "done")
    (result,) = run_orders(systemd, [Order(verb, ONE)])
    assert result.result == SKIPPED
    assert named in result.reason


def test_a_program_that_has_ended_already_was_started(
    systemd: Systemd, systemd_mock: SystemdMock
) -> None:
    systemd_mock.add(ONE).ends["start"] = ("inactive", "done")
    assert run_order(systemd, "start", ONE) == "done"


@pytest.mark.parametrize(
    ("verb", "state", "result"),
    [
        ("start", "active", "done"),
        ("start", "failed", "failed"),
        ("stop", "inactive", "done"),
        ("stop", "active", "canceled"),
        ("restart", "active", "done"),
    ],
)
@pytest.mark.slow
def test_an_end_that_was_told_to_nobody(
    systemd: Systemd,
    systemd_mock: SystemdMock,
    monkeypatch: pytest.MonkeyPatch,
    verb: Verb,
    state: str,
    result: str,
) -> None:
    monkeypatch.setattr(orders, "ASK_SECONDS", 0.2)
    systemd_mock.loses_ends = True
    systemd_mock.add(ONE).ends[verb] = (state, "done")
    assert run_order(systemd, verb, ONE) == result


@pytest.mark.slow
def test_an_answer_that_was_lost_is_no_second_order(
    systemd: Systemd, systemd_mock: SystemdMock
) -> None:
    """systemd has queued the job, but was replaced before it could say so."""
    unit = systemd_mock.add(ONE)
    unit.delay = 0.5
    unit.job, unit.job_type = 77, "restart"
    systemd_mock.once["RestartUnit"] = (NO_REPLY, "gone")
    systemd_mock._loop.call_soon_threadsafe(
        systemd_mock._loop.call_later, 0.5, systemd_mock._finish, unit, 77, "active", "done"
    )
    assert run_order(systemd, "restart", ONE) == "done"
    assert systemd_mock.count("RestartUnit") == 1


def test_an_order_that_was_lost_is_given_again(systemd: Systemd, systemd_mock: SystemdMock) -> None:
    systemd_mock.once["StartUnit"] = (NO_REPLY, "gone")
    assert run_order(systemd, "start", ONE) == "done"
    assert systemd_mock.count("StartUnit") == 2


@pytest.mark.slow
@pytest.mark.slow
def test_the_bus_restarts_while_an_order_is_carried_out(
    bus: Bus, systemd: Systemd, systemd_mock: SystemdMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "ASK_SECONDS", 0.5)
    systemd_mock.add(ONE).delay = 0.5
    systemd_mock.add(TWO).delay = 3.0

    def restart() -> None:
        bus.stop()
        bus.start()
        systemd_mock.connect()

    later(restart, 0.2)
    assert carry_out(systemd, "start", ONE, TWO) == {ONE: "done", TWO: "done"}
    assert systemd_mock.count("StartUnit") == 2


@pytest.mark.slow
def test_systemd_leaves_the_bus_while_an_order_is_carried_out(
    systemd: Systemd, systemd_mock: SystemdMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "ASK_SECONDS", 0.3)
    systemd_mock.add(ONE).delay = 0.6
    later(systemd_mock.disconnect, 0.2)
    later(systemd_mock.connect, 1.0)
    assert run_order(systemd, "start", ONE) == "done"


@pytest.mark.slow
def test_a_bus_that_stays_away_is_one_line(
    bus: Bus, systemd_mock: SystemdMock, host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "ASK_SECONDS", 0.1)
    systemd_mock.add(ONE).delay = 60
    later(bus.stop, 0.2)
    with pytest.raises(ConnectionLost) as caught, Systemd(patience=0.5) as systemd:
        run_order(systemd, "start", ONE)
    assert "D-Bus" in caught.value.message
    assert "\n" not in caught.value.message


def test_no_bus_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/none")
    with pytest.raises(SjaError) as caught, Systemd():
        pass
    assert "D-Bus cannot be reached" in caught.value.message


def test_one_connection_watches_and_orders(systemd: Systemd, systemd_mock: SystemdMock) -> None:
    changed: list[str] = []
    systemd.watch(changed.append)
    assert run_order(systemd, "start", ONE) == "done"
    assert ONE in changed
    changed.clear()
    systemd_mock.change(ONE, "failed")
    wait_for_word(systemd, ONE, changed)
    assert run_order(systemd, "stop", ONE) == "done"


def test_who_watches_learns_that_the_bus_was_away(
    bus: Bus, systemd: Systemd, systemd_mock: SystemdMock
) -> None:
    changed: list[str] = []
    systemd.watch(changed.append)
    bus.stop()
    bus.start()
    systemd_mock.connect()
    wait_for_word(systemd, "", changed)
    systemd_mock.add(ONE)
    systemd_mock.change(ONE, "active")
    wait_for_word(systemd, ONE, changed)


def wait_for_word(systemd: Systemd, unit: str, changed: list[str]) -> None:
    def is_told() -> bool:
        systemd.wait(0.05)
        return unit in changed

    wait_for(is_told, f"a word of {unit!r}")
