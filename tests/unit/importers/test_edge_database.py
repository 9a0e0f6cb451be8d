"""The older edge system's database: damaged, still written to, or made to harm."""

import sqlite3
from pathlib import Path

import pytest

from sja_units.errors import ConfigError
from sja_units.importers import edge as importer
from sja_units.importers.edge_database import check_quiet, read_database
from sja_units.importers.edge_settings import LOCAL
from sja_units.importers.takeover import Takeover
from tests.unit.importers.edge_system import EdgeSystem


@pytest.fixture
def edge(tmp_path: Path) -> EdgeSystem:
    return EdgeSystem(tmp_path / "db.sqlite3")


def take(edge: EdgeSystem) -> Takeover:
    tables = read_database(edge.path.read_bytes(), "db", importer.TABLES, importer.OPTIONAL)
    return importer.plan(tables, LOCAL)


VIEW = (
    "CREATE VIEW configuration_point AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
    "SELECT i + 1 FROM n) SELECT i AS id, 1 AS device_id, 1 AS template_id, i AS code, "
    "'40001' AS address, NULL AS extra FROM n"
)
MANY = (
    "INSERT INTO configuration_point (device_id) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
    "SELECT i + 1 FROM n WHERE i < 200000) SELECT i FROM n"
)


@pytest.mark.slow
@pytest.mark.parametrize(
    "statement",
    [
        f"DROP TABLE configuration_point; {VIEW}",
        MANY,
        "UPDATE configuration_acqtask SET name = hex(zeroblob(40000000))",
        "DROP TABLE configuration_site; "
        "CREATE VIRTUAL TABLE configuration_site USING fts5(id, code)",
    ],
)
def test_a_database_made_to_harm_is_one_line(edge: EdgeSystem, statement: str) -> None:
    edge.point("p", "40001")
    edge.database.executescript(statement)
    edge.database.commit()
    with pytest.raises(ConfigError) as caught:
        take(edge)
    assert len(caught.value.faults) == 1


def test_text_that_is_no_text_is_read(edge: EdgeSystem) -> None:
    edge.point("p", "40001")
    edge.database.execute("UPDATE configuration_acqtask SET name = CAST(x'ff41' AS TEXT)")
    edge.database.commit()
    assert "A" in take(edge).imports[0].title


def test_what_is_no_such_database_is_told(tmp_path: Path, edge: EdgeSystem) -> None:
    whole = edge.path.read_bytes()
    other = tmp_path / "other.sqlite3"
    sqlite3.connect(other).executescript("CREATE TABLE x (y)")
    for data in (b"", b"no database", whole[:5000], other.read_bytes(), b"SQLite format 3\0" * 99):
        with pytest.raises(ConfigError):
            read_database(data, "db", importer.TABLES)


def test_a_database_with_a_log_is_read_once_it_is_quiet(edge: EdgeSystem) -> None:
    edge.database.execute("PRAGMA journal_mode = WAL")
    edge.point("p", "40001")
    with pytest.raises(ConfigError):
        check_quiet(str(edge.path))
    edge.database.close()
    check_quiet(str(edge.path))
    assert len(take(edge).imports) == 1
