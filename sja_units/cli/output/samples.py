"""How samples look: a table, CSV, JSON lines, line protocol, a plot. Each streams what it gets."""

import csv
import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

import click

from sja_units.acquisition.points.decode import Value
from sja_units.actions.samples import Row
from sja_units.cli.output import format as render
from sja_units.cli.output import plot
from sja_units.cli.output.text_width import fit, measure
from sja_units.errors import UsageError
from sja_units.times import format_local, format_moment

_HEADS = ("TIME", "DEVICE", "POINT", "VALUE")


def write(text: str) -> None:
    """Print a line; on a terminal without what could play with it."""
    sys.stdout.write((render.clean(text) if sys.stdout.isatty() else text) + "\n")


def show_value(value: Value) -> str:
    """Return a value as people and CSV have it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def print_table(rows: Iterable[Row]) -> None:
    """Print rows as they come: columns grow with their widest cell so far."""
    widths = [23, 6, 5]
    heads = [_HEADS]
    for row in rows:
        names = [render.clean(row.device), render.clean(row.sample.point)]
        value = f"{show_value(row.sample.value)} {row.unit}".rstrip()
        bad = "" if row.quality == "good" else f"  ({row.quality})"
        bad += f"  refused: {row.reason}" if row.reason else ""
        at = format_local(row.sample.time_ns / 1e9, 3)
        cells = (at, *names, render.clean(value + bad))
        widths = [max(w, measure(c)) for w, c in zip(widths, cells, strict=False)]
        for line in [*heads, cells]:
            fitted = [fit(c, w) for c, w in zip(line, widths, strict=False)]
            write("  ".join([*fitted, line[-1]]).rstrip())
        heads = []


def print_csv(rows: Iterable[Row]) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="")

    def write_row(*cells: str) -> None:
        writer.writerow(cells)
        write(buffer.getvalue())
        buffer.seek(0)
        buffer.truncate()

    left = iter(rows)
    first = next(left, None)
    heads = ("time", "device", "point", "value", "unit", "quality")
    write_row(*heads, *(["reason"] if first and first.reason else []))
    for row in chain([first] if first else [], left):
        reason = [row.reason] if row.reason else []
        at, value = format_moment(row.sample.time_ns), show_value(row.sample.value)
        write_row(at, row.device, row.sample.point, value, row.unit, row.quality, *reason)


def print_json_lines(rows: Iterable[Row]) -> None:
    for row in rows:
        write(json.dumps(row.as_json(), ensure_ascii=False))


def print_lines(rows: Iterable[Row]) -> None:
    for row in rows:
        write(row.sample.line)


def print_plot(rows: Iterable[Row]) -> None:
    """Print the plot of one point; raise UsageError where there are several, or it is a text."""
    seen: dict[tuple[str, str], str] = {}

    def read() -> Iterator[tuple[int, float]]:
        for row in rows:
            name = f"{row.device}.{row.sample.point}"
            seen[row.device, row.sample.point] = row.unit
            if len(seen) > 1:
                raise UsageError("there are several points", f"choose one, as --point {name}")
            if isinstance(row.sample.value, str):
                raise UsageError(f"{name} is a text, which has no plot")
            yield row.sample.time_ns, float(row.sample.value)

    spans = plot.thin(read())
    for (device, point), unit in seen.items():
        click.echo(render.clean(f"{device}.{point}" + (f", {unit}" if unit else "")))
        click.echo("\n".join(plot.draw(spans)))


FORMATS: dict[str, Callable[[Iterable[Row]], None]] = {
    "table": print_table,
    "csv": print_csv,
    "jsonl": print_json_lines,
    "line": print_lines,
    "plot": print_plot,
}
