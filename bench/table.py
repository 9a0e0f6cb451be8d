"""The table: what was measured, beside whom, against which target."""

import sys
from typing import NamedTuple

HEAD = ("what", "figure", "ratio", "target", "verdict")
_WIDTHS = (62, 14, 44, 10)


class Row(NamedTuple):
    """A line of the table; what has no target stands there for comparison."""

    what: str
    figure: str
    ratio: float | None = None
    of: str = ""  # what the ratio is of
    target: float | None = None
    at_least: bool = False  # the ratio has to be so much, not at most so much

    @property
    def is_missed(self) -> bool:
        """Whether there is a target and the ratio does not reach it."""
        if self.ratio is None or self.target is None:
            return False
        return self.ratio < self.target if self.at_least else self.ratio > self.target

    def cells(self) -> tuple[str, ...]:
        """Return what stands in each column."""
        ratio = "" if self.ratio is None else f"{_format(self.ratio)} {self.of}".strip()
        if self.target is None:
            return self.what, self.figure, ratio, "", ""
        sign = ">=" if self.at_least else "<="
        verdict = "missed" if self.is_missed else "met"
        return self.what, self.figure, ratio, f"{sign} {_format(self.target)}", verdict


def _format(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 100 or number == int(number) else f"{number:.2f}"


def show(cells: tuple[str, ...] = HEAD) -> None:
    """Print a line, by default the columns' names."""
    line = "".join(f"{cell:<{width}}" for cell, width in zip(cells, _WIDTHS, strict=False))
    sys.stdout.write(f"{line}{cells[-1]}".rstrip() + "\n")
    sys.stdout.flush()
