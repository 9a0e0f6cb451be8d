"""Devices asked once, for a person who wants to know whether a configuration is right.

Nothing is logged or kept: what is found is returned. Endpoints are tried at the same time.
"""

import time
from collections.abc import Iterator, Sequence
from threading import Event, Thread
from typing import NamedTuple

from sja_units.acquisition.config import Device
from sja_units.acquisition.decode import Value, make_decoder
from sja_units.acquisition.modbus import Link, LinkFault, Refusal, Request, make_request
from sja_units.acquisition.plan import Block, Limits, halve, plan_blocks
from sja_units.acquisition.points import Point

_UNREACHABLE = (10, 11)  # a gateway speaks for a unit that is away
_GRACE_SECONDS = 1.0
PACE_SECONDS = 0.05
NO_TIME = "not asked: the time was over"


class Found(NamedTuple):
    """What one point holds."""

    point: Point
    words: tuple[int, ...]  # its registers, or its one bit; () where it was not read
    value: Value | None
    fault: str  # why it was not read


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


class Asker:
    """Asks one device through a link, within a time for everything together."""

    def __init__(self, device: Device, link: Link, deadline: float) -> None:
        self._device = device
        self._link = link
        self._deadline = deadline
        self.first_seconds: float | None = None
        self.request_seconds: float | None = None

    def ask(self, table: str, address: int, count: int) -> bytes:
        """Return the data of a request. Raises Refusal, and LinkFault once a repeat failed, too."""
        request = make_request(table, address, count)
        try:
            return self._ask_once(request)
        except LinkFault as fault:
            if fault.at_connect:
                raise
        return self._ask_once(request)

    def _ask_once(self, request: Request) -> bytes:
        began = time.monotonic()
        left = self._deadline - began
        if left <= 0:
            raise LinkFault("timeout", NO_TIME)
        timeout = min(self._device.timeout, left)
        try:
            data = self._link.read(self._device.unit_id, request, timeout)
        except Refusal as refusal:
            if refusal.code in _UNREACHABLE:
                raise LinkFault("timeout", str(refusal)) from None
            self._note(time.monotonic() - began)
            raise
        self._note(time.monotonic() - began)
        return data

    def _note(self, seconds: float) -> None:
        if self.first_seconds is None:
            self.first_seconds = seconds
        else:
            self.request_seconds = min(seconds, self.request_seconds or seconds)


def open_link(device: Device) -> Link:
    """Return the way to a device; the connection opens with the first request."""
    return Link(device.transport, device.host, device.port)


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


def read_point(point: Point, data: bytes, distance: int) -> Found:
    """Return what a point holds, out of the data of a block that begins `distance` before it."""
    if point.is_bits:
        words: tuple[int, ...] = (data[distance >> 3] >> (distance & 7) & 1,)
    else:
        places = range(distance * 2, (distance + point.size) * 2, 2)
        words = tuple(int.from_bytes(data[i : i + 2], "big") for i in places)
    return Found(point, words, make_decoder(point)(data, distance), "")


def try_point(asker: Asker, point: Point) -> Found:
    """Return what a point holds, read by itself as a job would read it. Raises LinkFault."""
    try:
        return read_point(point, asker.ask(point.table, point.address, point.size), 0)
    except Refusal as refusal:
        return Found(point, (), None, str(refusal))


def read_singly(
    asker: Asker, addresses: Sequence[tuple[str, int]]
) -> tuple[dict[tuple[str, int], int], dict[tuple[str, int], str]]:
    """Return what registers or bits hold, and why others could not be read; all by their place.

    One request for each, with a pause after it: some devices do not take more than that well.
    """
    words: dict[tuple[str, int], int] = {}
    faults: dict[tuple[str, int], str] = {}
    for place in addresses:
        try:
            data = asker.ask(*place, 1)
        except (Refusal, LinkFault) as fault:
            faults[place] = str(fault)
            if isinstance(fault, LinkFault) and fault.at_connect:
                break
        else:
            words[place] = data[0] & 1 if len(data) == 1 else int.from_bytes(data, "big")
        time.sleep(PACE_SECONDS)
    return words, faults
