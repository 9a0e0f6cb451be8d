"""Points as a table beside the file."""

import os
import re
import tomllib
from pathlib import Path

import pytest

from sja_units.acquisition.config import AcquisitionConfig
from sja_units.acquisition.points.csv_table import COLUMNS, parse_point_table
from sja_units.acquisition.points.point import Point, read_point
from sja_units.acquisition.points.types import TYPES
from sja_units.acquisition.points.vendor_words import find_type
from sja_units.config.job_file import MAX_BYTES, parse
from sja_units.config.load import Source, load
from sja_units.errors import ConfigError
from sja_units.kinds import get_kind
from sja_units.toml.reader import Fault, TableReader
from tests.unit.settings import parse_acquisition

JOB = """# hall A
[sink]
type = "local"  # nothing leaves the host

# the old press
[[device]]
name = "press1"
host = "192.0.2.10"
points = "press1.csv"
unit_id = 3  # set by its switches
[device.tags]
site = "a"
"""
ROWS = [
    ["name", "table", "address", "type", "byte_order", "scale", "offset", "unit", "no_value"],
    ["temperature", "holding", "100", "float32", "CDAB", "", "", "°C", ""],
    ["", "", "", "", "", "", "", "", ""],
    ["注射 压力", "input", "0x10", "int16", "", "0.1", "-5", "bar", "-32768"],
]
POINTS = (
    Point("temperature", "holding", 100, 2, "float32", "CDAB", unit="°C", write_as="float"),
    Point("注射 压力", "input", 16, 1, "int16", scale=0.1, offset=-5, unit="bar", no_value=-32768),
)


def join(separator: str, rows: list[list[str]] = ROWS) -> str:
    return "".join(separator.join(row) + "\r\n" for row in rows)


def load_with(folder: Path, table: str | bytes, job: str = JOB) -> tuple[tuple[Point, ...], str]:
    """Return the points of the job's device, and the job's file as a worker gets it."""
    data = table if isinstance(table, bytes) else table.encode()
    (folder / "press1.csv").write_bytes(data)
    loaded = load("acquisition", Source(job, str(folder / "job.toml")))
    settings = parse("acquisition", loaded.text, "x").settings
    assert settings == loaded.file.settings
    assert isinstance(settings, AcquisitionConfig)
    return settings.devices[0].points, loaded.text


def faults_with(folder: Path, table: str | bytes, job: str = JOB) -> list[str]:
    with pytest.raises(ConfigError) as fault:
        load_with(folder, table, job)
    return [line.removeprefix(str(folder) + "/") for line in fault.value.faults]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_table_as_spreadsheets_write_it(tmp_path: Path, separator: str, mark: bytes) -> None:
    points, _ = load_with(tmp_path, mark + join(separator).encode())
    assert points == POINTS


def test_cells_may_be_quoted_and_padded(tmp_path: Path) -> None:
    table = 'name , table,address,type\n"a, ""b""", holding , 1 ,int16\n'
    points, _ = load_with(tmp_path, table)
    assert points == (Point('a, "b"', "holding", 1, 1, "int16"),)


def test_references_are_read_as_in_the_file(tmp_path: Path) -> None:
    points, _ = load_with(tmp_path, "name,reference,type\na,40101,int16\nb,010000,\nc,1,\n")
    assert [(point.table, point.address) for point in points] == [
        ("holding", 100),
        ("coil", 9999),
        ("coil", 0),
    ]


def test_the_job_s_file_keeps_all_else(tmp_path: Path) -> None:
    _, text = load_with(tmp_path, join(","))
    for kept in ("# hall A", "# nothing leaves the host", "# the old press", "# set by its swit"):
        assert kept in text
    values = tomllib.loads(text)
    assert values["device"][0]["tags"] == {"site": "a"}
    assert "points" not in values["device"][0]
    assert "press1.csv" in text  # where they came from
    # A line each, as in the table.
    assert len(re.findall(r"^ +\{ name = ", text, re.MULTILINE)) == 2


def test_a_file_without_tables_is_not_touched() -> None:
    text = JOB.replace('points = "press1.csv"', "") + (
        '[[device.point]]\nname="a" # x\ntable = "coil"\naddress = 1\n'
    )
    assert load("acquisition", Source(text, "x.toml")).text is text


