"""A plot in plain text. Pure."""

import sys
from collections.abc import Iterable
from typing import NamedTuple

from sja_units.times import format_local

WIDTH, HEIGHT = 80, 16
_LABEL = 12
_MOST_SPANS = 512


class Span(NamedTuple):
    """Samples that follow each other, as one."""

    first_ns: int
    last_ns: int
    low: float
    high: float

    def join(self, later: "Span") -> "Span":
        return Span(
            min(self.first_ns, later.first_ns),  # a clock may have been set back between them
            max(self.last_ns, later.last_ns),
            min(self.low, later.low),
            max(self.high, later.high),
        )


def thin(samples: Iterable[tuple[int, float]], most: int = _MOST_SPANS) -> list[Span]:
    """Return samples in at most so many spans, all of about as many samples."""
    spans: list[Span] = []
    size, taken = 1, 0
    for at, value in samples:
        span = Span(at, at, value, value)
        if spans and taken < size:
            spans[-1] = spans[-1].join(span)
            taken += 1
            continue
        spans.append(span)
        taken = 1
        if len(spans) > most:
            pairs = zip(spans[::2], spans[1::2], strict=False)
            rest = spans[-1:] if len(spans) % 2 else []
            spans = [first.join(second) for first, second in pairs] + rest
            taken = taken if rest else taken + size
            size *= 2
    return spans


def draw(spans: list[Span], width: int = WIDTH, height: int = HEIGHT) -> list[str]:
    """Return the lines of a plot with its axes; a column shows all between its extremes."""
    first, last = min(span.first_ns for span in spans), max(span.last_ns for span in spans)
    low, high = min(span.low for span in spans), max(span.high for span in spans)
    if low == high:
        margin = max(1.0, abs(low) / 1000)
        most = sys.float_info.max
        low, high = max(low - margin, -most), min(high + margin, most)
    columns = width - _LABEL - 2
    cells = [[" "] * columns for _ in range(height)]
    for span in spans:
        middle = (span.first_ns + span.last_ns) // 2
        x = (middle - first) * (columns - 1) // max(1, last - first)
        bottom, top = (
            # Halves, since the whole range may be more than a float can hold.
            round((value / 2 - low / 2) / (high / 2 - low / 2) * (height - 1))
            for value in (span.low, span.high)
        )
        for y in range(bottom, top + 1):
            cells[y][x] = "*"
    lines = []
    for y in reversed(range(height)):
        is_marked = y % 5 == 0
        share = y / (height - 1)
        label = f"{low * (1 - share) + high * share:.5g}" if is_marked else ""
        lines.append(f"{label:>{_LABEL}} {'+' if is_marked else '|'}{''.join(cells[y])}".rstrip())
    lines.append(" " * _LABEL + " +" + "-" * columns)
    begin, end = format_local(first / 1e9), format_local(last / 1e9)
    return [*lines, f"{'':{_LABEL}}  {begin}{end:>{columns - len(begin)}}"]
