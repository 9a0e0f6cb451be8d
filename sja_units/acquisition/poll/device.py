"""Reading one device: its blocks, retries, refused registers, and how it is."""

import time
from typing import NamedTuple

from sja_units.acquisition.backoff import BackOff
from sja_units.acquisition.config import Device
from sja_units.acquisition.modbus.link import (
    ExceptionResponse,
    Link,
    LinkError,
    Request,
    make_request,
)
from sja_units.acquisition.modbus.steps import Steps
from sja_units.acquisition.points.plan import Limits, ReadRequest, plan_requests, split
from sja_units.acquisition.poll.bad_registers import BadRegisters, describe_point
from sja_units.runtime import log
from sja_units.text import count

TELL_LOST_SECONDS = 3600.0
_BUSY = (5, 6)
_UNREACHABLE = (10, 11)  # a gateway speaks for a unit that is away
BUSY_CYCLES = 5
"""A block that is busy in so many cycles in a row is a fault of its device."""
REFUSALS_A_CYCLE = 64
"""Enough to find several bad registers; a device that refuses all must not hold up the others."""


class Answer(NamedTuple):
    """The data of one block, and when it came."""

    block: ReadRequest
    data: bytes
    monotonic_ns: int


class DeviceReader:
    """Reads one device; its poller calls it, others only look at its public fields."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.state = "disconnected"
        self.message = "not read yet"
        self.consecutive_failures = 0
        self.busy = 0
        self.stopping = False
        self._limits = Limits(device.max_registers, device.max_gap)
        self._bad_registers = BadRegisters(device.name, device.points)
        self._refusals = 0  # in this cycle
        self._busy_cycles: dict[ReadRequest, int] = {}  # in a row, up to this one
        self._was_busy = self._busy_cycles
        self._requests: dict[ReadRequest, Request] = {}
        self._back_off = BackOff()
        self._lost_at = 0.0
        self._tell_at = 0.0
        self.blocks: list[ReadRequest] = []
        self._plan()

    def _plan(self) -> None:
        self.blocks = self._plan_without(self._bad_registers.points)
        self._requests.clear()

    def _plan_without(self, points: set[int]) -> list[ReadRequest]:
        boundaries = self._bad_registers.boundaries
        return plan_requests(
            self.device.points, self._limits, without=points, boundaries=boundaries
        )

    def is_due(self) -> bool:
        """Tell whether a device that was lost is to be tried again."""
        return self._back_off.is_due()

    def bad_registers(self) -> list[str]:
        """Return what the device refuses, each with its place, its point and the reason."""
        return self._bad_registers.describe()

    def read(self, link: Link) -> Steps[list[Answer]]:
        """Return what the device answered in this cycle; its state says what it did not.

        Raises LinkError only where the endpoint itself is away, and nothing was read before.
        """
        answers: list[Answer] = []
        self._refusals = 0
        self._was_busy, self._busy_cycles = self._busy_cycles, {}
        self._bad_registers.drop_old_cut()
        self._plan_if_changed()
        try:
            for block in self.blocks:
                yield from self._read_block(link, block, answers)
            yield from self._retry_left_out(link, answers)
        except LinkError as fault:
            self._note_lost(fault.state, str(fault))
            if fault.at_connect and not answers:
                raise
        else:
            self._note_answers(answers)
        self._plan_if_changed()
        return answers

    def _plan_if_changed(self) -> None:
        if self._bad_registers.take_change():
            self._bad_registers.tell()
            self._plan()

    def _read_block(self, link: Link, block: ReadRequest, answers: list[Answer]) -> Steps[bool]:
        """Read a block, its halves where it is refused; True if it was not read as a whole."""
        try:
            data = yield from self._ask(link, block)
        except ExceptionResponse as refusal:
            return (yield from self._divide(link, block, answers, refusal))
        answers.append(Answer(block, data, time.monotonic_ns()))
        return False

    def _divide(
        self, link: Link, block: ReadRequest, answers: list[Answer], refusal: ExceptionResponse
    ) -> Steps[bool]:
        if refusal.code in _UNREACHABLE:
            raise LinkError("timeout", str(refusal))
        self.message = str(refusal)
        if refusal.code in _BUSY:
            self.busy += 1
            self._busy_cycles[block] = self._was_busy.get(block, 0) + 1
            return True
        self._refusals += 1
        if len(block.points) == 1:
            self._bad_registers.refuse(block.points[0], str(refusal))
            return True
        if self._refusals >= REFUSALS_A_CYCLE:
            return True  # the next cycle goes on
        halves = split(block, self.device.points)
        # Both are read, whatever the first one says.
        found = yield from self._read_block(link, halves[0], answers)
        found |= yield from self._read_block(link, halves[1], answers)
        if not found:
            # Each half is fine: what lies between them, or the sheer number, was refused.
            self._bad_registers.cut(block.table, halves[1].address)
        return True

    def _retry_left_out(self, link: Link, answers: list[Answer]) -> Steps[None]:
        """Try one point that was refused a while ago; if it answers, all the others as well."""
        if self.stopping or (due := self._bad_registers.take_due()) is None:
            return
        begin = len(answers)
        try:
            yield from self._read_only(link, {due}, answers)
            # A device that boots may have refused everything: one answer tells that it is up.
            if len(answers) > begin:
                yield from self._read_only(link, self._bad_registers.points - {due}, answers)
        finally:
            for answer in answers[begin:]:
                self._bad_registers.take_back(answer.block.points)

    def _read_only(self, link: Link, points: set[int], answers: list[Answer]) -> Steps[None]:
        others = set(range(len(self.device.points))) - points
        for block in self._plan_without(others):
            yield from self._read_block(link, block, answers)

    def _ask(self, link: Link, block: ReadRequest) -> Steps[bytes]:
        """Return a block's data; tries as often as configured where no answer can be trusted."""
        request = self._requests.get(block)
        if request is None:
            request = make_request(block.table, block.address, block.size)
            self._requests[block] = request
        # One that is known to be away costs its neighbours no more than one try.
        tries = 1 + (0 if self.consecutive_failures else self.device.retries)
        while True:
            tries -= 1
            try:
                return (yield from link.exchange(self.device.unit_id, request, self.device.timeout))
            except LinkError:
                if not tries or self.stopping:
                    raise

    def note_endpoint_lost(self, fault: LinkError) -> None:
        """Take note that the way to the device is closed, so that it was not even asked."""
        self._note_lost(fault.state, str(fault))

    def _note_lost(self, state: str, message: str) -> None:
        now = time.monotonic()
        if not self.consecutive_failures:
            self._lost_at, self._tell_at = now, now + TELL_LOST_SECONDS
            log.warning(f"{self.device.name}: lost: {message}; it is tried again and again")
        elif now >= self._tell_at:
            self._tell_at = now + TELL_LOST_SECONDS
            log.warning(
                f"{self.device.name}: lost for {(now - self._lost_at) / 3600:.0f} h, "
                f"{self.consecutive_failures} cycles failed: {message}"
            )
        self.consecutive_failures += 1
        self.state, self.message = state, message
        self._back_off.fail()

    def _note_answers(self, answers: list[Answer]) -> None:
        if not answers:
            refuses_all = len(self._bad_registers) == len(self.device.points)
            self._note_lost("error", "it refuses all registers" if refuses_all else self.message)
            self._back_off.reset()  # it does answer: asking again costs nobody anything
            return
        if self.consecutive_failures:
            away = time.monotonic() - self._lost_at
            log.notice(
                f"{self.device.name}: back after {away:.0f} s "
                f"({self.consecutive_failures} cycles failed)"
            )
        stuck = [block for block, cycles in self._busy_cycles.items() if cycles >= BUSY_CYCLES]
        if stuck:
            first = describe_point(self.device.points[stuck[0].points[0]])
            requests = count(len(stuck), "request")
            self.state, self.message = "error", f"busy cycle after cycle: {requests}, first {first}"
        else:
            self.state, self.message = "healthy", ""
        self.consecutive_failures = 0
        self._back_off.reset()
