"""How the last values of a job look: a table, CSV or JSON lines, each with the raw registers."""

import csv
import json
from collections.abc import Callable, Iterable
from datetime import datetime

from sja_units.actions.last_cycle import LastValue
from sja_units.cli.output import format as render
from sja_units.cli.output.samples import show_value, write
from sja_units.cli.output.text_width import fit, measure
from sja_units.times import format_local

_HEADS = ("TIME", "DEVICE", "POINT", "REGISTERS", "VALUE")


class _Rows:
    """Collects what csv writes, line by line."""

    def write(self, text: str) -> None:
        write(text.rstrip("\n"))


def print_table(values: Iterable[LastValue], *, heads: bool) -> None:
    rows = [*([_HEADS] if heads else []), *map(_describe, values)]
    widths = [max(map(measure, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        write("  ".join([fit(c, w) for c, w in zip(row[:-1], widths, strict=False)] + [row[-1]]))


def _describe(value: LastValue) -> tuple[str, str, str, str, str]:
    shown = f"- ({value.message})" if value.value is None else show_value(value.value)
    text = f"{shown} {value.unit if value.value is not None else ''}".rstrip()
    bad = f"  ({value.quality})" if value.quality not in ("good", "") else ""
    return (
        _format_time(value.time),
        render.clean(value.device),
        render.clean(value.point),
        " ".join(f"{word:04x}" for word in value.registers),
        render.clean(text + bad),
    )


def _format_time(text: str) -> str:
    try:
        return format_local(datetime.fromisoformat(text).timestamp(), 3)
    except (ValueError, OverflowError):
        return ""


def print_csv(values: Iterable[LastValue], *, heads: bool) -> None:
    writer = csv.writer(_Rows(), lineterminator="\n")
    if heads:
        writer.writerow(("time", "device", "point", "value", "unit", "quality", "registers"))
    for value in values:
        shown = "" if value.value is None else show_value(value.value)
        registers = " ".join(map(str, value.registers))
        writer.writerow(
            (value.time, value.device, value.point, shown, value.unit, value.quality, registers)
        )


def print_json_lines(values: Iterable[LastValue], *, heads: bool) -> None:
    for value in values:
        write(json.dumps(value.as_json(), ensure_ascii=False))


LAST_FORMATS: dict[str, Callable[..., None]] = {
    "table": print_table,
    "csv": print_csv,
    "jsonl": print_json_lines,
}
