"""A job's file as people write it: with points in tables beside it, which a worker cannot read."""

import json
import os
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import uuid4

from sja_units.acquisition.points.csv_table import PointTable, parse_point_table
from sja_units.cli.client_files import open_client_file
from sja_units.config import job_file
from sja_units.errors import ConfigError, FaultLine
from sja_units.toml.location import describe, format_key, name_place
from sja_units.toml.reader import Fault

MAX_TABLE_BYTES = 1024 * 1024


class Loaded(NamedTuple):
    """What a person's file says, and the file as a worker can read it."""

    file: job_file.JobFile
    text: str


class _Found(NamedTuple):
    """The table of one device."""

    path: str
    table: PointTable


def load(kind: str, text: str, where: str) -> Loaded:
    """Return what a file says, its tables of points taken from beside it.

    where: the file's path, from whose folder the tables' paths count. Raises ConfigError with all
    faults at once, those of the tables by row.
    """
    values = job_file.load_toml(text, where)
    tables = _take_tables(values, os.path.dirname(where)) if kind == "acquisition" else {}
    file, faults = job_file.examine(kind, values)
    if kind == "command":
        from sja_units.config.host_checks import find_faults

        faults += find_faults(file.settings)
    if file.service:
        from sja_units.config import verify

        faults += verify.find_faults(file.service)
    told = [f"{path}: {fault}" for path, table in tables.values() for fault in table.faults]
    told += [line for fault in faults if (line := _describe(fault, text, values, tables))]
    if told:
        raise ConfigError(where, told)
    if not tables:
        return Loaded(file, text)
    whole = _put_inline(text, tables)
    if len(whole.encode()) > job_file.MAX_BYTES:
        limit = job_file.MAX_BYTES // 1024
        raise ConfigError(
            where, [f"has too many points for one job's file ({limit} KiB): make several jobs"]
        )
    return Loaded(file, whole)


def find_tables(text: str, where: str) -> list[str]:
    """Return the paths of the tables that `load` would read. Raises ConfigError."""
    names = [_name_table(device) for _, device in _devices(job_file.load_toml(text, where))]
    return [os.path.join(os.path.dirname(where), name) for name in names if name]


def _take_tables(values: dict[str, Any], folder: str) -> dict[int, _Found]:
    """Put the points of tables into the devices that name them; return the tables by device."""
    tables = {}
    for index, device in _devices(values):
        if name := _name_table(device):
            path = os.path.join(folder, name)
            tables[index] = _Found(path, _read(path))
            device["point"] = [row.values for row in tables[index].table.rows]
            del device["points"]
    return tables


def _name_table(device: dict[str, Any]) -> str:
    name = device.get("points")
    if not isinstance(name, str) or not name.isprintable() or "point" in device:
        return ""
    return name


def _devices(values: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    devices = values.get("device")
    for index, device in enumerate(devices if isinstance(devices, list) else []):
        if isinstance(device, dict):
            yield index, device


def _read(path: str) -> PointTable:
    try:
        with open_client_file(path) as file:
            data = file.read(MAX_TABLE_BYTES + 1)
    except OSError as error:
        return PointTable((), (f"cannot be read: {error.strerror}",))
    if len(data) > MAX_TABLE_BYTES:
        return PointTable((), (f"is larger than {MAX_TABLE_BYTES // 1024} KiB",))
    return parse_point_table(data)


def _describe(fault: Fault, text: str, values: dict[str, Any], tables: dict[int, _Found]) -> str:
    """Return a fault as one line; "" for what only follows from another fault of a table."""
    match fault.place:
        case ("device", int(index), "point", int(place), *inside) if index in tables:
            path, table = tables[index]
            row = table.rows[place]
            if table.faults and inside and inside[0] not in row.values:
                return ""  # missing, because its column has another name
            where = name_place(tuple(inside), row.values)
            told = ": ".join(filter(None, [f"{path}: row {row.number}", where, fault.message]))
            return FaultLine(told, format_key(fault.place), None, fault.message)
        case ("device", int(index), "point") if index in tables:
            return ""  # nothing could be read
    return describe(fault, text, values)


def _put_inline(text: str, tables: dict[int, _Found]) -> str:
    """Return the text with the tables' points in it, a line for each, all else as it was."""
    import tomlkit

    document: Any = tomlkit.parse(text)
    stand_ins = {}
    for index, (path, table) in tables.items():
        # tomlkit needs seconds for some thousand points.
        stand_in = tomlkit.item(uuid4().hex)
        stand_ins[stand_in.as_string()] = _format_points(table)
        stand_in.comment(f"from {os.path.basename(path)}")
        device = document["device"][index]
        del device["points"]
        device.append("point", stand_in)
    whole = str(tomlkit.dumps(document))
    for stand_in_text, points in stand_ins.items():
        whole = whole.replace(stand_in_text, points)
    return whole


def _format_points(table: PointTable) -> str:
    """Return points as an array of TOML: JSON's texts and numbers are TOML's."""
    lines = [
        ", ".join(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values)
        for values in (row.values.items() for row in table.rows)
    ]
    return "[\n" + "".join(f"    {{ {line} }},\n" for line in lines) + "]"
