"""Brings lines to the database: in the end each value is either written or refused."""

import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeGuard

from sja_units.acquisition.influxdb.api import (
    BadRequest,
    Rejected,
    Result,
    Retry,
    TooLarge,
    Written,
    is_same_refusal,
    would_take_lines,
)
from sja_units.acquisition.influxdb.fields import FieldKey, Fields, split_line
from sja_units.acquisition.influxdb.refusal import Refused, find_named, read_reason, strip_fields
from sja_units.acquisition.influxdb.request_size import RequestSize
from sja_units.acquisition.influxdb.sender import Sender

_TRY_AGAIN_SECONDS = 60.0
_SUSPICIONS = 3
"""A field that no answer has named is left out once so many values in a row were refused."""
_TRIES = 64  # a batch, to find out which fields of a line are refused
_WHOLE_LINE = ("retention", "max-series", "max-values")  # no part of such a line would do


class ReadAgainError(Exception):
    """Newer lines may have come, of which one may be taken."""


class _Known(NamedTuple):
    reason: str
    until: float  # when the field is sent again, to see whether the database was mended


class Delivery:
    """Sends the lines of a batch; only the sink's thread uses it."""

    def __init__(self, sender: Sender) -> None:
        self.size = RequestSize()
        self._sender = sender
        self._refused: list[Refused] = []
        self._known: dict[FieldKey, _Known] = {}
        self._suspects: dict[FieldKey, int] = {}
        self._tries = 0
        self._is_request_fine = False  # so that a refusal is about the lines; known once a batch
        self._said_of_lines: Result | None = None  # what it says of bad lines, and of no lines too
        self._doubts = 0

    def forget_refusals(self) -> None:
        """Send again what was refused: somebody says that the database was mended."""
        self._known.clear()

    def deliver(self, lines: list[bytes]) -> list[Refused]:
        """Return what of the lines was refused; all else is written then.

        Raises StoppedError if told to end, ReadAgainError where all that is sent is refused.
        """
        self._refused = []
        self._tries = _TRIES
        self._is_request_fine = False
        self._deliver_parts(lines)
        return self._refused

    def _deliver_parts(self, lines: list[bytes]) -> None:
        at = 0
        while at < len(lines):
            part = lines[at : at + self.size.lines]
            at += len(part)
            self._deliver(part)

    def _deliver(self, lines: list[bytes]) -> None:
        """Return once each value of the lines is either written or refused."""
        lines = self._strip_known(lines)
        if not lines:
            return
        answer = self._ask(lines)
        if isinstance(answer, TooLarge):
            self._deliver_parts(lines)
        elif isinstance(answer, BadRequest):
            self._divide(lines, answer)

    def _strip_known(self, lines: list[bytes]) -> list[bytes]:
        if not self._known:
            return lines
        now = time.monotonic()
        self._known = {key: known for key, known in self._known.items() if known.until > now}
        stripped = strip_fields(lines, {key: known.reason for key, known in self._known.items()})
        self._refused += stripped.refused
        return stripped.rest

    def _divide(self, lines: list[bytes], answer: BadRequest) -> None:
        """Deliver what an answer does not refuse by name; where it names nothing, each half."""
        named = find_named(answer, lines)
        stripped = strip_fields(lines, named.fields)
        if stripped.refused:
            self._refused += stripped.refused
            self._learn(named.fields)
            self._deliver(stripped.rest)
        elif len(lines) == 1:
            self._divide_line(lines[0], read_reason(answer, lines[0]))
        elif named.lines:
            self._divide_lines(lines, named.lines)
        else:
            middle = len(lines) // 2
            self._deliver(lines[:middle])
            self._deliver(lines[middle:])

    def _divide_lines(self, lines: list[bytes], reasons: dict[int, str]) -> None:
        """Deliver lines of which some are refused, for these reasons."""
        left = dict(enumerate(lines))
        for i, reason in reasons.items():
            if self._divide_line(left.pop(i), reason):
                break  # the others are refused for the same, and are sent without them
        self._deliver(list(left.values()))

    def _learn(self, reasons: Mapping[FieldKey, str]) -> None:
        """Take note of fields that are refused: the next lines are sent without them."""
        until = time.monotonic() + _TRY_AGAIN_SECONDS
        self._known |= {key: _Known(reason, until) for key, reason in reasons.items()}

    def _divide_line(self, line: bytes, reason: str) -> bool:
        """Find the fields for which a line is refused, so that all others are written.

        Return whether the next lines are sent without some.
        """
        parts = split_line(line)
        if not parts or len(parts.fields) == 1 or any(word in reason for word in _WHOLE_LINE):
            self._refused.append(Refused(line, reason))
            return False
        bad = self._find_bad_fields(parts, reason)
        if len(bad) == len(parts.fields):
            # For its time, for instance, which is none of another line's.
            self._refused.append(Refused(line, reason))
            return False
        reasons = {parts.keys[i]: why for i, why in bad.items()}
        self._refused += strip_fields([line], reasons).refused
        for key in reasons:
            self._suspects[key] = self._suspects.get(key, 0) + 1
        proven = {k: why for k, why in reasons.items() if self._suspects[k] >= _SUSPICIONS}
        self._learn(proven)
        return bool(proven)

    def _find_bad_fields(self, parts: Fields, reason: str) -> dict[int, str]:
        """Write all fields of a line that are taken; return the others, with the reason."""
        bad: dict[int, str] = {}
        groups = _halve(range(len(parts.fields)))
        while groups:
            group = groups.pop(0)
            if self._tries <= 0:
                bad |= dict.fromkeys(group, reason)
                continue
            self._tries -= 1
            line = parts.only(group)
            answer = self._ask([line])
            if isinstance(answer, BadRequest) and len(group) == 1:
                bad[group[0]] = read_reason(answer, line)
            elif isinstance(answer, BadRequest):
                groups += _halve(group)
        return bad

    def _ask(self, lines: list[bytes]) -> Written | BadRequest | TooLarge:
        """Send until the database has decided about these very lines."""
        is_doubted = False
        while True:
            answer = self._sender.send(lines)
            if not is_doubted and self._is_unsure(answer, lines):
                is_doubted = True
                answer = self._doubt(answer, lines)
                if isinstance(answer, BadRequest):
                    continue  # the database may have been mended between the two answers
            if isinstance(answer, TooLarge):
                self.size.note_too_large(len(lines))
                if len(lines) == 1:
                    answer = Retry(answer.message)
            if not isinstance(answer, Retry | Rejected):
                break
            self._sender.fail(answer)
            is_doubted = False
            if isinstance(answer, Rejected):
                raise ReadAgainError
        self._sender.recover()
        if isinstance(answer, Written):
            self._note_written(lines)
        return answer

    def _note_written(self, lines: list[bytes]) -> None:
        self._is_request_fine = True
        self.size.note_written(len(lines))
        for parts in map(split_line, lines) if self._suspects else ():
            for key in parts.keys if parts else ():
                self._suspects.pop(key, None)

    def _is_unsure(self, answer: Result, lines: list[bytes]) -> TypeGuard[BadRequest]:
        """Return whether an answer is a refusal that may be about the request, not the lines."""
        if isinstance(answer, BadRequest) and not self._is_request_fine:
            self._is_request_fine = any(find_named(answer, lines))
            return not self._is_request_fine
        return False

    def _doubt(self, answer: BadRequest, lines: list[bytes]) -> BadRequest | Rejected:
        """Return what a refusal of lines means: one that no lines get, too, is of the request."""
        self._is_request_fine = True
        if self._said_of_lines and is_same_refusal(answer, self._said_of_lines):
            return answer
        without = self._sender.send([])
        if not is_same_refusal(without, answer) or would_take_lines(without):
            # Any other answer, such as a 500 to a body that nobody ever sends, holds up no lines.
            self._is_request_fine = not isinstance(without, Retry)
            return answer
        # Where a server says the same to all that it refuses, it may still take a line: the last
        # one first, another one each time.
        self._doubts += 1
        line = lines[-self._doubts % len(lines)]
        if isinstance(self._sender.send([line]), Written):
            self._said_of_lines = answer
            return answer
        self._is_request_fine = False
        return Rejected(without.message)


def _halve(group: Sequence[int]) -> list[list[int]]:
    middle = (len(group) + 1) // 2
    return [list(group[:middle]), list(group[middle:])]
