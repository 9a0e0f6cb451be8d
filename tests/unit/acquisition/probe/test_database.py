"""Databases asked once, for `sjactl probe`."""

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from sja_units.acquisition.config import AcquisitionConfig
from sja_units.acquisition.influxdb.api import Rejected
from sja_units.acquisition.influxdb.client import Uploader
from sja_units.acquisition.probe.database import find_type, probe_sink
from sja_units.acquisition.sink_config import SinkConfig
from sja_units.config.job_file import parse
from tests.unit.acquisition.database import Database
from tests.unit.acquisition.harness import free_port

FILE = """
[sink]
type = "local"
[[device]]
name = "d"
host = "127.0.0.1"
measurement = 'hall "1"'
[[device.point]]
name = "t"
table = "holding"
address = 0
type = "int16"
scale = 0.1
[[device.point]]
name = "u"
table = "holding"
address = 1
type = "uint16"
{extra}
"""


def read_settings(extra: str = "") -> AcquisitionConfig:
    settings = parse("acquisition", FILE.format(extra=extra), "x").settings
    assert isinstance(settings, AcquisitionConfig)
    return settings


DEVICES = read_settings().devices


@pytest.mark.parametrize(
    ("extra", "kind"),
    [
        ("", "integer"),
        ("offset = 0.5", "float"),
        ('write_as = "unsigned"', "unsigned"),
        ('write_as = "float"', "float"),
        ("no_value = 0", "integer"),
    ],
)
def test_a_point_tells_the_type_of_its_field(extra: str, kind: str) -> None:
    assert find_type(read_settings(extra).devices[0].points[1]) == kind


@pytest.fixture
def sink(database: Database) -> SinkConfig:
    return SinkConfig("influxdb", "wide", database.url, "edge")


def test_a_database_that_takes_values_gets_none(database: Database, sink: SinkConfig) -> None:
    report = probe_sink(sink)
    assert report.is_fine
    assert report.hint == ""
    assert [path for path, _ in database.requests] == ["/write?db=edge&precision=ns"]
    assert database.values == {}


@pytest.mark.parametrize(
    ("status", "body", "is_fine"),
    [
        (400, '{"code":"invalid","message":"writing requires points"}', True),
        (400, '{"code":"invalid","message":"Please provide either orgID or org"}', False),
        (401, '{"error":"authorization failed"}', False),
        (403, '{"error":"w may not write"}', False),
        (404, '{"error":"database not found"}', False),
        (500, "", False),
        (429, "", False),
        (200, "<html>a proxy</html>", False),
    ],
)
@pytest.mark.parametrize("bucket", ["", "b"])
def test_what_a_database_answers(
    database: Database, sink: SinkConfig, status: int, body: str, is_fine: bool, bucket: str
) -> None:
    if bucket:
        sink = sink._replace(database="", bucket=bucket, org="o", token="made-up")
    database.rule = lambda _: (status, body)
    report = probe_sink(sink)
    assert report.is_fine is is_fine
    assert bool(report.hint) is not is_fine
    assert "made-up" not in report.message + report.hint


@pytest.mark.parametrize("known", ["integer", "string", "boolean", "float", ""])
def test_the_types_that_a_database_has_are_compared(
    database: Database, sink: SinkConfig, known: str
) -> None:
    def tell(path: str) -> tuple[int, str]:
        words = parse_qs(urlsplit(path).query)
        assert words["db"] == ["edge"]
        if words["q"] != ['SHOW FIELD KEYS FROM "hall \\"1\\""']:
            return 400, ""
        rows = [["t", known], ["other", "string"]] if known else []
        columns = ["fieldKey", "fieldType"]
        series = [{"name": 'hall "1"', "columns": columns, "values": rows}]
        return 200, json.dumps({"results": [{"statement_id": 0, "series": series}]})

    database.tell = tell
    report = probe_sink(sink, DEVICES)
    assert report.is_fine is (known in ("float", ""))
    if not report.is_fine:
        assert "t of hall" in report.message
        assert known in report.message
        assert "float" in report.message
        assert report.hint
    assert database.values == {}


@pytest.mark.parametrize(
    "answer", [(404, ""), (401, "{}"), (200, "<html>"), (200, "[]"), (200, '{"results": [3]}')]
)
def test_a_database_that_tells_no_types_is_well(
    database: Database, sink: SinkConfig, answer: tuple[int, str]
) -> None:
    database.tell = lambda _: answer
    assert probe_sink(sink, DEVICES).is_fine


@pytest.mark.parametrize("token", ["在此填写令牌", "made-up\nX: y"])
def test_a_request_that_cannot_be_sent_is_an_answer_without_the_secret(
    database: Database, sink: SinkConfig, token: str
) -> None:
    result = Uploader(sink._replace(database="", bucket="b", token=token)).send(b"m v=1 1\n")
    assert isinstance(result, Rejected)
    assert result.message
    assert "made-up" not in result.message
    assert database.requests == []


def test_no_database(tmp_path: Path) -> None:
    away = SinkConfig("influxdb", "wide", f"http://127.0.0.1:{free_port()}", "edge")
    assert not probe_sink(away).is_fine
    no_certificates = away._replace(url="https://127.0.0.1", ca_file=str(tmp_path / "none.pem"))
    assert "none.pem" in probe_sink(no_certificates).message
    assert probe_sink(SinkConfig("local", "wide")).is_fine
