"""What databases that know the type of each field answer to lines that do not fit.

The words are those of InfluxDB 1.6.7 (asked here), 2.7 and 3 Core (their sources and manuals).
"""

import json
from collections.abc import Callable
from typing import Literal

from tests.unit.acquisition.database import Answer, Database, Rule

Dialect = Literal["1.x", "2.x", "3.x", "3.x v2", "anonymous"]
DIALECTS: tuple[Dialect, ...] = ("1.x", "2.x", "3.x", "3.x v2", "anonymous")


def type_of(value: str) -> str:
    ends = {"i": "integer", "u": "unsigned", '"': "string", "e": "boolean"}
    return ends.get(value[-1], "float")


def know_types(database: Database, dialect: Dialect, types: dict[str, str]) -> Rule:
    """Return a rule by which fields are taken only with a value of their type.

    What fits is kept; a field that is not known yet gets the type of its first value.
    """

    def rule(lines: list[str]) -> Answer | None:
        faults: list[tuple[int, str, str, str]] = []
        for number, line in enumerate(lines, 1):
            series, fields, _ = line.split(" ")
            pairs = [field.split("=") for field in fields.split(",")]
            bad = [(n, v) for n, v in pairs if types.get(n, type_of(v)) != type_of(v)]
            if bad:
                name, value = bad[0]
                faults.append((number, series.split(",")[0], name, type_of(value)))
                continue
            types.update((name, type_of(value)) for name, value in pairs)
            database.keep(line)
        return _ANSWERS[dialect](faults, types, lines) if faults else (204, "")

    return rule


Faults = list[tuple[int, str, str, str]]


def _answer_as_1(faults: Faults, types: dict[str, str], _lines: list[str]) -> Answer:
    _, measurement, name, got = faults[0]
    said = f'partial write: field type conflict: input field "{name}" on measurement '
    said += f'"{measurement}" is type {got}, already exists as type {types[name]} '
    return 400, json.dumps({"error": f"{said}dropped={len(faults)}"})


def _answer_as_2(faults: Faults, types: dict[str, str], lines: list[str]) -> Answer:
    said = json.loads(_answer_as_1(faults, types, lines)[1])["error"]
    message = f"failure writing points to database: {said}"
    return 422, json.dumps({"code": "unprocessable entity", "message": message})


def _answer_as_3(faults: Faults, types: dict[str, str], lines: list[str]) -> Answer:
    data = [
        {
            "original_line": lines[number - 1][:10],
            "line_number": number,
            "error_message": f"invalid column type for column '{name}', expected "
            f"iox::column_type::field::{types[name]}, got iox::column_type::field::{got}",
        }
        for number, _, name, got in faults
    ]
    return 400, json.dumps({"error": "partial write of line protocol occurred", "data": data})


def _answer_as_3_by_v2(faults: Faults, types: dict[str, str], lines: list[str]) -> Answer:
    message = json.loads(_answer_as_3(faults, types, lines)[1])["data"][0]["error_message"]
    return 400, json.dumps({"code": "invalid", "line": faults[0][0], "message": message})


def _answer_without_a_name(_faults: Faults, _types: dict[str, str], _lines: list[str]) -> Answer:
    return 400, json.dumps({"error": "some of the points are not right"})


_ANSWERS: dict[Dialect, Callable[[Faults, dict[str, str], list[str]], Answer]] = {
    "1.x": _answer_as_1,
    "2.x": _answer_as_2,
    "3.x": _answer_as_3,
    "3.x v2": _answer_as_3_by_v2,
    "anonymous": _answer_without_a_name,
}
