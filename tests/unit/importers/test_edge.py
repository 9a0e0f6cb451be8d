"""Tasks of the older edge system become jobs."""

import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sja_units.acquisition.config import AcquisitionConfig
from sja_units.acquisition.points.point import Point
from sja_units.config.job_file import parse
from sja_units.errors import ConfigError
from sja_units.importers import edge as importer
from sja_units.importers.edge_database import check_quiet, read_database
from sja_units.importers.takeover import Import, Takeover
from tests.unit.importers.edge_system import EdgeSystem


@pytest.fixture
def edge(tmp_path: Path) -> EdgeSystem:
    return EdgeSystem(tmp_path / "db.sqlite3")


def take(edge: EdgeSystem, sink: str = importer.LOCAL) -> Takeover:
    data = edge.path.read_bytes()
    return importer.plan(read_database(data, "db", importer.TABLES), sink)


def read(plan: Import) -> AcquisitionConfig:
    settings = parse("acquisition", plan.text, "x").settings
    assert isinstance(settings, AcquisitionConfig)
    return settings


def points_of(edge: EdgeSystem) -> dict[str, Point]:
    (plan,) = take(edge).imports
    return {point.name: point for device in read(plan).devices for point in device.points}


def test_a_task_becomes_a_job(edge: EdgeSystem) -> None:
    edge.point(
        "temp",
        "40101",
        {"type": "int16"},
        name="温度",
        unit="°C",
        coefficient="0.1000",
        data_type="int16",
    )
    (plan,) = take(edge).imports
    assert plan.title == "task-海天注塑机"
    assert plan.job.name.startswith("task-")
    assert plan.wanted
    config = read(plan)
    assert (config.interval, config.sink.layout) == (1, "narrow")
    (device,) = config.devices
    assert (device.name, device.measurement, device.unit_id) == ("press1", "注塑机", 1)
    assert (device.timeout, dict(device.tags)) == (2, {"site": "hall-a"})
    (point,) = device.points
    assert (point.name, point.table, point.address) == ("temp", "holding", 100)
    assert (point.type, point.scale, point.unit, point.cn_name) == ("int16", 0.1, "°C", "温度")


@pytest.mark.parametrize(
    ("address", "extra", "place"),
    [
        ("40001", None, ("holding", 0)),
        ("400001", None, ("holding", 0)),
        ("30011", None, ("input", 10)),
        ("10001", None, ("discrete", 0)),
        ("1", None, ("coil", 0)),
        ("40001", {"type": 3}, ("holding", 0)),
        ("40001", {"type": "3"}, ("holding", 0)),
        ("0", {"type": 4}, ("input", 0)),
        ("0", {"type": "int16"}, ("holding", 0)),
        ("101", {"type": "uint16"}, ("holding", 100)),
        ("40011", {"type": 4}, ("input", 10)),
        ("40011", {"type": 4.0, "num": 1.0}, ("input", 10)),
    ],
)
def test_an_address_is_never_a_guess(
    edge: EdgeSystem, address: str, extra: object, place: tuple[str, int]
) -> None:
    edge.point("p", address, extra)
    point = points_of(edge)["p"]
    assert (point.table, point.address) == place


@pytest.mark.parametrize(
    ("address", "extra"),
    [
        ("0", None),
        ("", None),
        ("four", {"type": 3}),
        ("-1", {"type": 3}),
        ("499999999", None),
        ("40001", {"num": 2}),
        ("40001", {"num": 3}),
        ("40001", {"num": 1000}),
        ("1", {"type": 1, "num": 4}),
    ],
)
def test_what_cannot_be_known_is_left_out_and_told(
    edge: EdgeSystem, address: str, extra: object
) -> None:
    edge.point("good", "40001")
    edge.point("bad", address, extra)
    found = take(edge)
    assert any("press1.bad" in line for line in found.left)
    assert set(points_of(edge)) == {"good"}


@pytest.mark.parametrize(
    ("extra", "data_type", "kind"),
    [
        (None, None, "uint16"),
        ({"type": 3}, "int16", "int16"),
        ({"type": 3}, "float", "uint16"),  # one register is no float
        ({"type": 3, "num": 2}, "float", "float32"),
        ({"type": "float32", "num": 2}, "int32", "float32"),
        ({"type": "int16", "num": "2"}, "DINT", "int32"),
        ({"type": 3, "num": 4}, "double", "float64"),
    ],
)
def test_a_type_is_what_fits_the_registers(
    edge: EdgeSystem, extra: object, data_type: str | None, kind: str
) -> None:
    edge.point("p", "40001", extra, name="x", data_type=data_type)
    assert points_of(edge)["p"].type == kind


@pytest.mark.parametrize(
    ("statuses", "wanted"),
    [
        (["running"], True),
        (["error"], True),
        (["running", "stopped"], False),
        (["stopped", "running"], True),
        (["paused"], False),
        ([], False),
    ],
)
def test_what_ran_or_had_failed_is_wanted(
    edge: EdgeSystem, statuses: list[str], wanted: bool
) -> None:
    edge.database.execute("DELETE FROM acquisition_acquisitionsession")
    edge.point("p", "40001")
    for status in statuses:
        edge.session(status)
    edge.database.commit()
    assert take(edge).imports[0].wanted is wanted


