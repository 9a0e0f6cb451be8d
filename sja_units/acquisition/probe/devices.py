"""Devices asked once, for a person who wants to know whether a configuration is right.

Nothing is logged or kept: what is found is returned. Endpoints are tried at the same time.
"""

import time
from collections.abc import Iterator, Sequence
from threading import Event, Thread
from typing import NamedTuple

from sja_units.acquisition.config import Device, find_pacing
from sja_units.acquisition.modbus.connect import open_link
from sja_units.acquisition.modbus.link import ExceptionResponse, Link, LinkError
from sja_units.acquisition.points.plan import Limits, ReadRequest, plan_requests, split
from sja_units.acquisition.points.point import Point
from sja_units.acquisition.probe.client import (
    NO_TIME,
    Found,
    ProbeClient,
    apply_scales,
    read_point,
)

_GRACE_SECONDS = 1.0


class Report(NamedTuple):
    """What came of trying one device."""

    device: Device
    plan: tuple[ReadRequest, ...]
    found: tuple[Found, ...]  # its points, in the order of the file
    first_seconds: float | None  # of the first answer, with the connection before it
    request_seconds: float | None  # the fastest of the others
    fault: LinkError | None  # why the device as a whole could not be read
    read_at: str = ""  # when a running job read it last, where it was not asked now
    is_silent_in_part: bool = False  # it answers, but not every request
    habit: str = ""  # what it ignores, and the key that would help

    @property
    def is_fine(self) -> bool:
        return self.fault is None and not any(found.fault for found in self.found)


def plan_device(device: Device) -> tuple[ReadRequest, ...]:
    """Return the requests of a cycle."""
    return tuple(plan_requests(device.points, Limits(device.max_registers, device.max_gap)))


def try_devices(devices: Sequence[Device], seconds: float) -> Iterator[Report]:
    """Try all devices for so long altogether; yield what came of each, in their order."""
    deadline = time.monotonic() + seconds
    probes: dict[tuple[object, ...], _EndpointProbe] = {}
    for device in devices:
        endpoint = tuple(device.endpoint.key)
        probes.setdefault(endpoint, _EndpointProbe(deadline)).add(device)
    for probe in probes.values():
        probe.start()
    for device in devices:
        yield probes[tuple(device.endpoint.key)].wait_for(device)


class _EndpointProbe(Thread):
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
        return report or _give_up(device, LinkError("timeout", NO_TIME))

    def run(self) -> None:
        away: LinkError | None = None
        devices = list(self._devices.values())
        link = open_link(devices[0].endpoint, find_pacing(devices))
        for name, device in self._devices.items():
            report = _give_up(device, away) if away else _try_device(device, link, self._deadline)
            if report.fault and report.fault.at_connect:
                away = report.fault
            self._reports[name] = report
            if len(self._reports) == len(self._devices):
                link.close()  # before the others go on: the device may allow just one
            self._done[name].set()


def _give_up(device: Device, fault: LinkError) -> Report:
    found = tuple(Found(point, (), None, str(fault)) for point in device.points)
    return Report(device, plan_device(device), found, None, None, fault)


def _try_device(device: Device, link: Link, deadline: float) -> Report:
    client = ProbeClient(device, link, deadline)
    plan = plan_device(device)
    reader = _Reader(client, device.points)
    fault: LinkError | None = None
    for request in plan:
        try:
            reader.read(request)
        except LinkError as lost:
            fault = lost
            break
    why = str(fault) if fault else ""
    points = enumerate(device.points)
    found = [reader.found.get(i) or Found(point, (), None, why) for i, point in points]
    return Report(
        device,
        plan,
        tuple(apply_scales(found)),
        client.first_seconds,
        client.request_seconds,
        fault,
        is_silent_in_part=reader.is_silent_in_part,
        habit=link.habits.describe(),
    )


class _Reader:
    """Reads requests; those that are refused or silent in halves, until what is bad is alone."""

    def __init__(self, client: ProbeClient, points: Sequence[Point]) -> None:
        self.found: dict[int, Found] = {}
        self.is_silent_in_part = False
        self._client = client
        self._points = points

    def read(self, request: ReadRequest) -> None:
        """Find the values of a request's points. Raises LinkError where nobody answers."""
        try:
            data = self._client.ask(request.table, request.address, request.size)
        except ExceptionResponse as response:
            self._divide(request, str(response))
            return
        except LinkError as error:
            if error.at_connect or not self._is_there(request):
                raise
            if request.points[0] not in self.found or len(request.points) > 1:
                self.is_silent_in_part = True
                self._divide(request, str(error))
            return
        for index in request.points:
            point = self._points[index]
            self.found[index] = read_point(point, data, point.address - request.address)

    def _divide(self, request: ReadRequest, why: str) -> None:
        if len(request.points) == 1:
            (index,) = request.points
            self.found[index] = Found(self._points[index], (), None, why)
            return
        for half in split(request, self._points):
            self.read(half)

    def _is_there(self, request: ReadRequest) -> bool:
        """Tell whether the device answers at all, as many a one is silent to what it lacks."""
        if self._client.first_seconds is not None:
            return True
        for index in dict.fromkeys((request.points[0], request.points[-1])):
            point = self._points[index]
            try:
                data = self._client.ask(point.table, point.address, point.size)
            except (ExceptionResponse, LinkError):
                continue
            self.found[index] = read_point(point, data, 0)
            return True
        return False
