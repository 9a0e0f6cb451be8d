"""Tasks of the older edge system become jobs."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sja_units.acquisition.config import AcquisitionConfig
from sja_units.acquisition.points.decode import make_decoder
from sja_units.acquisition.points.point import Point
from sja_units.config.job_file import parse
from sja_units.errors import ConfigError
from sja_units.importers import edge as importer
from sja_units.importers.edge_database import read_database
from sja_units.importers.edge_settings import LOCAL
from sja_units.importers.takeover import Import, Takeover
from tests.unit.importers.edge_system import EdgeSystem


@pytest.fixture
def edge(tmp_path: Path) -> EdgeSystem:
    return EdgeSystem(tmp_path / "db.sqlite3")


def take(edge: EdgeSystem, sink: str = LOCAL, *, decoded: bool = False) -> Takeover:
    data = edge.path.read_bytes()
    tables = read_database(data, "db", importer.TABLES, importer.OPTIONAL)
    return importer.plan(tables, sink, decoded=decoded)


def read(plan: Import) -> AcquisitionConfig:
    settings = parse("acquisition", plan.text, "x").settings
    assert isinstance(settings, AcquisitionConfig)
    return settings


def points_of(edge: EdgeSystem, *, decoded: bool = False) -> dict[str, Point]:
    (plan,) = take(edge, decoded=decoded).imports
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
    (plan,) = take(edge, decoded=True).imports
    assert plan.title == "task-海天注塑机"
    assert plan.job.name.startswith("task-")
    assert plan.wanted
    config = read(plan)
    assert (config.interval, config.sink.layout) == (1, "narrow")
    (device,) = config.devices
    assert (device.name, device.measurement, device.unit_id) == ("press1", "注塑机", 1)
    assert (device.timeout, dict(device.tags)) == (2, {"site": "hall-a"})
    (point,) = device.points
    assert (point.name, point.table, point.address) == ("temp_value", "holding", 100)
    assert (point.type, point.scale, point.unit, point.cn_name) == ("int16", 0.1, "°C", "温度")


def test_values_go_on_as_the_older_system_wrote_them(edge: EdgeSystem) -> None:
    """Raw and unscaled, several registers as a JSON text: their series and types continue."""
    edge.point("temp", "40101", {"type": "int16"}, coefficient="0.1000", data_type="int16")
    edge.point("energy", "40201", {"type": 3, "num": 2}, data_type="float")
    edge.point("lamps", "1", {"type": 1, "num": 3})
    (plan,) = take(edge).imports
    (device,) = read(plan).devices
    temp, energy, lamps = device.points
    assert (temp.name, temp.type, temp.scale, temp.write_as) == ("temp", "uint16", 1, "integer")
    assert (energy.size, energy.write_as) == (2, "json")
    assert make_decoder(energy)(bytes([0, 73, 0, 80]), 0) == "[73, 80]"
    assert (lamps.table, lamps.size) == ("coil", 3)
    assert make_decoder(lamps)(b"\x05", 0) == "[1, 0, 1]"


def test_what_was_right_before_keeps_its_name(edge: EdgeSystem) -> None:
    edge.point("same", "40001", {"type": 3}, coefficient="1")
    edge.point("other", "40002", {"type": 3}, coefficient="0.5")
    assert set(points_of(edge, decoded=True)) == {"same", "other_value"}


@pytest.mark.parametrize(
    ("address", "extra", "place"),
    [
        ("40001", None, ("holding", 0)),
        ("30011", None, ("holding", 10)),
        ("10001", None, ("holding", 0)),
        ("1", None, ("holding", 0)),
        ("1", {"type": 1}, ("coil", 0)),
        ("10011", {"type": 2}, ("discrete", 10)),
        ("100001", {"type": 3}, ("holding", 60000)),
        ("105536", {"type": 4}, ("input", 65535)),
        ("0", None, ("holding", 0)),
        ("40001", {"type": 3}, ("holding", 0)),
        ("40001", {"type": "3"}, ("holding", 0)),
        ("0", {"type": 4}, ("input", 0)),
        ("0", {"type": "int16"}, ("holding", 0)),
        ("101", {"type": "uint16"}, ("holding", 100)),
        ("40011", {"type": 4}, ("input", 10)),
        ("40011", {"type": 4.0, "num": 1.0}, ("input", 10)),
    ],
)
def test_an_address_is_what_the_older_reader_made_of_it(
    edge: EdgeSystem, address: str, extra: object, place: tuple[str, int]
) -> None:
    edge.point("p", address, extra)
    point = points_of(edge)["p"]
    assert (point.table, point.address) == place


@pytest.mark.parametrize(
    ("address", "extra"),
    [
        ("", None),
        ("four", {"type": 3}),
        ("-1", {"type": 3}),
        ("400001", None),
        ("105537", {"type": 3}),
        ("499999999", None),
        ("40001", {"num": 1000}),
        ("40001", {"num": -2}),
        ("1", {"type": 1, "num": 2001}),
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
    (point,) = points_of(edge, decoded=True).values()
    assert point.type == kind


@pytest.mark.parametrize("num", [2, 3])
def test_what_no_type_fits_is_left_out_of_decoded_values(edge: EdgeSystem, num: int) -> None:
    edge.point("good", "40001")
    edge.point("bad", "40002", {"num": num})
    assert set(points_of(edge, decoded=True)) == {"good"}
    assert set(points_of(edge)) == {"good", "bad"}


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
        edge.point(f"t{number}", f"{40001 + number}", {"type": 4})
    slow = edge.device(code="press2", metadata={"timeout": 60})
    edge.point("s", "40001", device=slow)
    usual = edge.device(code="press3", metadata={})
    edge.point("u", "40001", device=usual)
    found = take(edge)
    shown, late = found.notes
    assert "press1.t0" in shown
    assert "2 more" in shown
    assert "press2" in late
    assert "timeout" in late
    assert [d.timeout for d in read(found.imports[0]).devices] == [2, 30, 10]


def test_two_devices_of_one_code_keep_their_tag(edge: EdgeSystem) -> None:
    other = edge.add("configuration_site", code="hall-b", name="B")
    twin = edge.device(code="press1", site_id=other)
    edge.point("a", "40001")
    edge.point("b", "40001", device=twin)
    (plan,) = take(edge).imports
    first, second = read(plan).devices
    assert first.name != second.name
    assert {"device": first.name, **first.tags} == {"device": "press1", "site": "hall-a"}
    assert {"device": second.name, **second.tags} == {"device": "press1", "site": "hall-b"}


@pytest.mark.parametrize(
    ("status", "wanted"), [("running", True), ("failed", True), ("success", False)]
)
def test_the_first_release_s_runs_tell_what_ran(
    edge: EdgeSystem, status: str, wanted: bool
) -> None:
    edge.database.executescript(
        "DROP TABLE acquisition_acquisitionsession; CREATE TABLE configuration_taskrun "
        "(id integer PRIMARY KEY, task_id bigint, status text, log text)"
    )
    edge.add("configuration_taskrun", task_id=1, status="success")
    edge.add("configuration_taskrun", task_id=1, status=status)
    edge.point("p", "40001")
    assert take(edge).imports[0].wanted is wanted


def test_a_database_that_only_migrate_has_touched(edge: EdgeSystem) -> None:
    edge.database.execute("DROP TABLE acquisition_acquisitionsession")
    edge.point("p", "40001")
    assert not take(edge).imports[0].wanted


@pytest.mark.slow
def test_thousands_of_points(edge: EdgeSystem) -> None:
    template = edge.add("configuration_pointtemplate", name="温度", unit="°C")
    points = [(i, template, f"point{i}", str(40001 + i)) for i in range(1, 3001)]
    edge.database.executemany(
        "INSERT INTO configuration_point (id, device_id, template_id, code, address) "
        "VALUES (?, 1, ?, ?, ?)",
        points,
    )
    edge.database.executemany(
        "INSERT INTO configuration_taskpoint (task_id, point_id) VALUES (1, ?)",
        [(number,) for number, *_ in points],
    )
    edge.database.commit()
    assert len(points_of(edge)) == 3000


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
    decoded=st.booleans(),
)
def test_nothing_in_a_table_leads_to_more_than_a_line(
    columns: dict[str, Any], device: dict[str, Any], task: dict[str, Any], decoded: bool
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
            LOCAL,
            decoded=decoded,
        )
        assert found.imports or found.left
        for each in found.imports:
            with suppress(ConfigError):  # which is told, line by line
                parse("acquisition", each.text, "x")