def test_a_coil_is_written_as_it_was(edge: EdgeSystem) -> None:
    edge.point("lamp", "1", {"type": 1}, name="灯", unit="on")
    point = points_of(edge)["lamp"]
    assert (point.table, point.write_as) == ("coil", "integer")
    assert (point.unit, point.cn_name) == ("on", "灯")


def test_what_is_to_be_looked_at_is_told_once(edge: EdgeSystem) -> None:
    for number in range(5):
        edge.point(f"t{number}", f"{40001 + number}", name=f"T{number}", coefficient="0.1")
    slow = edge.device(code="press2", metadata={"timeout": 60})
    edge.point("s", "40001", device=slow)
    scaled, late = take(edge).notes
    assert "press1.t0" in scaled
    assert "2 more" in scaled
    assert "press2" in late
    assert "timeout" in late


def test_a_single_read_is_no_session(edge: EdgeSystem) -> None:
    edge.point("p", "40001")
    metadata = {"single_acquisition": True}
    edge.add("acquisition_acquisitionsession", task_id=1, status="stopped", metadata=metadata)
    assert take(edge).imports[0].wanted


def test_what_cannot_be_read_is_left_out_and_told(edge: EdgeSystem) -> None:
    edge.point("good", "40001")
    edge.point("bad", "40002", "{broken")
    broken = edge.device(code="press2", metadata="[1]")
    edge.point("other", "40001", device=broken)
    found = take(edge)
    assert any("press1.bad" in line for line in found.left)
    assert any("press2" in line for line in found.left)
    assert set(points_of(edge)) == {"good"}


def test_a_task_that_was_switched_off_is_not_wanted(edge: EdgeSystem) -> None:
    edge.point("p", "40001")
    edge.database.execute("UPDATE configuration_acqtask SET is_active = 0")
    edge.database.commit()
    assert not take(edge).imports[0].wanted


def test_what_is_not_modbus_is_told(edge: EdgeSystem) -> None:
    plc = edge.device(code="plc1", protocol="plc")
    edge.point("a", "40001", device=plc)
    edge.point("b", "40002", device=plc)
    found = take(edge)
    assert found.imports == ()
    assert any("plc" in line and "2 points" in line for line in found.left)


def test_a_schedule_that_nobody_knows_is_told(edge: EdgeSystem) -> None:
    edge.point("p", "40001")
    for schedule, interval in [("5", 5), ("10s", 10), ("*/5 * * * *", 1)]:
        edge.database.execute("UPDATE configuration_acqtask SET schedule = ?", [schedule])
        edge.database.commit()
        found = take(edge)
        assert read(found.imports[0]).interval == interval
        assert bool(found.notes) == ("*" in schedule)


def test_where_values_go_is_as_the_older_system_had_it(edge: EdgeSystem) -> None:
    edge.point("p", "40001")
    environment = {"INFLUXDB_HOST": "db", "INFLUXDB_BUCKET": "b", "INFLUXDB_TOKEN": "made-up"}
    sink = importer.compose_sink(environment)
    assert sink is not None
    config = read(take(edge, sink).imports[0])
    assert (config.sink.url, config.sink.bucket) == ("http://db:8086", "b")
    assert importer.compose_sink({}) is None
    with pytest.raises(ConfigError):
        importer.compose_sink({"INFLUXDB_URL": "http://db"})


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


JUNK = st.one_of(st.none(), st.integers(-(2**40), 2**40), st.floats(), st.text(), st.binary())


@given(
    columns=st.fixed_dictionaries(
        dict.fromkeys(("code", "address", "extra", "name", "unit", "coefficient"), JUNK)
        | {"data_type": JUNK}
    ),
    device=st.fixed_dictionaries(
        dict.fromkeys(("code", "protocol", "ip_address", "port", "metadata"), JUNK)
    ),
    task=st.fixed_dictionaries(dict.fromkeys(("code", "name", "schedule", "is_active"), JUNK)),
)
def test_nothing_in_a_table_leads_to_more_than_a_line(
    columns: dict[str, Any], device: dict[str, Any], task: dict[str, Any]
) -> None:
    usual = {"protocol": "modbus", "ip_address": "192.0.2.1", "code": "d"}
    for junk in (device, {**device, **usual}):
        found = importer.plan(
            {
                "configuration_site": [{"id": 1, "code": columns["name"]}],
                "configuration_device": [{"id": 1, "site_id": 1, **junk}],
                "configuration_pointtemplate": [{"id": 1, **columns}],
                "configuration_point": [{"id": 1, "device_id": 1, "template_id": 1, **columns}],
                "configuration_acqtask": [{"id": 1, **task}],
                "configuration_taskpoint": [
                    {"id": 1, "task_id": 1, "point_id": 1, "overrides": columns["extra"]}
                ],
                "acquisition_acquisitionsession": [
                    {"id": 1, "task_id": 1, "status": columns["name"], "metadata": columns["extra"]}
                ],
            },
            importer.LOCAL,
        )
        assert found.imports or found.left
        for each in found.imports:
            with suppress(ConfigError):  # which is told, line by line
                parse("acquisition", each.text, "x")
