"""What the units behind one endpoint cost each other."""

import math
from collections import Counter

import pytest

from sja_units.acquisition.config import AcquisitionConfig
from sja_units.acquisition.modbus.link import LinkError, Request
from sja_units.acquisition.modbus.steps import Steps
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
    monkeypatch.setattr(poll, "open_link", lambda _: link)
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
    monkeypatch.setattr(poll, "open_link", lambda _: link)
    text = '[sink]\ntype = "local"\n' + "".join(UNIT.format(unit=unit) for unit in (1, 2))
    settings = parse("acquisition", text, "x.toml").settings
    assert isinstance(settings, AcquisitionConfig)
    inbox = Inbox(lambda: None)
    poller = PollLoop([Poller(settings.devices, 0.01, 0.0, inbox)], inbox)
    poller.start()
    wait_for(lambda: link.reads[2] > 300, "many cycles")  # its back-off is over for long then
    poller.stop()
    poller.join()
    assert link.reads[1] == 1 + settings.devices[0].retries
