"""How jobs look to people: one place for tables, colours, ages and JSON."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial

import click

from sja_units.cli.output.streams import echo
from sja_units.cli.output.text_width import fit, measure, wrap
from sja_units.jobs.snapshot import JobStatus
from sja_units.text import clean as clean  # others take it from here

_COLOURS = {
    "running": "green",
    "completed": "green",
    "degraded": "yellow",
    "starting": "cyan",
    "stopping": "cyan",
    "restarting": "yellow",
    "down": "red",
    "failed": "red",
    "unconfigured": "red",
}
_HEADS = ("JOB", "TITLE", "STATE", "SINCE", "STATUS")
_JOB, _TITLE, _STATE, _SINCE, _STATUS = range(5)
_GAP = 2  # columns between two cells
_LEAST_STATUS = 20  # columns; where there are fewer, title and age give way

Paint = Callable[[str], str]


def print_json(value: object) -> None:
    """Print one JSON document."""
    # Escaped rather than replaced where the locale lacks letters.
    is_utf8 = sys.stdout.encoding.lower() == "utf-8"
    echo(json.dumps(value, ensure_ascii=not is_utf8, indent=2))


def _embolden(text: str) -> str:
    return click.style(text, bold=True)


def paint_state(state: str, text: str = "") -> str:
    """Return a state's word, or a text for it, in its colour.

    click drops colours where they are not wanted.
    """
    return click.style(text or state, fg=_COLOURS.get(state), bold=state in ("down", "failed"))


def paint_result(result: str | None, *, is_failure: bool) -> Paint:
    """Return what gives the result of a run, None while it goes on, its colour."""
    colour = "green" if result is None else "red" if is_failure else None
    return lambda text: click.style(text, fg=colour)


def clean_lines(text: str) -> str:
    """Return a text of several lines without what could play with the terminal."""
    return "\n".join(map(clean, text.splitlines()))


def find_width() -> int | None:
    """Return the terminal's columns, None where the output is no terminal and is never cut."""
    if not sys.stdout.isatty():
        return None
    return find_size()[0]


def find_size() -> tuple[int, int]:
    """Return columns and lines of the terminal that standard output is."""
    try:
        columns, lines = os.get_terminal_size(sys.stdout.fileno())
    except OSError:
        columns, lines = 0, 0
    # A terminal that does not know its size says 0.
    return columns or 80, lines or 24


def show_age(moment: str | None) -> str:
    """Return how long ago an RFC 3339 time was: "42s", "3min", "5h", "12d"; "-" for none."""
    try:
        return show_spell(time.time() - datetime.fromisoformat(moment or "").timestamp())
    except (ValueError, OverflowError, OSError):
        return "-"


def show_spell(seconds: float) -> str:
    """Return a length of time in its largest unit: "42s", "3min", "5h", "12d"."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{max(0, int(seconds))}s"


def show_size(size: int) -> str:
    """Return a number of bytes: "0 B", "12.3 KiB", "1.5 GiB"."""
    number = float(size)
    for unit in ("B", "KiB", "MiB"):
        if number < 1024:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} GiB"


def describe(view: JobStatus) -> str:
    """Return one sentence on a job: what it does, or why it does not."""
    if view.next_try is not None:
        left = max(0, round(view.next_try - time.time()))
        return f"next try in {left} s · {view.status}"
    if view.changed:
        return " · ".join(filter(None, (view.status, "file changed since the start")))
    return view.status


def print_table(views: Sequence[JobStatus]) -> None:
    """Print one line a job, as wide as the terminal; piped output is never cut."""
    for line in lay_out_table(views, find_width()):
        click.echo(line)


def lay_out_table(views: Sequence[JobStatus], columns: int | None) -> list[str]:
    """Return a head and one line a job, none wider than so many columns."""
    rows = [
        (str(v.job), clean(v.title), v.state, show_age(v.since), clean(describe(v))) for v in views
    ]
    widths = [max(map(measure, column)) for column in zip(_HEADS, *rows, strict=True)]
    if columns is not None:
        widths = _share_out(widths, columns)
    return [
        _lay_out_row(_HEADS, widths, _embolden),
        *(_lay_out_row(row, widths, partial(paint_state, row[_STATE])) for row in rows),
    ]


def _share_out(natural: list[int], columns: int) -> list[int]:
    """Return how wide each column is; 0 leaves one out, where there is too little room."""
    widths = [*natural]
    widths[_TITLE] = min(widths[_TITLE], max(5, columns // 5))
    for given_up in (None, _TITLE, _SINCE):
        if given_up is not None:
            widths[given_up] = 0
        room = columns - sum(width + _GAP for width in widths[:_STATUS] if width)
        if room >= min(_LEAST_STATUS, natural[_STATUS]):
            break
    widths[_STATUS] = room if room >= _LEAST_STATUS // 2 else 0
    if not widths[_STATUS]:
        widths[_JOB] = max(1, min(widths[_JOB], columns - widths[_STATE] - _GAP))
    return widths


def _lay_out_row(row: Sequence[str], widths: Sequence[int], paint: Paint) -> str:
    cells = [fit(text, width) for text, width in zip(row, widths, strict=True)]
    cells[_STATE] = paint(cells[_STATE])
    shown = [cell for cell, width in zip(cells, widths, strict=True) if width]
    return (" " * _GAP).join(shown).rstrip()


def lay_out_paragraphs(
    heads: Sequence[str], rows: Sequence[Sequence[str]], paints: Sequence[Paint]
) -> Iterator[str]:
    """Give the lines of a table whose last column is wrapped, not cut, on a terminal.

    paints: for each row, what gives its last cell its colour.
    """
    last = len(heads) - 1
    widths = [max(map(measure, column)) for column in list(zip(heads, *rows, strict=True))[:last]]
    indent = sum(widths) + _GAP * last
    columns = find_width()
    if columns is not None and columns - indent < _LEAST_STATUS:
        indent = 4  # the last column has lines of its own
    for row, paint in zip([heads, *rows], [_embolden, *paints], strict=True):
        cells = [fit(text, width) for text, width in zip(row[:last], widths, strict=True)]
        front = (" " * _GAP).join([*cells, ""])
        lines = [row[last]] if columns is None else wrap(row[last], max(1, columns - indent))
        if measure(front) > indent:
            yield front.rstrip()
            front = " " * indent
        for text in lines:
            yield front + paint(text)
            front = " " * indent
