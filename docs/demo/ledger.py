"""Compares what the device answered with what the database holds. Pure."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple


class Comparison(NamedTuple):
    """What became of the answers, each a number that no other answer has."""

    answered: int
    stored: int
    on_the_wire: list[int]  # the last one before the worker died
    lost: list[int]
    doubled: list[int]
    unknown: list[int]  # stored, yet never answered

    @property
    def is_whole(self) -> bool:
        """Whether each value that a worker had read is there, and once."""
        return not self.lost and not self.doubled and not self.unknown


def last_answer(log: str) -> int:
    """Return the newest number of a device's log, 0 where it has none."""
    return max((int(line) for line in log.split() if line.isdigit()), default=0)


def compare(log: str, stored: Sequence[int], newest: int) -> Comparison:
    """Compare answers up to number `newest` with the database's rows.

    log: the device's, numbers in lines of their own; a line of any other kind tells that the
    worker before it got no further. What it had asked for just then may be missing: the device
    answered, but nobody was there to read it.
    """
    rows = Counter(stored)
    runs = _split(log, newest)
    if runs and len(runs[0]) == 1 and runs[0][0] not in rows:
        del runs[0]  # `sjactl create` tried the device; that is nobody's sample
    answered = [number for run in runs for number in run]
    missing = [number for number in answered if number not in rows]
    on_the_wire = [run[-1] for run in runs[:-1] if run[-1] not in rows]
    known = set(answered)
    return Comparison(
        answered=len(answered),
        stored=sum(count for number, count in rows.items() if number <= newest),
        on_the_wire=on_the_wire,
        lost=[number for number in missing if number not in on_the_wire],
        doubled=sorted(number for number, count in rows.items() if count > 1),
        unknown=sorted(n for n in rows if n <= newest and n not in known),
    )


def _split(log: str, newest: int) -> list[list[int]]:
    runs: list[list[int]] = [[]]
    for line in log.split():
        if not line.isdigit():
            runs.append([])
        elif int(line) <= newest:
            runs[-1].append(int(line))
    return [run for run in runs if run]
