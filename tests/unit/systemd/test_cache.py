"""Answers that are kept until systemd tells that they have changed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sja_units.errors import SjaError
from sja_units.systemd.cache import CachedSystemd
from tests.systemd_mock import Bus, SystemdMock
from tests.waiting import wait_for

ONE = "sja-acquisition@one.service"
OTHER = "cron.service"


@pytest.fixture
def systemd(systemd_mock: SystemdMock, host: Path) -> Iterator[CachedSystemd]:
    systemd_mock.add(ONE, "active", NRestarts=1)
    with CachedSystemd() as opened:
        yield opened


def ask(systemd: CachedSystemd) -> tuple[str, int]:
    (row,) = systemd.list_units(["sja-*"])
    return row.active, systemd.get([ONE], "NRestarts")[ONE]["NRestarts"]


def is_heard(systemd: CachedSystemd) -> bool:
    try:
        systemd.wait(0.05)
    except SjaError:
        return False
    return True


def hear(systemd: CachedSystemd, changes: int) -> None:
    def is_told() -> bool:
        systemd.wait(0.05)
        return systemd.changes > changes

    wait_for(is_told, "a change")


def test_what_has_not_changed_is_asked_once(
    systemd: CachedSystemd, systemd_mock: SystemdMock
) -> None:
    for _ in range(3):
        assert ask(systemd) == ("active", 1)
    assert (systemd_mock.count("ListUnitsByPatterns"), systemd_mock.count("Get")) == (1, 1)


def test_what_has_changed_is_asked_again(systemd: CachedSystemd, systemd_mock: SystemdMock) -> None:
    ask(systemd)
    systemd_mock.units[ONE].properties["NRestarts"] = 2
    systemd_mock.change(ONE, "failed")
    hear(systemd, 0)
    assert ask(systemd) == ("failed", 2)


def test_a_schedule_that_goes_on_is_news(systemd: CachedSystemd, systemd_mock: SystemdMock) -> None:
    name, timer = "NextElapseUSecRealtime", "sja-command@nightly.timer"
    unit = systemd_mock.add(timer, "active", NextElapseUSecRealtime=1)
    assert systemd.get([timer], name)[timer][name] == 1
    unit.properties[name] = 2
    systemd_mock.change(timer, "active")
    hear(systemd, 0)
    assert systemd.get([timer], name)[timer][name] == 2


def test_other_units_are_nobodys_business(
    systemd: CachedSystemd, systemd_mock: SystemdMock
) -> None:
    ask(systemd)
    systemd_mock.add(OTHER)
    systemd_mock.change(OTHER, "active")
    systemd_mock.change(ONE, "failed")
    hear(systemd, 0)
    assert systemd.changes == 1


def test_a_bus_that_is_gone_is_no_news_of_old(
    bus: Bus, systemd: CachedSystemd, systemd_mock: SystemdMock
) -> None:
    ask(systemd)
    bus.stop()
    wait_for(lambda: not is_heard(systemd), "the end")
    with pytest.raises(SjaError):
        ask(systemd)
    bus.start()
    systemd_mock.connect()
    systemd_mock.units[ONE].active = "failed"
    hear(systemd, systemd.changes)
    assert ask(systemd) == ("failed", 1)
