"""What is asked of a device in a cycle, and what was learnt of its requests."""

import time
from collections import Counter
from collections.abc import Iterable

from sja_units.acquisition.config import Device
from sja_units.acquisition.modbus.link import Request, make_request
from sja_units.acquisition.points.plan import Limits, ReadRequest, plan_requests, split
from sja_units.acquisition.poll.bad_registers import BadRegisters, describe_point

PATIENCE_CYCLES = 3
"""So many cycles in a row tell a property of the device from a mood."""
_REST = 10  # what stays silent beside others costs at most this share of the time


class ReadPlan:
    """The requests of one device, with as few registers between points as it puts up with."""

    def __init__(self, device: Device) -> None:
        self.bad_registers = BadRegisters(device.name, device.points)
        self.requests: list[ReadRequest] = []
        self._device = device
        self._limits = Limits(device.max_registers, device.max_gap)
        self._encoded: dict[ReadRequest, Request] = {}
        self._answered: set[ReadRequest] = set()
        self._failures: Counter[ReadRequest] = Counter()  # cycles in a row without an answer
        self._reasons: dict[ReadRequest, str] = {}
        self._rests_until: dict[ReadRequest, float] = {}
        self._plan()

    def _plan(self) -> None:
        self.requests = self.plan_without(self.bad_registers.points)
        self._encoded.clear()
        self._answered.intersection_update(self.requests)

    def plan_without(self, points: set[int]) -> list[ReadRequest]:
        """Return the requests for all points but those."""
        bounds = self.bad_registers.boundaries
        return plan_requests(self._device.points, self._limits, without=points, boundaries=bounds)

    def plan_only(self, points: set[int]) -> list[ReadRequest]:
        """Return the requests for those points alone."""
        return self.plan_without(set(range(len(self._device.points))) - points)

    def refresh(self) -> None:
        """Plan anew where something was learnt, and tell of it."""
        if self.bad_registers.take_change():
            self.bad_registers.tell()
            self._plan()

    def encode(self, request: ReadRequest) -> Request:
        encoded = self._encoded.get(request)
        if encoded is None:
            encoded = make_request(request.table, request.address, request.size)
            self._encoded[request] = encoded
        return encoded

    def list_due(self) -> list[ReadRequest]:
        """Return what is to be asked in a cycle, what has failed before at the end."""
        if not self._failures:
            return self.requests
        now = time.monotonic()
        due = (each for each in self.requests if self._rests_until.get(each, 0.0) <= now)
        return sorted(due, key=lambda request: self._failures[request])

    def has_failed(self, request: ReadRequest) -> bool:
        return request in self._failures

    def note_answer(self, request: ReadRequest) -> None:
        self._answered.add(request)
        if not self._failures:
            return
        answered = set(request.points)
        for other in [each for each in self._failures if answered.issuperset(each.points)]:
            del self._failures[other]
            self._reasons.pop(other, None)
            self._rests_until.pop(other, None)

    def note_failure(self, request: ReadRequest, why: str, *, is_alive: bool = True) -> bool:
        """Take note of a cycle without an answer; tell whether that has been so for long.

        is_alive: the device answers else. Of one that is away nothing is learnt about a point.
        """
        if is_alive or len(request.points) > 1:
            self._failures[request] += 1
        else:
            self._failures[request] = 1  # it is asked after the others
        self._reasons[request] = why
        return self._failures[request] >= PATIENCE_CYCLES

    def leave_out(self, request: ReadRequest, why: str) -> None:
        """Ask for that one point no more, until it is tried again."""
        self._failures.pop(request, None)
        self._reasons.pop(request, None)
        self.bad_registers.refuse(request.points[0], why)

    def is_left_out(self, request: ReadRequest) -> bool:
        return self.bad_registers.points.issuperset(request.points)

    def note_divided(self, halves: tuple[ReadRequest, ReadRequest]) -> None:
        """Take note that both halves are fine: what lies between them was refused, or the number.

        As it costs nothing but a request, it is tried again as a whole later.
        """
        self.bad_registers.cut(halves[1].table, halves[1].address)

    def divide_silent(self, request: ReadRequest) -> None:
        """Ask in two halves from now on; where it was answered as a whole once, more rarely."""
        if request in self._answered:
            self._rests_until[request] = time.monotonic() + _REST * self._device.timeout
            return
        halves = split(request, self._device.points)
        self.bad_registers.cut_for_good(halves[1].table, halves[1].address)
        self._failures.pop(request, None)
        self._reasons.pop(request, None)
        for half in halves:
            self._failures[half] = PATIENCE_CYCLES - 1 if len(half.points) > 1 else 0

    def list_unanswered(self) -> list[ReadRequest]:
        """Return requests with several points that have been silent for long, and always."""
        return [
            request
            for request in self.requests
            if self._failures[request] >= PATIENCE_CYCLES
            and len(request.points) > 1
            and request not in self._answered
        ]

    def describe_failures(self) -> str:
        """Return what has not been answered for long although the device answers else, or ""."""
        failed = [r for r in self.requests if self._failures[r] >= PATIENCE_CYCLES]
        if not failed:
            return ""
        first = describe_point(self._device.points[failed[0].points[0]])
        share = f"{len(failed)} of {len(self.requests)} requests"
        return f"{share} without an answer, first that of {first}: {self._reasons[failed[0]]}"

    def take_back(self, points: Iterable[int]) -> None:
        """Take note that these, which were left out, have been read."""
        self.bad_registers.take_back(points)
