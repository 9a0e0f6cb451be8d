"""Points as a table: CSV with a header, its columns named like the keys of a point. Pure."""

import csv
import io
from contextlib import suppress
from difflib import get_close_matches
from typing import Any, NamedTuple

from sja_units.acquisition.points.vendor_words import find_column, find_table, find_type

COLUMNS = (
    *("name", "table", "address", "reference", "type", "registers", "byte_order", "bit", "byte"),
    *("scale", "offset", "unit", "cn_name", "no_value", "precision", "encoding"),
    *("scale_register", "write_as"),
)
_INTEGERS = ("address", "reference", "registers", "bit", "precision", "scale_register")
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
    warnings: tuple[str, ...] = ()


def parse_point_table(data: bytes) -> PointTable:
    """Return the points of a table, and what is wrong with the table as such.

    UTF-8 with or without a mark at its beginning; cells separated by comma, semicolon or tab, as
    the header has them; where that is no comma, numbers may have one. Columns and types may have
    the names that vendors give them. An empty cell stands for the key's default, an empty row for
    nothing.
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
    words, *rest = records
    header = [find_column(word, COLUMNS) for word in words]
    faults, warnings = _check_header(words, header)
    rows: list[PointRow] = []
    for number, cells in enumerate(rest, 2):
        if any(cells[len(header) :]):
            faults.append(f"row {number} has {len(cells)} cells, but the header has {len(header)}")
        if any(cells):
            rows.append(PointRow(number, _read_row(header, cells, has_commas=separator != ",")))
    return PointTable(tuple(rows), tuple(faults), tuple(warnings))


def _check_header(words: list[str], header: list[str]) -> tuple[list[str], list[str]]:
    """Return what is wrong with the columns, and which are not used."""
    faults, unused = [], []
    for place, (word, column) in enumerate(zip(words, header, strict=True)):
        if column in header[:place]:
            faults.append(f"row 1: there are two columns {column!r}")
        elif column not in COLUMNS:
            missing = [each for each in COLUMNS if each not in header]
            close = get_close_matches(word.casefold(), missing, n=1, cutoff=0.75)
            if close:
                faults.append(f"row 1: unknown column {word!r}, did you mean {close[0]!r}?")
            elif word:
                unused.append(repr(word))
    warnings = [f"row 1: columns that are not used: {', '.join(unused)}"] if unused else []
    return faults, warnings


def _read_row(header: list[str], cells: list[str], *, has_commas: bool) -> dict[str, Any]:
    pairs = zip(header, cells, strict=False)
    return {
        column: _read(column, cell, has_commas=has_commas)
        for column, cell in pairs
        if cell and column in COLUMNS
    }


def _read(column: str, cell: str, *, has_commas: bool) -> int | float | str:
    """Return the number that a cell spells, else its text, which a number's reader refuses."""
    if column == "type":
        return find_type(cell)
    if column == "table":
        return find_table(cell)
    if column in _INTEGERS or column in _NUMBERS:
        with suppress(ValueError):
            return int(cell, 0)
    # With zeros in front it is a number still, but a reference is told apart by them.
    if column in _INTEGERS and column != "reference" and cell.isascii() and cell.isdigit():
        with suppress(ValueError):  # it may be very long
            return int(cell)
    if column in _NUMBERS:
        with suppress(ValueError):
            return float(cell.replace(",", ".") if has_commas else cell)
    return cell