def test_several_devices_and_folders(tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables/b.csv").write_text("name,table,address\nb,coil,2\n")
    second = '[[device]]\nname = "b"\nhost = "192.0.2.11"\npoints = "tables/b.csv"\n'
    _, text = load_with(tmp_path, join(","), JOB + second)
    settings = parse_acquisition(text)
    assert [[p.name for p in d.points] for d in settings.devices] == [
        ["temperature", "注射 压力"],
        ["b"],
    ]


def test_all_faults_at_once_by_file_and_row(tmp_path: Path) -> None:
    table = (
        "name;table;address;type;scale;bit;nonsense\n"
        "a;holding;70000;int16;often;;\n"
        "\n"
        "b;holding;1;int16;;;\n"
        "b;holding;2;;;;\n"
        "c;holding;x;bit;;3;\n"
        "d;holding;1;int16;;3;\n"
        "e;holding;1;int16;;;;;more\n"
    )
    job = JOB.replace("unit_id = 3", "unit_id = 300") + '[spool]\nmax_age = "x"\n'
    faults = faults_with(tmp_path, table, job)
    told = [re.sub(r"^(press1.csv: row \d+|line \d+).*", r"\1", fault) for fault in faults]
    assert sorted(told) == [
        "line 10",
        "line 14",
        "press1.csv: row 2",
        "press1.csv: row 2",
        "press1.csv: row 5",
        "press1.csv: row 6",
        "press1.csv: row 7",
        "press1.csv: row 8",
    ]
    assert any("address: " in fault and "70000" in fault for fault in faults)
    assert any("scale: " in fault and "a string" in fault for fault in faults)


VENDOR_TABLES = [
    (
        "\u540d\u79f0,\u5730\u5740,\u5bc4\u5b58\u5668\u7c7b\u578b,\u7c7b\u578b,\u5355\u4f4d,\u500d\u7387,\u5907\u6ce8\n"
        "temp,0100,\u4fdd\u6301\u5bc4\u5b58\u5668,REAL,\u00b0C,0.1,spare\n"
    ),
    "Name;Register;Function Code;Data Type;Units;Factor;Comment\ntemp;100;03;FLOAT;\u00b0C;0,1;x\n",
    (
        "TAG\tADDR\tTABLE\tDATATYPE\tUNIT\tSCALE\tR/W\n"
        "temp\t0x64\tHolding Register\tFloat32\t\u00b0C\t1e-1\tR\n"
    ),
    "name,address (dec),table,type,unit,\u7cfb\u6570,access\ntemp,100,4x,F32,\u00b0C,0.1,ro\n",
]


@pytest.mark.parametrize("table", VENDOR_TABLES)
def test_a_vendors_table_is_read_as_it_is(tmp_path: Path, table: str) -> None:
    (tmp_path / "press1.csv").write_text(table)
    loaded = load("acquisition", Source(JOB, str(tmp_path / "x.toml")))
    (point,) = parse_acquisition(loaded.text).devices[0].points
    assert (point.name, point.table, point.address, point.type) == (
        "temp",
        "holding",
        100,
        "float32",
    )
    assert (point.type, point.unit, point.scale) == ("float32", "\u00b0C", 0.1)
    (warning,) = loaded.warnings
    assert "row 1" in warning


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("INT16 INT short S16", "int16"),
        ("UINT16 WORD uint U16", "uint16"),
        ("DINT INT32 LONG s32", "int32"),
        ("UDINT DWORD UINT32", "uint32"),
        ("LINT INT64", "int64"),
        ("ULINT LWORD", "uint64"),
        ("REAL FLOAT FLOAT32 f32", "float32"),
        ("LREAL DOUBLE", "float64"),
        ("BCD BCD16", "bcd16"),
        ("M10K32", "m10k32"),
    ],
)
def test_types_have_the_names_of_iec_and_vendors(words: str, kind: str) -> None:
    assert {find_type(word) for word in words.split()} == {kind}


@pytest.mark.parametrize("name", ["press1.csv", "tables/press 1.csv"])
def test_a_table_that_is_newer_than_the_jobs_file_is_read_again(tmp_path: Path, name: str) -> None:
    job, table = tmp_path / "x.toml", tmp_path / name
    table.parent.mkdir(exist_ok=True)
    table.write_text("name,table,address\na,coil,1\n")
    text = JOB.replace("press1.csv", name)
    job.write_text(load("acquisition", Source(text, str(job))).text)
    table.write_text("name,table,address\nb,coil,2\n")
    for newer, points in ((-10, ["a"]), (10, ["b"])):
        moment = job.stat().st_mtime + newer
        os.utime(table, (moment, moment))
        restored = get_kind("acquisition").restore_tables(job.read_text(), str(job))
        loaded = load("acquisition", Source(restored, str(job)))
        assert [p.name for p in parse_acquisition(loaded.text).devices[0].points] == points
    table.unlink()
    restored = get_kind("acquisition").restore_tables(job.read_text(), str(job))
    assert restored == job.read_text()


