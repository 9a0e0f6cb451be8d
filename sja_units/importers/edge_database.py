"""The older edge system's SQLite file, read without touching it.

It may be damaged, or made to harm: only plain tables are read, for a bounded time, into bounded
memory.
"""

import os
import sqlite3
import time
from collections.abc import Mapping, Sequence
from typing import Any

from sja_units.errors import ConfigError

Rows = list[dict[str, Any]]
Columns = Mapping[str, Sequence[str]]  # by table

_MAGIC = b"SQLite format 3\0"
_WAL, _PLAIN = b"\x02\x02", b"\x01\x01"  # bytes 18 and 19: sqlite.org/fileformat.html
_MAX_ROWS = 100_000  # of one table
_MAX_VALUE = 1024 * 1024  # bytes
_MAX_SECONDS = 20.0


class _TooLong(Exception):
    """Reading takes longer than any database of theirs needs."""


def read_database(
    data: bytes, where: str, tables: Columns, optional: Columns | None = None
) -> dict[str, Rows]:
    """Return all rows of these tables of a database's file; optional ones may be missing.

    where: its path, for messages. Raises ConfigError where it is no such database.
    """
    if not data.startswith(_MAGIC):
        raise ConfigError(where, ["is not an SQLite database"])
    # What its log still holds is not in this file; see `check_quiet`.
    data = data[:18] + _PLAIN + data[20:] if data[18:20] == _WAL else data
    connection = sqlite3.connect(":memory:")
    try:
        connection.deserialize(data)
        del data
        _bound(connection)
        found = _list_tables(connection)
        wanted = {**tables, **{name: c for name, c in (optional or {}).items() if name in found}}
        if missing := [name for name in tables if name not in found]:
            raise ConfigError(where, [f"is not the edge system's: it has no table {missing[0]}"])
        return {name: _read_table(connection, name, columns) for name, columns in wanted.items()}
    except _TooLong as error:
        raise ConfigError(where, [f"is not the edge system's: {error}"]) from None
    except (sqlite3.Error, OverflowError) as error:
        reason = "reading it takes too long" if "interrupted" in str(error) else str(error)
        raise ConfigError(where, [f"is damaged, or not the edge system's: {reason}"]) from None
    finally:
        connection.close()


def check_quiet(path: str) -> None:
    """Raise ConfigError if the older system has written what is not in the file itself yet."""
    for ending in ("-wal", "-journal"):
        if os.path.isfile(path + ending) and os.path.getsize(path + ending):
            raise ConfigError(
                path, [f"is being written to ({path}{ending} holds more): stop the older system"]
            )


def _bound(connection: sqlite3.Connection) -> None:
    connection.row_factory = sqlite3.Row
    connection.text_factory = lambda text: text.decode("utf-8", "replace")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_VALUE)
    connection.execute("PRAGMA trusted_schema = OFF")
    deadline = time.monotonic() + _MAX_SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > deadline, 100_000)


def _list_tables(connection: sqlite3.Connection) -> set[str]:
    """Return the names of plain tables; a view or a virtual table could be without end."""
    rows = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL TABLE%'"
    )
    return {row["name"] for row in rows}


def _read_table(connection: sqlite3.Connection, name: str, columns: Sequence[str]) -> Rows:
    # The names are our own, not a person's.
    cursor = connection.execute(f"SELECT {', '.join(columns)} FROM {name}")
    rows = cursor.fetchmany(_MAX_ROWS + 1)
    if len(rows) > _MAX_ROWS:
        raise _TooLong(f"table {name} has more than {_MAX_ROWS} rows")
    return [dict(row) for row in rows]
