"""Reading one device: its blocks, retries, refused registers, and how it is."""

import time
from collections.abc import Callable
from typing import NamedTuple

from sja_units import journal
from sja_units.acquisition.backoff import BackOff
from sja_units.acquisition.config import Device
from sja_units.acquisition.modbus import Link, LinkFault, Refusal, Request, make_request
from sja_units.acquisition.plan import Block, Limits, halve, plan_blocks

RETRY_REFUSED_SECONDS = 60.0
TELL_LOST_SECONDS = 3600.0
_REFUSED = (1, 2, 3, 4)
_UNREACHABLE = (10, 11)  # a gateway speaks for a unit that is away
_NAMED_AT_MOST = 5


class Answer(NamedTuple):
    """The data of one block, and when it came."""

    block: Block
    data: bytes
    monotonic_ns: int


class DeviceReader:
    """Reads one device; the poller's thread calls it, others only look at its public fields."""

    def __init__(self, device: Device, allow: Callable[[float], None]) -> None:
        """allow: is told, before each step that can block, how many seconds it may take."""
        self.device = device
        self.state = "disconnected"
        self.message = "not read yet"
        self.consecutive_failures = 0
        self.busy = 0
        self.stopping = False
        self._allow = allow
        self._limits = Limits(device.max_registers, device.max_gap)
        self._refused: dict[int, tuple[str, float]] = {}  # point -> why, when to try again
        self._cuts: set[tuple[str, int]] = set()
        self._requests: dict[Block, Request] = {}
        self._back_off = BackOff()
        self._lost_at = 0.0
        self._tell_at = 0.0
        self.blocks: list[Block] = []
        self._plan()

    def _plan(self) -> None:
        without = frozenset(self._refused)
        self.blocks = plan_blocks(
            self.device.points, self._limits, without=without, cuts=self._cuts
        )
        self._requests.clear()

    def is_due(self) -> bool:
        """Tell whether a device that was lost is to be tried again."""
        return self._back_off.is_due()

    def bad_registers(self) -> list[str]:
        """Return what the device refuses, each with its place, its point and the reason."""
        refused = sorted(self._refused.copy().items())
        return [f"{self._describe(point)}: {why}" for point, (why, _) in refused]

    def _describe(self, index: int) -> str:
        point = self.device.points[index]
        last = f"-{point.end - 1}" if point.size > 1 else ""
        return f"{point.table} {point.address}{last} ({point.name})"

    def read(self, link: Link) -> list[Answer]:
        """Return what the device answered in this cycle; its state says what it did not.

        Raises LinkFault only where the endpoint itself is away.
        """
        answers: list[Answer] = []
        known = set(self._refused)
        cuts = len(self._cuts)
        try:
            for block in self.blocks:
                self._read_block(link, block, answers)
            self._retry_refused(link, answers)
        except LinkFault as fault:
            self._note_lost(fault.state, str(fault))
            if fault.at_connect:
                raise
        else:
            self._note_answers(answers)
        if known != set(self._refused) or cuts != len(self._cuts):
            self._tell_refused(known)
            self._plan()
        return answers

    def _read_block(self, link: Link, block: Block, answers: list[Answer]) -> bool:
        """Read a block, its halves where it is refused; True if it was not read as a whole."""
        try:
            data = self._ask(link, block)
        except Refusal as refusal:
            return self._divide(link, block, answers, refusal)
        answers.append(Answer(block, data, time.monotonic_ns()))
        return False

    def _divide(self, link: Link, block: Block, answers: list[Answer], refusal: Refusal) -> bool:
        if refusal.code in _UNREACHABLE:
            raise LinkFault("timeout", str(refusal))
        if refusal.code not in _REFUSED:
            self.busy += 1
            self.message = str(refusal)
            return True
        if len(block.points) == 1:
            again = time.monotonic() + RETRY_REFUSED_SECONDS
            self._refused[block.points[0]] = (str(refusal), again)
            return True
        halves = halve(block, self.device.points)
        # Both are read, whatever the first one says.
        found = [self._read_block(link, half, answers) for half in halves]
        if not any(found):
            # Each half is fine: what lies between them, or the sheer number, was refused.
            self._cuts.add((block.table, halves[1].address))
        return True

    def _retry_refused(self, link: Link, answers: list[Answer]) -> None:
        """Try one register that was refused a while ago."""
        now = time.monotonic()
        due = next((i for i, (_, again) in self._refused.items() if again <= now), None)
        if due is None or self.stopping:
            return
        point = self.device.points[due]
        block = Block(point.table, point.address, point.size, (due,))
        del self._refused[due]
        if not self._read_block(link, block, answers):
            journal.notice(f"{self.device.name}: {self._describe(due)} answers again")

    def _ask(self, link: Link, block: Block) -> bytes:
        """Return a block's data; tries as often as configured where no answer can be trusted."""
        request = self._requests.get(block)
        if request is None:
            request = make_request(block.table, block.address, block.size)
            self._requests[block] = request
        # One that is known to be away costs its neighbours no more than one try.
        tries = 1 + (0 if self.consecutive_failures else self.device.retries)
        while True:
            tries -= 1
            # To connect, for an answer to an older request until twice its timeout, for this one.
            self._allow(self.device.timeout * 4)
            try:
                return link.read(self.device.unit_id, request, self.device.timeout)
            except LinkFault:
                if not tries or self.stopping:
                    raise

    def note_endpoint_lost(self, fault: LinkFault) -> None:
        """Take note that the way to the device is closed, so that it was not even asked."""
        self._note_lost(fault.state, str(fault))

    def _note_lost(self, state: str, message: str) -> None:
        now = time.monotonic()
        if not self.consecutive_failures:
            self._lost_at, self._tell_at = now, now + TELL_LOST_SECONDS
            journal.warning(f"{self.device.name}: lost: {message}; it is tried again and again")
        elif now >= self._tell_at:
            self._tell_at = now + TELL_LOST_SECONDS
            journal.warning(
                f"{self.device.name}: lost for {(now - self._lost_at) / 3600:.0f} h, "
                f"{self.consecutive_failures} cycles failed: {message}"
            )
        self.consecutive_failures += 1
        self.state, self.message = state, message
        self._back_off.fail()

    def _note_answers(self, answers: list[Answer]) -> None:
        if not answers:
            refuses_all = len(self._refused) == len(self.device.points)
            self._note_lost("error", "it refuses all registers" if refuses_all else self.message)
            self._back_off.reset()  # it does answer: asking again costs nobody anything
            return
        if self.consecutive_failures:
            away = time.monotonic() - self._lost_at
            journal.notice(
                f"{self.device.name}: back after {away:.0f} s "
                f"({self.consecutive_failures} cycles failed)"
            )
        self.state, self.message = "healthy", ""
        self.consecutive_failures = 0
        self._back_off.reset()

    def _tell_refused(self, known: set[int]) -> None:
        new = [
            f"{self._describe(i)}: {why}"
            for i, (why, _) in sorted(self._refused.items())
            if i not in known
        ]
        if new:
            more = f" and {len(new) - _NAMED_AT_MOST} more" if len(new) > _NAMED_AT_MOST else ""
            journal.warning(
                f"{self.device.name}: left out, tried again every {RETRY_REFUSED_SECONDS:.0f} s: "
                + ", ".join(new[:_NAMED_AT_MOST])
                + more
            )
