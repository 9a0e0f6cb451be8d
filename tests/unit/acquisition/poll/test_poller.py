"""What the units behind one endpoint cost each other."""

import math
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sja_units.acquisition.config import AcquisitionConfig
from sja_units.acquisition.modbus.link import LinkError, Request
from sja_units.acquisition.modbus.steps import Steps, sleep_until
from sja_units.acquisition.poll import poller as poll
from sja_units.acquisition.poll.inbox import Inbox
from sja_units.acquisition.poll.poller import Poller
from sja_units.acquisition.poll.threads import PollLoop
from sja_units.config.job_file import parse
from tests.waiting import wait_for

UNIT = """
[[device]]
name = "unit{unit}"
transport = "rtu-over-tcp"
host = "192.0.2.1"
unit_id = {unit}
point = [{{ name = "a", table = "holding", address = 0, type = "uint16" }}]
"""


class SilentFirstUnit:
    """A link on which unit 1 does not answer, and nobody knows whether it still will."""

    def __init__(self) -> None:
        self.reads: Counter[int] = Counter()

    def exchange(self, unit: int, request: Request, timeout: float) -> Steps[bytes]:
        yield from ()
        del timeout
        self.reads[unit] += 1
        if unit == 1:
            raise LinkError("timeout", "no answer")
        return bytes(request.size)

    def drained_at(self, unit: int) -> float:
        return math.inf if unit == 1 and self.reads[1] else 0.0

    def close(self) -> None:
        pass


class OneDeafTable:
    """A link to one unit that is silent to reads of coils, as many are to what they do not know."""

    def __init__(self) -> None:
        self.reads: Counter[int] = Counter()

    def exchange(self, unit: int, request: Request, timeout: float) -> Steps[bytes]:
        yield from ()
        del unit, timeout
        self.reads[request.pdu[0]] += 1
        if request.pdu[0] == 1:
            raise LinkError("timeout", "no answer")
        return bytes(request.size)

    def drained_at(self, unit: int) -> float:
        del unit
        return math.inf if self.reads[1] else 0.0

    def close(self) -> None:
        pass


def test_two_devices_of_one_unit_are_both_read(monkeypatch: pytest.MonkeyPatch) -> None:
    link = OneDeafTable()
    monkeypatch.setattr(poll, "open_link", lambda *_: link)
    first, second = UNIT.format(unit=1), UNIT.format(unit=1).replace("unit1", "again")
    first = first.replace("holding", "coil").replace("uint16", "bool")
    settings = parse("acquisition", f'[sink]\ntype = "local"\n{first}{second}', "x.toml").settings
    assert isinstance(settings, AcquisitionConfig)
    inbox = Inbox(lambda: None)
    poller = PollLoop([Poller(settings.devices, 0.01, 0.0, inbox)], inbox)
    poller.start()
    wait_for(lambda: link.reads[3] > 10, "many cycles")
    poller.stop()
    poller.join()


@pytest.mark.slow
def test_nobody_waits_between_cycles_for_what_may_come_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    link = SilentFirstUnit()
    monkeypatch.setattr(poll, "open_link", lambda *_: link)
    text = '[sink]\ntype = "local"\n' + "".join(UNIT.format(unit=unit) for unit in (1, 2))
    settings = parse("acquisition", text, "x.toml").settings
    assert isinstance(settings, AcquisitionConfig)
    inbox = Inbox(lambda: None)
    poller = PollLoop([Poller(settings.devices, 0.01, 0.0, inbox)], inbox)
    poller.start()
    wait_for(lambda: link.reads[2] > 300, "many cycles")  # its back-off is over for long then
    poller.stop()
    poller.join()
    assert link.reads[1] == 1


class Gateway:
    """A link to many units, of which some are silent for all the time that they are given."""

    def __init__(self, silent: set[int]) -> None:
        self.silent = silent
        self.reads: Counter[int] = Counter()
        self.connected = True

    def exchange(self, unit: int, request: Request, timeout: float) -> Steps[bytes]:
        if not self.connected:
            raise LinkError("disconnected", "no route to host", at_connect=True)
        self.reads[unit] += 1
        if unit in self.silent:
            yield from sleep_until(time.monotonic() + timeout)
            raise LinkError("timeout", f"no answer within {timeout} s")
        return bytes(request.size)

    def drained_at(self, _unit: int) -> float:
        return 0.0

    def close(self) -> None:
        pass


@contextmanager
def polling(
    monkeypatch: pytest.MonkeyPatch, link: Gateway, units: int
) -> Iterator[tuple[Poller, Gateway]]:
    monkeypatch.setattr(poll, "open_link", lambda *_: link)
    text = '[sink]\ntype = "local"\n' + "".join(UNIT.format(unit=1 + i) for i in range(units))
    text = text.replace("unit_id", 'timeout = "50ms"\nunit_id')
    settings = parse("acquisition", text, "x.toml").settings
    assert isinstance(settings, AcquisitionConfig)
    inbox = Inbox(lambda: None)
    poller = Poller(settings.devices, 0.05, time.monotonic(), inbox)
    thread = PollLoop([poller], inbox)
    thread.start()
    yield poller, link
    thread.stop()
    thread.join()


@pytest.mark.slow
def test_silent_units_behind_a_gateway_cost_the_living_a_tenth_of_the_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    silent = set(range(1, 30, 2))
    with polling(monkeypatch, Gateway(silent), 30) as (poller, link):
        wait_for(lambda: all(link.reads[unit] for unit in range(1, 31)), "each to be asked once")
        before = sum(link.reads[unit] for unit in silent)
        began = time.monotonic()
        living = link.reads[30]
        wait_for(lambda: link.reads[30] > living + 100, "many cycles")
        asked = sum(link.reads[unit] for unit in silent) - before
        assert asked * 0.05 <= 0.1 * (time.monotonic() - began) + 0.05
        assert asked > 0
        assert [r.state.condition for r in poller.readers[:2]] == ["timeout", "healthy"]


@pytest.mark.slow
def test_all_units_of_a_gateway_that_was_cut_off_are_back_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with polling(monkeypatch, Gateway(set()), 30) as (poller, link):
        wait_for(lambda: link.reads[30] > 3, "cycles")
        link.silent = set(range(1, 31))
        wait_for(lambda: all(r.state.is_silent for r in poller.readers), "silence")
        link.silent = set()
        cycles = poller.cycles
        wait_for(lambda: not any(r.state.is_silent for r in poller.readers), "answers")
        link.connected = False
        wait_for(lambda: all(r.state.consecutive_failures for r in poller.readers), "no way")
        link.connected = True
        wait_for(lambda: not any(r.state.consecutive_failures for r in poller.readers), "a way")
        assert poller.cycles - cycles < 1500
