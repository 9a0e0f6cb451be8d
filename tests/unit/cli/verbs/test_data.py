"""`sjactl data`: what a job holds, in every form."""

import csv
import io
import json
from datetime import datetime
from pathlib import Path

import pytest

from sja_units.acquisition.config import SpoolConfig
from sja_units.acquisition.spool.writer import Spool
from tests.unit.acquisition.line_parser import parse_line
from tests.unit.cli.conftest import Sjactl

FILE = """
[sink]
{sink}
[[device]]
name = "press 1"
host = "192.0.2.10"
measurement = "hall"
tags = {{ site = "a" }}
  [[device.point]]
  name = "temperature"
  table = "holding"
  address = 100
  type = "float32"
  unit = "°C"
"""
SERIES = "hall,site=a"
SECOND = 10**9
START = 1_767_323_045 * SECOND  # 2026-01-02T03:04:05Z
COUNT = 100


@pytest.fixture
def spool(home: Path) -> Spool:
    """The spool of acquisition/line1: a line a second, two fields a line."""
    write_file(home, 'type = "local"')
    folder = home / "var/acquisition/line1/spool"
    spool = Spool(str(folder), SpoolConfig(2**28, 86400.0))
    for number in range(COUNT):
        at = START + number * SECOND
        line = f'{SERIES} temperature={number / 2},note="n {number}" {at}\n'
        spool.put(line.encode(), 1, at)
    return spool


def write_file(home: Path, sink: str) -> None:
    (home / "etc/acquisition/line1.toml").write_text(FILE.format(sink=sink))


@pytest.mark.usefixtures("spool")
def test_a_table_for_people(sjactl: Sjactl) -> None:
    said = sjactl("data", "line1", "--point", "temperature")
    assert said.status == 0
    heads, first, *rest = said.out.splitlines()
    assert heads.split() == ["TIME", "DEVICE", "POINT", "VALUE"]
    begin = datetime.fromisoformat("2026-01-02T03:04:05Z").astimezone()
    assert first.split() == [
        *begin.strftime("%Y-%m-%d %H:%M:%S.000").split(),
        "press",
        "1",
        "temperature",
        "0.0",
        "°C",
    ]
    assert len(rest) == COUNT - 1


@pytest.mark.usefixtures("spool")
def test_csv_and_json_lines_hold_the_same(sjactl: Sjactl) -> None:
    table = list(csv.DictReader(io.StringIO(sjactl("data", "line1", "--format", "csv").out)))
    said = sjactl("data", "line1", "--format", "jsonl").out
    rows = [json.loads(line) for line in said.splitlines()]
    assert len(table) == len(rows) == 2 * COUNT
    for cells, row in zip(table, rows, strict=True):
        assert cells == {key: str(row[key]) for key in cells}
    assert rows[0] == {
        "time": "2026-01-02T03:04:05.000000000Z",
        "device": "press 1",
        "point": "temperature",
        "value": 0.0,
        "unit": "°C",
        "quality": "good",
        "measurement": "hall",
        "tags": {"site": "a"},
    }


@pytest.mark.usefixtures("spool")
def test_line_protocol_is_what_was_written(sjactl: Sjactl) -> None:
    lines = sjactl("data", "line1", "--format", "line").out.splitlines()
    assert len(lines) == COUNT
    assert lines[3] == f'{SERIES} temperature=1.5,note="n 3" {START + 3 * SECOND}'
    only = sjactl("data", "line1", "--format", "line", "--point", "press 1.note", "-n", "1").out
    assert parse_line(only.strip()).fields == {"note": f"n {COUNT - 1}"}


@pytest.mark.usefixtures("spool")
def test_a_part_of_it(sjactl: Sjactl) -> None:
    def count(*words: str) -> int:
        said = sjactl("data", "line1", "--format", "jsonl", "--point", "note", *words)
        assert said.status == 0
        return len(said.out.splitlines())

    since = ["--since", "2026-01-02T03:04:15Z"]
    assert count(*since) == COUNT - 10
    assert count(*since, "--until", "2026-01-02T03:04:15.000000000Z") == 1
    assert count("--since", "-1h", "--until", "15min") == 0
    assert count("-n", "7") == 7
    assert count(*since, "-n", "1000") == COUNT - 10


@pytest.mark.usefixtures("spool")
def test_a_plot_of_one_point(sjactl: Sjactl) -> None:
    said = sjactl("data", "line1", "--point", "temperature", "--format", "plot")
    assert said.status == 0
    title, *lines = said.out.splitlines()
    assert title == "press 1.temperature, °C"
    assert all(len(line) <= 80 for line in lines)
    assert sjactl("data", "line1", "--format", "plot").status == 2
    assert sjactl("data", "line1", "--point", "note", "--format", "plot").status == 2


def test_of_a_database_s_job_only_what_it_lacks(home: Path, spool: Spool, sjactl: Sjactl) -> None:
    write_file(home, 'url = "http://127.0.0.1:8086"\ndatabase = "edge"')
    spool.reader.acknowledge(spool.reader.read(COUNT - 5))
    words = ["data", "line1", "--format", "line"]
    assert len(sjactl(*words).out.splitlines()) == 5
    spool.reader.acknowledge(spool.reader.read(100))
    said = sjactl("data", "line1")
    assert (said.status, said.out) == (0, "")
    assert "database" in said.err
    spool.close()


def test_a_broken_file_does_not_hide_the_data(home: Path, spool: Spool, sjactl: Sjactl) -> None:
    (home / "etc/acquisition/line1.toml").write_text("nonsense")
    assert len(sjactl("data", "line1", "--format", "csv").out.splitlines()) == 2 * COUNT + 1
    spool.close()


@pytest.mark.usefixtures("spool")
@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["line2"], 4),
        (["keepalive/line1"], 4),
        (["line1", "--since", "yesterday"], 2),
        (["line1", "--format", "xml"], 2),
        (["line1", "-n", "0"], 2),
        (["*"], 0),
    ],
)
def test_faults(sjactl: Sjactl, words: list[str], status: int) -> None:
    assert sjactl("data", *words).status == status


def test_a_job_that_has_never_run(home: Path, sjactl: Sjactl) -> None:
    write_file(home, 'type = "local"')
    said = sjactl("data", "line1")
    assert said.status == 1
    assert "never" in said.err
