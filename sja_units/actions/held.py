"""What a running job knows of its devices: read from its last cycle, so that nobody disturbs it."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sja_units.acquisition.config import Device
from sja_units.acquisition.modbus.link import LinkCondition, LinkError
from sja_units.acquisition.points.point import Point
from sja_units.acquisition.probe.client import Found, read_point
from sja_units.acquisition.probe.devices import Report, plan_device
from sja_units.actions.last_cycle import LastRequest, read_requests
from sja_units.errors import SjaError
from sja_units.job import Job
from sja_units.jobs.health import read_health

_NOT_THERE = "the running job has not read it: its file was changed, or the device refuses it"
_CONDITIONS: tuple[LinkCondition, ...] = ("error", "timeout", "disconnected")


class Held(NamedTuple):
    """The last cycle of a job that runs."""

    requests: dict[str, list[LastRequest]]  # by device
    states: dict[str, Any]  # what health.json says of each device

    def find(self, device: Device, point: Point) -> Found:
        """Return what a point held; its `fault` says why nobody knows."""
        for request in self.requests.get(device.name, ()):
            if request.holds(point):
                return read_point(point, request.data, point.address - request.address)
        return Found(point, (), None, self._find_fault(device, point))

    def find_time(self, device: Device) -> str:
        """Return when a device was read last, "" if it never was."""
        return max((request.time for request in self.requests.get(device.name, ())), default="")

    def words(self, device: Device) -> dict[tuple[str, int], int]:
        """Return all registers and bits of a device, by their places."""
        found: dict[tuple[str, int], int] = {}
        for request in self.requests.get(device.name, ()):
            found |= request.words()
        return found

    def find_link_error(self, device: Device) -> LinkError | None:
        """Return why a device as a whole cannot be read."""
        said = self.states.get(device.name)
        state = said.get("state") if isinstance(said, dict) else None
        for known in _CONDITIONS:
            if isinstance(said, dict) and state == known:
                return LinkError(known, str(said.get("message") or "not read"))
        return None

    def _find_fault(self, device: Device, point: Point) -> str:
        said = self.states.get(device.name)
        bad = said.get("bad_registers") if isinstance(said, dict) else None
        for text in bad if isinstance(bad, list) else ():
            if point.name in str(text):
                return str(text)
        return str(self.find_link_error(device) or _NOT_THERE)


def read_held(job: Job) -> Held | None:
    """Return what a job holds that runs and has read something, None for any other."""
    health = read_health(job)
    if not health:
        return None
    try:
        requests = read_requests(job)
    except (SjaError, OSError):
        return None
    states = health.get("devices")
    return Held(requests, states if isinstance(states, dict) else {})


def report_held(held: Held, devices: Sequence[Device]) -> Iterator[Report]:
    """Yield what a running job's last cycle says of each device."""
    for device in devices:
        found = tuple(held.find(device, point) for point in device.points)
        fault = held.find_link_error(device)
        at = held.find_time(device)
        yield Report(device, plan_device(device), found, None, None, fault, read_at=at)
