"""How jobs look to people: one place for tables, colours, ages and JSON."""

import json
import shutil
import sys
import time
import unicodedata
from collections.abc import Sequence
from datetime import datetime

import click

from sja_units.survey import JobView

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


def print_json(value: object) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def paint_state(state: str) -> str:
    """Return a state's word in its colour; click drops colours where they are not wanted."""
    return click.style(state, fg=_COLOURS.get(state), bold=state in ("down", "failed"))


def measure(text: str) -> int:
    """Return how many columns a text takes on a terminal; Chinese takes two a character."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def fit(text: str, width: int) -> str:
    """Return the text in exactly that many columns, cut or filled up."""
    taken = measure(text)
    if taken <= width:
        return text + " " * (width - taken)
    kept, used = "", 0
    for c in text:
        used += measure(c)
        if used > width - 1:
            break
        kept += c
    return fit(kept + "…", width)


def clean(text: str) -> str:
    """Return a text without what could play with the terminal."""
    return "".join(c if c.isprintable() else "·" for c in text)


def show_age(moment: str | None) -> str:
    """Return how long ago an RFC 3339 time was: "42s", "3min", "5h", "12d"."""
    if not moment:
        return "-"
    seconds = max(0.0, time.time() - datetime.fromisoformat(moment).timestamp())
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds)}s"


def show_size(size: int) -> str:
    """Return a number of bytes: "0 B", "12.3 KiB", "1.5 GiB"."""
    number = float(size)
    for unit in ("B", "KiB", "MiB"):
        if number < 1024:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} GiB"


def describe(view: JobView) -> str:
    """Return one sentence on a job: what it does, or why it does not."""
    if view.next_try is not None:
        left = max(0, round(view.next_try - time.time()))
        return f"next try in {left} s · {view.status}"
    return view.status


def print_table(views: Sequence[JobView]) -> None:
    """Print one line a job, as wide as the terminal; piped output is never cut."""
    rows = [
        (str(v.job), clean(v.title), v.state, show_age(v.since), clean(describe(v))) for v in views
    ]
    heads = ("JOB", "TITLE", "STATE", "SINCE", "STATUS")
    widths = [max(measure(row[i]) for row in [heads, *rows]) for i in range(4)]
    room = None
    if sys.stdout.isatty():
        columns = shutil.get_terminal_size().columns
        widths[1] = min(widths[1], max(5, columns // 5))
        room = max(10, columns - sum(widths) - 8)
    for row in [heads, *rows]:
        state = fit(row[2], widths[2])
        cells = [
            fit(row[0], widths[0]),
            fit(row[1], widths[1]),
            click.style(state, bold=True)
            if row is heads
            else state.replace(row[2], paint_state(row[2])),
            fit(row[3], widths[3]),
            row[4] if room is None else fit(row[4], room),
        ]
        click.echo("  ".join(cells).rstrip())
