"""Points in tables beside a job's file, which a worker cannot read: they are put into the file."""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, BinaryIO, NamedTuple
from uuid import uuid4

from sja_units.acquisition.points.csv_table import PointTable, parse_point_table
from sja_units.errors import FaultLine
from sja_units.toml.location import format_key, name_place
from sja_units.toml.reader import Fault

MAX_BYTES = 1024 * 1024
_INLINED = re.compile(r"^[ \t]*point = \[\n(?:    \{ .*\},\n)+\] # from (.+)$", re.MULTILINE)


class _Found(NamedTuple):
    """The table of one device."""

    name: str  # as the file has it
    path: str
    table: PointTable


class InlinedPoints(NamedTuple):
    """A job's file with the points of its tables."""

    source: str
    tables: dict[int, _Found]  # by device

    @property
    def faults(self) -> list[str]:
        """What is wrong with the tables, each with its place."""
        tables = self.tables.values()
        return [f"{path}: {fault}" for _, path, table in tables for fault in table.faults]

    @property
    def warnings(self) -> list[str]:
        """What is odd about the tables, but harms nothing."""
        tables = self.tables.values()
        return [f"{path}: {warning}" for _, path, table in tables for warning in table.warnings]

    def describe(self, fault: Fault) -> str | None:
        """Return a fault that lies in a table with its row; "" if it only follows from another,
        None if it lies elsewhere.
        """
        match fault.place:
            case ("device", int(index), "point", int(place), *inside) if index in self.tables:
                _, path, table = self.tables[index]
                row = table.rows[place]
                if table.faults and inside and inside[0] not in row.values:
                    return ""  # missing, because its column has another name
                where = name_place(tuple(inside), row.values)
                told = ": ".join(filter(None, [f"{path}: row {row.number}", where, fault.message]))
                return FaultLine(told, format_key(fault.place), None, fault.message)
            case ("device", int(index), "point") if index in self.tables:
                return ""  # nothing could be read
        return None

    def text(self) -> str:
        """Return the file's text with the points in it, a line for each, all else as it was."""
        import tomlkit

        document: Any = tomlkit.parse(self.source)
        stand_ins = {}
        for index, (name, _, table) in self.tables.items():
            # tomlkit needs seconds for some thousand points.
            stand_in = tomlkit.item(uuid4().hex)
            stand_ins[stand_in.as_string()] = _format_points(table)
            stand_in.comment(f"from {name}")
            device = document["device"][index]
            del device["points"]
            device.append("point", stand_in)
        whole = str(tomlkit.dumps(document))
        for stand_in_text, points in stand_ins.items():
            whole = whole.replace(stand_in_text, points)
        return whole


def inline_points(
    text: str, values: dict[str, Any], where: str, open_file: Callable[[str], BinaryIO]
) -> InlinedPoints | None:
    """Put the points of tables into the devices that name them; None if none does.

    where: the file's path, from whose folder the tables' paths count.
    """
    tables = {}
    for index, device in _devices(values):
        if name := _name_table(device):
            path = os.path.join(os.path.dirname(where), name)
            tables[index] = _Found(name, path, _read(path, open_file))
            device["point"] = [row.values for row in tables[index].table.rows]
            del device["points"]
    return InlinedPoints(text, tables) if tables else None


def restore_tables(text: str, where: str) -> str:
    """Return a job's file as it was before its tables went into it, as far as these are newer.

    A table that is older than the file stays as it stands there: a person may have edited it.
    """

    def restore(match: re.Match[str]) -> str:
        name = match[1]
        path = os.path.join(os.path.dirname(where), name)
        with suppress(OSError):
            if os.stat(path).st_mtime_ns > os.stat(where).st_mtime_ns:
                return f"points = {json.dumps(name, ensure_ascii=False)}"
        return match[0]

    return _INLINED.sub(restore, text)


def list_tables(values: Mapping[str, Any], where: str) -> list[str]:
    """Return the paths of the tables that `inline_points` would read."""
    names = [_name_table(device) for _, device in _devices(values)]
    return [os.path.join(os.path.dirname(where), name) for name in names if name]


def _name_table(device: dict[str, Any]) -> str:
    name = device.get("points")
    if not isinstance(name, str) or not name.isprintable() or "point" in device:
        return ""
    return name


def _devices(values: Mapping[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    devices = values.get("device")
    for index, device in enumerate(devices if isinstance(devices, list) else []):
        if isinstance(device, dict):
            yield index, device


def _read(path: str, open_file: Callable[[str], BinaryIO]) -> PointTable:
    try:
        with open_file(path) as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        return PointTable((), (f"cannot be read: {error.strerror}",))
    if len(data) > MAX_BYTES:
        return PointTable((), (f"is larger than {MAX_BYTES // 1024} KiB",))
    return parse_point_table(data)


def _format_points(table: PointTable) -> str:
    """Return points as an array of TOML: JSON's texts and numbers are TOML's."""
    lines = [
        ", ".join(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values)
        for values in (row.values.items() for row in table.rows)
    ]
    return "[\n" + "".join(f"    {{ {line} }},\n" for line in lines) + "]"
