"""What a probe of devices and database has found, for people and for programs."""

from collections.abc import Sequence
from typing import Any

import click

from sja_units.acquisition.kind import name_endpoint
from sja_units.acquisition.points.decode import Value
from sja_units.acquisition.points.plan import ReadRequest, describe_plan
from sja_units.acquisition.points.point import Point
from sja_units.acquisition.probe.client import Found
from sja_units.acquisition.probe.database import SinkProbe
from sja_units.acquisition.probe.devices import Report
from sja_units.cli.output import format as render
from sja_units.cli.output.text_width import fit, measure
from sja_units.text import count
from sja_units.times import localize

_MOST_WORDS = 8


def name_place(point: Point) -> str:
    """Return a point's table and addresses: "holding 100-101"."""
    last = f"-{point.end - 1}" if point.size > 1 else ""
    part = f".{point.bit}" if point.type == "bit" else ""
    part = f" {point.byte}" if point.type in ("int8", "uint8") else part
    return f"{point.table} {point.address}{last}{part}"


def show_words(words: Sequence[int]) -> str:
    """Return registers as hexadecimal numbers."""
    more = " …" if len(words) > _MOST_WORDS else ""
    return " ".join(f"{word:04X}" for word in words[:_MOST_WORDS]) + more


def show_value(value: Value | None, unit: str = "") -> str:
    if value is None:
        return "no value"
    if isinstance(value, str):
        return f'"{render.clean(value)}"'
    if isinstance(value, bool):
        return str(value).lower()
    text = f"{value:.10g}" if isinstance(value, float) else str(value)
    return f"{text} {render.clean(unit)}".rstrip()


def name_device(report: Report) -> str:
    device = report.device
    return (
        f"{device.name} · {device.endpoint.transport} {name_endpoint(device)} unit {device.unit_id}"
    )


def describe_device(report: Report, advice: str) -> list[str]:
    """Return the lines on one device."""
    mark = click.style("well", fg="green") if report.is_fine else click.style("not well", fg="red")
    lines = [f"{click.style(render.clean(name_device(report)), bold=True)}: {mark}"]
    if report.fault:
        lines.append(f"  {report.fault}")
    if report.read_at:
        lines.append(f"  held by the running job, which read it at {localize(report.read_at)}")
    if report.first_seconds is not None:
        times = f"  first answer after {_milliseconds(report.first_seconds)}, connection included"
        if report.request_seconds is not None:
            times += f"; then {_milliseconds(report.request_seconds)} a request"
        lines.append(times)
    lines.append(f"  {describe_plan(report.plan)}, {count(len(report.found), 'point')}")
    lines += [f"    {_describe_block(block, report)}" for block in report.plan]
    if any(found.words for found in report.found):
        lines += tabulate(
            [("POINT", "PLACE", "RAW", "VALUE"), *(_describe_found(f) for f in report.found)]
        )
    if advice:
        lines.append(f"  {render.clean(advice)}")
    return lines


def _describe_block(block: ReadRequest, report: Report) -> str:
    last = f"-{block.address + block.size - 1}" if block.size > 1 else ""
    names = ", ".join(report.device.points[i].name for i in block.points[:4])
    more = f" and {len(block.points) - 4} more" if len(block.points) > 4 else ""
    return render.clean(f"{block.table} {block.address}{last}: {names}{more}")


def _describe_found(found: Found) -> tuple[str, ...]:
    point = found.point
    name, place = render.clean(point.name), name_place(point)
    if found.fault:
        return name, place, "-", click.style(render.clean(found.fault), fg="red")
    raw = str(found.words[0]) if point.is_bits else show_words(found.words)
    return name, place, raw, show_value(found.value, point.unit)


def tabulate(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the rows as lines with columns, the first of them as heads; the last one is ragged."""
    widths = [max(measure(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    lines = []
    for row in rows:
        cells = [fit(cell, width) for cell, width in zip(row, widths, strict=False)]
        line = "  " + "  ".join([*cells, row[-1]]).rstrip()
        lines.append(click.style(line, bold=True) if row is rows[0] else line)
    return lines


def describe_sink(url: str, report: SinkProbe) -> list[str]:
    """Return the lines on where the values go."""
    mark = click.style("well", fg="green") if report.is_fine else click.style("not well", fg="red")
    lines = [f"{click.style(f'database · {url}' if url else 'local', bold=True)}: {mark}"]
    took = f" ({_milliseconds(report.seconds)})" if report.seconds is not None else ""
    lines.append(f"  {render.clean(report.message)}{took}")
    if report.hint:
        lines.append(f"  {render.clean(report.hint)}")
    return lines


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def device_as_json(report: Report, advice: str) -> dict[str, Any]:
    """Return what is known of one device."""
    device = report.device
    return {
        "name": device.name,
        "transport": device.endpoint.transport,
        "endpoint": name_endpoint(device),
        "unit_id": device.unit_id,
        "ok": report.is_fine,
        "message": str(report.fault or ""),
        "advice": advice,
        "read_at": report.read_at or None,
        "first_ms": _as_ms(report.first_seconds),
        "request_ms": _as_ms(report.request_seconds),
        "requests": [
            {
                "table": block.table,
                "address": block.address,
                "count": block.size,
                "points": [device.points[i].name for i in block.points],
            }
            for block in report.plan
        ],
        "points": [_found_as_json(found) for found in report.found],
    }


def _found_as_json(found: Found) -> dict[str, Any]:
    return {
        "name": found.point.name,
        "table": found.point.table,
        "address": found.point.address,
        "words": list(found.words),
        "value": found.value,
        "unit": found.point.unit,
        "message": found.fault,
    }


def sink_as_json(url: str, report: SinkProbe) -> dict[str, Any]:
    """Return what is known of the database."""
    return {
        "url": url,
        "ok": report.is_fine,
        "message": report.message,
        "advice": report.hint,
        "ms": _as_ms(report.seconds),
    }


def _as_ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)