def test_a_misspelt_column_is_told_once(tmp_path: Path) -> None:
    rows = "".join(f"p{i},holding,{i},int16\n" for i in range(100))
    (fault,) = faults_with(tmp_path, "name,table,address,typ\n" + rows)
    assert "row 1" in fault
    assert "'type'" in fault


@pytest.mark.parametrize(
    "table",
    [
        b"",
        b"name,table,address,type\n",
        b"name,table,address,type\n,,,\n",
        "name,table,address\n温,coil,1\n".encode("gb18030"),
        "name,table,address\na,coil,1\n".encode("utf-16"),
        b'name,table,address\n"a,coil,1\n',
        b'name,table,address\n"a"b,coil,1\n',
        b"name,table,address\na\0,coil,1\n",
        b"name,name,table,address\na,b,coil,1\n",
        b"name,table,address\na,coil,1,2,3\n",
        b"name,table,address\na,coil," + b"9" * 5000 + b"\n",
        b"#" * (1024 * 1024 + 1),
    ],
)
def test_what_is_no_table_is_told_in_few_lines(tmp_path: Path, table: bytes) -> None:
    faults = faults_with(tmp_path, table)
    assert all(fault.startswith("press1.csv: ") for fault in faults)
    assert len(faults) <= 2


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    job = JOB.replace("press1.csv", "nowhere.csv")
    (fault,) = faults_with(tmp_path, "", job)
    assert "nowhere.csv" in fault


def test_points_beside_a_table_are_refused(tmp_path: Path) -> None:
    job = JOB + '[[device.point]]\nname = "a"\ntable = "coil"\naddress = 1\n'
    (fault,) = faults_with(tmp_path, join(","), job)
    assert fault.startswith("line 9:")


@pytest.mark.slow
def test_more_points_than_a_worker_can_get(tmp_path: Path) -> None:
    rows = [[f"point-{i}", "holding", str(i), "int16"] for i in range(MAX_BYTES // 50)]
    (fault,) = faults_with(tmp_path, join(",", [["name", "table", "address", "type"], *rows]))
    assert "several jobs" in fault


def test_a_worker_says_what_to_do_about_a_table() -> None:
    with pytest.raises(ConfigError) as fault:
        parse("acquisition", JOB, "/etc/sja-units/acquisition/line1.toml")
    (line,) = fault.value.faults
    assert "sjactl apply JOB" in line


class _Asked(TableReader):
    """Notes which keys its readers ask for."""

    def __init__(self, values: dict[str, object], asked: set[str]) -> None:
        faults: list[Fault] = []
        super().__init__(values, (), faults)
        self.asked = asked

    def _take(self, key: str, *rest: object) -> object:
        self.asked.add(key)
        return super()._take(key, *rest)  # type: ignore[arg-type]

    def has(self, key: str) -> bool:
        self.asked.add(key)
        return super().has(key)


def test_columns_are_the_keys_of_a_point() -> None:
    asked: set[str] = set()
    for kind in TYPES:
        read_point(_Asked({"table": "holding", "type": kind}, asked), 125)
    assert asked == set(COLUMNS)


def test_rows_are_counted_as_spreadsheets_do() -> None:
    table = parse_point_table(b'name,table,address\n\n"a\nb",coil,1\n\nc,coil,2\n')
    assert [(row.number, row.values["name"]) for row in table.rows] == [(3, "a\nb"), (5, "c")]


SERVICE = """
url = "https://example.edu/"
[service]
MemoryMax = "64M"
Nice = 5
Environment = ["A=1", "B=2 C=张三"]
CacheDirectory = "%i"
"""


def test_directives_that_systemd_knows_are_taken() -> None:
    assert load("keepalive", Source(SERVICE, "x.toml")).file.service["Nice"] == ("5",)


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('MemoryMx = "64M"', "MemoryMx"),
        ('ReadWritePath = ["/srv/data"]', "ReadWritePath"),
        ('ProtectHome = "maybe"', "ProtectHome"),
        ('LimitNOFILE = ["1000", "many"]', "LimitNOFILE"),
        ('After = "network.target"', "After"),
    ],
)
def test_directives_that_systemd_would_ignore_are_refused(line: str, key: str) -> None:
    with pytest.raises(ConfigError) as fault:
        load("keepalive", Source(f"{SERVICE}{line}\nCPUQuota = 20\n", "x.toml"))
    first, second = fault.value.faults
    assert f"service.{key}" in first
    assert "service.CPUQuota" in second
