"""Points as a table: CSV with a header, its columns named like the keys of a point. Pure."""

import csv
import io
from contextlib import suppress
from difflib import get_close_matches
from typing import Any, NamedTuple

COLUMNS = (
    *("name", "table", "address", "reference", "type", "registers", "byte_order", "bit", "byte"),
    *("scale", "offset", "unit", "cn_name", "no_value", "precision", "encoding"),
    "write_as",
)
_INTEGERS = ("address", "reference", "registers", "bit", "precision")
_NUMBERS = ("scale", "offset", "no_value")
_SEPARATORS = ";,\t"


class PointRow(NamedTuple):
    """A point as its keys and values, and the row that it stands in."""

    number: int  # as a spreadsheet counts: the header is row 1
    values: dict[str, Any]


class PointTable(NamedTuple):
    """What a table holds."""

    rows: tuple[PointRow, ...]
    faults: tuple[str, ...]  # each begins with its row


def parse_point_table(data: bytes) -> PointTable:
    """Return the points of a table, and what is wrong with the table as such.

    UTF-8 with or without a mark at its beginning; cells separated by comma, semicolon or tab, as
    the header has them. An empty cell stands for the key's default, an empty row for nothing.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data[: error.start].count(b"\n") + 1
        reason = 'is not UTF-8 text: in a spreadsheet, save the table as "CSV UTF-8"'
        return PointTable((), (f"row {row} {reason}",))
    separator = max(_SEPARATORS, key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    records: list[list[str]] = []
    try:
        for record in reader:
            records.append([cell.strip() for cell in record])
    except csv.Error as error:
        return PointTable((), (f"row {len(records) + 1} cannot be read: {error}",))
    if not any(any(record) for record in records[1:]):
        return PointTable(
            (), ("is empty: it needs a header with columns' names, and points below",)
        )
    header, *rest = records
    faults = _check_header(header)
    rows: list[PointRow] = []
    for number, cells in enumerate(rest, 2):
        if any(cells[len(header) :]):
            faults.append(f"row {number} has {len(cells)} cells, but the header has {len(header)}")
        if any(cells):
            rows.append(PointRow(number, _read_row(header, cells)))
    return PointTable(tuple(rows), tuple(faults))


def _check_header(header: list[str]) -> list[str]:
    faults = []
    for place, column in enumerate(header, 1):
        if column in header[: place - 1]:
            faults.append(f"row 1: there are two columns {column!r}")
        elif column not in COLUMNS:
            close = get_close_matches(column, COLUMNS, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(COLUMNS)}"
            faults.append(f"row 1: {column!r} is not a column that exists; {hint}")
    return faults


def _read_row(header: list[str], cells: list[str]) -> dict[str, Any]:
    pairs = zip(header, cells, strict=False)
    return {column: _read(column, cell) for column, cell in pairs if cell and column in COLUMNS}


def _read(column: str, cell: str) -> int | float | str:
    """Return the number that a cell spells, else its text, which a number's reader refuses."""
    if column in _INTEGERS or column in _NUMBERS:
        with suppress(ValueError):
            return int(cell, 0)
    if column in _NUMBERS:
        with suppress(ValueError):
            return float(cell)
    return cell
