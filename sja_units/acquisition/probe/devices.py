"""Devices asked once, for a person who wants to know whether a configuration is right.

Nothing is logged or kept: what is found is returned. Endpoints are tried at the same time.
"""

import time
from collections.abc import Iterator, Sequence
from threading import Event, Thread
from typing import NamedTuple

from sja_units.acquisition.config import Device
from sja_units.acquisition.modbus.connect import open_link
from sja_units.acquisition.modbus.link import Link, LinkFault, Refusal
from sja_units.acquisition.points.plan import Block, Limits, halve, plan_blocks
from sja_units.acquisition.points.point import Point
from sja_units.acquisition.probe.client import NO_TIME, Asker, Found, read_point

_GRACE_SECONDS = 1.0


class Report(NamedTuple):
    """What came of trying one device."""

    device: Device
    plan: tuple[Block, ...]
    found: tuple[Found, ...]  # its points, in the order of the file
    first_seconds: float | None  # of the first answer, with the connection before it
    request_seconds: float | None  # the fastest of the others
    fault: LinkFault | None  # why the device as a whole could not be read

    @property
    def is_fine(self) -> bool:
        return self.fault is None and not any(found.fault for found in self.found)


def plan_device(device: Device) -> tuple[Block, ...]:
    """Return the requests of a cycle."""
    return tuple(plan_blocks(device.points, Limits(device.max_registers, device.max_gap)))


def try_devices(devices: Sequence[Device], seconds: float) -> Iterator[Report]:
    """Try all devices for so long altogether; yield what came of each, in their order."""
    deadline = time.monotonic() + seconds
    trials: dict[tuple[object, ...], _Trial] = {}
    for device in devices:
        endpoint = tuple(device.endpoint)
        trials.setdefault(endpoint, _Trial(deadline)).add(device)
    for trial in trials.values():
        trial.start()
    for device in devices:
        yield trials[tuple(device.endpoint)].wait_for(device)


class _Trial(Thread):
    """Tries the devices of one endpoint in turn, through one connection."""

    def __init__(self, deadline: float) -> None:
        super().__init__(daemon=True)  # looking up a name may hang for longer than anybody waits
        self._deadline = deadline
        self._devices: dict[str, Device] = {}
        self._reports: dict[str, Report] = {}
        self._done: dict[str, Event] = {}

    def add(self, device: Device) -> None:
        self._devices[device.name] = device
        self._done[device.name] = Event()

    def wait_for(self, device: Device) -> Report:
        left = self._deadline + _GRACE_SECONDS - time.monotonic()
        self._done[device.name].wait(max(0.0, left))
        report = self._reports.get(device.name)
        return report or _give_up(device, LinkFault("timeout", NO_TIME))

    def run(self) -> None:
        away: LinkFault | None = None
        link = open_link(next(iter(self._devices.values())))
        for name, device in self._devices.items():
            report = _give_up(device, away) if away else _try_device(device, link, self._deadline)
            if report.fault and report.fault.at_connect:
                away = report.fault
            self._reports[name] = report
            if len(self._reports) == len(self._devices):
                link.close()  # before the others go on: the device may allow just one
            self._done[name].set()


def _give_up(device: Device, fault: LinkFault) -> Report:
    found = tuple(Found(point, (), None, str(fault)) for point in device.points)
    return Report(device, plan_device(device), found, None, None, fault)


def _try_device(device: Device, link: Link, deadline: float) -> Report:
    asker = Asker(device, link, deadline)
    plan = plan_device(device)
    found: dict[int, Found] = {}
    fault: LinkFault | None = None
    for block in plan:
        try:
            _read_block(asker, device.points, block, found)
        except LinkFault as lost:
            fault = lost
            break
    why = str(fault) if fault else ""
    points = enumerate(device.points)
    return Report(
        device,
        plan,
        tuple(found.get(i) or Found(point, (), None, why) for i, point in points),
        asker.first_seconds,
        asker.request_seconds,
        fault,
    )


def _read_block(
    asker: Asker, points: Sequence[Point], block: Block, found: dict[int, Found]
) -> None:
    """Read a block; where it is refused its halves, until the bad register stands alone."""
    try:
        data = asker.ask(block.table, block.address, block.size)
    except Refusal as refusal:
        if len(block.points) == 1:
            (index,) = block.points
            found[index] = Found(points[index], (), None, str(refusal))
            return
        for half in halve(block, points):
            _read_block(asker, points, half, found)
        return
    for index in block.points:
        found[index] = read_point(points[index], data, points[index].address - block.address)
