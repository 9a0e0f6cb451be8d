"""Reading one device: its requests, repeats, and what it refuses.

Which exception codes mean what: MODBUS Application Protocol V1.1b3, 7, modbus.org.
"""

import time
from typing import NamedTuple

from sja_units.acquisition.config import Device
from sja_units.acquisition.modbus.link import ExceptionResponse, Link, LinkError
from sja_units.acquisition.modbus.steps import Steps, sleep_until
from sja_units.acquisition.points.plan import ReadRequest, split
from sja_units.acquisition.poll.device_state import DeviceState
from sja_units.acquisition.poll.read_plan import ReadPlan

DIVIDING = (1, 2, 3)  # these speak of what was asked; all others of how the device is
_BUSY = (5, 6)
UNREACHABLE = (10, 11)  # a gateway speaks for a unit that is away
_BUSY_SECONDS = 0.02
REFUSALS_A_CYCLE = 64
"""Enough to find several bad registers; a device that refuses all must not hold up the others."""
_SILENCES_A_CYCLE = 2  # from a device that has not answered yet in this cycle
_SAMPLED_CYCLES = 10


class Answer(NamedTuple):
    """The data of one request, and when it came."""

    block: ReadRequest
    data: bytes
    monotonic_ns: int


class DeviceReader:
    """Reads one device; its poller calls it, others only look at its public fields."""

    def __init__(self, device: Device, *, is_shared: bool = False) -> None:
        """is_shared: other devices wait for their turn at the same endpoint."""
        self.device = device
        self.state = DeviceState(device.name)
        self.plan = ReadPlan(device)
        self.busy = 0
        self.stopping = False
        self._is_shared = is_shared
        self._refusals = 0  # in this cycle
        self._silences = 0  # in this cycle
        self._last_error: LinkError | None = None  # of this cycle
        self._sampled = 0  # for so many cycles it counts as one that answers

    def read(self, link: Link) -> Steps[list[Answer]]:
        """Return what the device answered in this cycle; its state says what it did not.

        Raises LinkError only where the endpoint itself is away, and nothing was read before.
        """
        answers: list[Answer] = []
        self._refusals = self._silences = 0
        self._last_error = None
        self._sampled = max(0, self._sampled - 1)
        self.plan.bad_registers.drop_old_cut()
        self.plan.refresh()
        try:
            yield from self._read_all(link, answers)
        except LinkError as error:
            self.state.is_silent = not error.at_connect
            self.state.note_lost(error.state, str(error))
            if error.at_connect and not answers:
                raise
        else:
            self._note_answers(answers)
        self.plan.refresh()
        return answers

    def _read_all(self, link: Link, answers: list[Answer]) -> Steps[None]:
        yield from self._sample(link, answers)
        for request in self.plan.list_due():
            yield from self._read_request(link, request, answers)
        if self._last_error and not answers:
            raise self._last_error
        yield from self._retry_left_out(link, answers)

    def _sample(self, link: Link, answers: list[Answer]) -> Steps[None]:
        """Ask a device that was always silent for one point: requests may reach what it lacks.

        Many a device is silent where others refuse.
        """
        failures = self.state.consecutive_failures
        unanswered = self.plan.list_unanswered() if failures % 2 else []
        if not unanswered:
            return
        request = unanswered[failures // 2 % len(unanswered)]
        point = request.points[failures // 2 // len(unanswered) % len(request.points)]
        (single,) = self.plan.plan_only({point})
        if (yield from self._read_request(link, single, answers)):
            self._sampled = _SAMPLED_CYCLES
            for each in unanswered:
                self.plan.divide_silent(each)
            self.plan.refresh()

    def _read_request(
        self, link: Link, request: ReadRequest, answers: list[Answer], *, at_once: bool = False
    ) -> Steps[bool]:
        """Read a request, in parts where it is refused; return whether it was read as a whole.

        at_once: it is known to hold something bad, and is divided whatever the device says.
        """
        try:
            data = yield from self._ask(link, request, is_doubtful=at_once)
        except ExceptionResponse as response:
            if response.code not in UNREACHABLE:
                return (yield from self._divide(link, request, answers, response, at_once))
            self._note_silence(request, answers, LinkError("timeout", str(response)))
            return False
        except LinkError as error:
            if error.at_connect:
                raise
            self._note_silence(request, answers, error)
            return False
        self.plan.note_answer(request)
        answers.append(Answer(request, data, time.monotonic_ns()))
        return True

    def _divide(
        self,
        link: Link,
        request: ReadRequest,
        answers: list[Answer],
        response: ExceptionResponse,
        at_once: bool,
    ) -> Steps[bool]:
        self._refusals += 1
        self.state.message = why = str(response)
        is_single = len(request.points) == 1
        at_once = at_once or response.code in DIVIDING
        if is_single or not at_once:
            at_once = self.plan.note_failure(request, why)
        if is_single:
            if at_once or self.plan.is_left_out(request):
                self.plan.leave_out(request, why)
            return False
        if not at_once or self._refusals >= REFUSALS_A_CYCLE:
            return False  # a later cycle goes on
        halves = split(request, self.device.points)
        # Both are read, whatever the first one says.
        first = yield from self._read_request(link, halves[0], answers, at_once=True)
        second = yield from self._read_request(link, halves[1], answers, at_once=True)
        if first and second:
            self.plan.note_divided(halves)
        return False

    def _note_silence(self, request: ReadRequest, answers: list[Answer], error: LinkError) -> None:
        """Take note of a request without an answer. Raises it where the device is lost by that."""
        self._last_error = error
        self._silences += 1
        is_alive = bool(answers or self._sampled)
        is_lasting = self.plan.note_failure(request, str(error), is_alive=is_alive)
        if is_alive:
            if len(request.points) > 1 and is_lasting:
                self.plan.divide_silent(request)
            elif is_lasting or self.plan.is_left_out(request):
                self.plan.leave_out(request, str(error))
        elif self.state.consecutive_failures or self._silences >= _SILENCES_A_CYCLE:
            raise error

    def _retry_left_out(self, link: Link, answers: list[Answer]) -> Steps[None]:
        """Try one point that was refused a while ago; if it answers, all the others as well."""
        if self.stopping or (due := self.plan.bad_registers.take_due()) is None:
            return
        begin = len(answers)
        try:
            yield from self._read_only(link, {due}, answers)
            # A device that boots may have refused everything: one answer tells that it is up.
            if len(answers) > begin:
                yield from self._read_only(link, self.plan.bad_registers.points - {due}, answers)
        finally:
            for answer in answers[begin:]:
                self.plan.take_back(answer.block.points)

    def _read_only(self, link: Link, points: set[int], answers: list[Answer]) -> Steps[None]:
        for request in self.plan.plan_only(points):
            yield from self._read_request(link, request, answers, at_once=True)

    def _ask(self, link: Link, request: ReadRequest, *, is_doubtful: bool) -> Steps[bytes]:
        """Return a request's data; tries as often as configured where no answer can be trusted."""
        encoded = self.plan.encode(request)
        tries = 1 + self._count_repeats(request, is_doubtful=is_doubtful)
        while True:
            tries -= 1
            try:
                return (yield from link.exchange(self.device.unit_id, encoded, self.device.timeout))
            except LinkError:
                if tries <= 0 or self.stopping:
                    raise
            except ExceptionResponse as response:
                self.busy += response.code in _BUSY
                if response.code in DIVIDING or tries <= 0 or self.stopping:
                    raise
                if response.code in _BUSY:
                    yield from sleep_until(time.monotonic() + _BUSY_SECONDS)

    def _count_repeats(self, request: ReadRequest, *, is_doubtful: bool) -> int:
        """Return how often to repeat; what is known to be away costs the others no more than once.

        Of what has just been refused, a repeat would say the same.
        """
        state = self.state
        is_new = self._is_shared and not state.has_answered
        is_away = is_new or state.consecutive_failures or self._silences
        if is_doubtful or is_away or self.plan.has_failed(request):
            return 0
        return self.device.retries

    def note_endpoint_lost(self, error: LinkError) -> None:
        """Take note that the way to the device is closed, so that it was not even asked."""
        self.state.note_lost(error.state, str(error))

    def _note_answers(self, answers: list[Answer]) -> None:
        if answers:
            self.state.note_answer(self.plan.describe_failures())
            return
        refuses_all = len(self.plan.bad_registers) == len(self.device.points)
        self.state.note_refusing("it refuses all registers" if refuses_all else self.state.message)
