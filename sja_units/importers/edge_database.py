"""The older edge system's SQLite file, read without touching it."""

import os
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from sja_units.errors import ConfigError

Rows = list[dict[str, Any]]

_MAGIC = b"SQLite format 3\0"
_WAL, _PLAIN = b"\x02\x02", b"\x01\x01"  # bytes 18 and 19: sqlite.org/fileformat.html


def read_database(data: bytes, where: str, tables: Mapping[str, Sequence[str]]) -> dict[str, Rows]:
    """Return all rows of these tables of a database's file.

    where: its path, for messages. Raises ConfigError where it is no such database.
    """
    if not data.startswith(_MAGIC):
        raise ConfigError(where, ["is not an SQLite database"])
    # What its log still holds is not in this file; see `check_quiet`.
    data = data[:18] + _PLAIN + data[20:] if data[18:20] == _WAL else data
    connection = sqlite3.connect(":memory:")
    try:
        connection.deserialize(data)
        connection.row_factory = sqlite3.Row
        connection.text_factory = lambda text: text.decode("utf-8", "replace")
        return {name: _read_table(connection, name, columns) for name, columns in tables.items()}
    except sqlite3.Error as error:
        raise ConfigError(where, [f"is damaged, or not the edge system's: {error}"]) from None
    finally:
        connection.close()


def check_quiet(path: str) -> None:
    """Raise ConfigError if the older system has written what is not in the file itself yet."""
    for ending in ("-wal", "-journal"):
        if os.path.isfile(path + ending) and os.path.getsize(path + ending):
            raise ConfigError(
                path, [f"is being written to ({path}{ending} holds more): stop the older system"]
            )


def _read_table(connection: sqlite3.Connection, name: str, columns: Sequence[str]) -> Rows:
    # The names are our own, not a person's.
    rows = connection.execute(f"SELECT {', '.join(columns)} FROM {name}")
    return [dict(row) for row in rows]
