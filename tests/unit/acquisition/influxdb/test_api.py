from email.utils import formatdate
from time import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sja_units.acquisition.config import SinkConfig
from sja_units.acquisition.influxdb.api import LONGEST_RETRY_AFTER, judge, make_target


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (204, "", "written"),
        (200, "", "written"),
        (200, "{}", "written"),
        (200, '{"results": [{}]}', "written"),
        (200, '{"error": "timeout"}', "later"),
        (200, "<html>Please log in</html>", "later"),
        (200, "[]", "later"),
        (301, "", "refused"),
        (307, "", "refused"),
        (400, '{"error": "partial write: field type conflict dropped=1"}', "split"),
        (422, '{"code": "unprocessable entity", "message": "x"}', "split"),
        (400, "<html>The plain HTTP request was sent to HTTPS port</html>", "refused"),
        (401, '{"error": "authorization failed"}', "refused"),
        (403, "", "refused"),
        (404, '{"error": "database not found"}', "refused"),
        (405, "", "refused"),
        (408, "", "later"),
        (413, '{"error": "Request Entity Too Large"}', "halve"),
        (429, "", "later"),
        (500, "", "later"),
        (500, '{"error": "partial write: timeout"}', "later"),
        (500, '{"message": "unexpected error: partial write: field type conflict"}', "split"),
        (503, "<html>", "later"),
        (599, "", "later"),
    ],
)
def test_what_an_answer_means(status: int, body: str, kind: str) -> None:
    assert judge(status, {}, body.encode()).kind == kind


def test_the_reason_is_told() -> None:
    verdict = judge(400, {}, b'{"error": "unable to parse\\n \'m\'"}')
    assert verdict.message == "400: unable to parse 'm'"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7),
        ("1000000000", LONGEST_RETRY_AFTER),
        ("-5", 0),
        ("nan", 0),
        ("soon", 0),
        ("", 0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Mon, 01 Jan 99999999999 00:00:00 GMT", 0),
    ],
)
def test_retry_after_is_heeded_within_reason(text: str, seconds: float) -> None:
    assert judge(503, {"retry-after": text}, b"").wait == seconds


def test_retry_after_may_be_a_date() -> None:
    date = formatdate(time() + 60, usegmt=True)
    assert 30 < judge(429, {"retry-after": date}, b"").wait <= 60


@pytest.mark.slow
@given(st.text() | st.from_regex(r"(Mon,)? ?\d* Jan \d+( \d*:\d*){0,3} (GMT|[+-]\d+)"))
def test_no_retry_after_whatever_it_says_is_a_failure_of_ours(text: str) -> None:
    assert 0 <= judge(503, {"retry-after": text}, b"").wait <= LONGEST_RETRY_AFTER


@pytest.mark.parametrize(("status", "kind"), [(200, "later"), (400, "split"), (503, "later")])
@pytest.mark.parametrize("body", [b"[" * 60_000, b'{"a":' * 10_000, b'{"a": ' + b"1" * 9999])
def test_json_that_nobody_can_read_is_none(status: int, kind: str, body: bytes) -> None:
    assert judge(status, {}, body).kind == kind


def test_the_1x_request() -> None:
    sink = SinkConfig("influxdb", "wide", "http://h:8086", "my db", "edge", "pass word")
    path, headers = make_target(sink)
    assert path == "/write?db=my+db&precision=ns"
    assert headers["Authorization"] == "Basic ZWRnZTpwYXNzIHdvcmQ="


def test_the_2x_request() -> None:
    sink = SinkConfig("influxdb", "wide", "https://h/influx/", org="o", bucket="b", token="made-up")
    path, headers = make_target(sink)
    assert path == "/influx/api/v2/write?org=o&bucket=b&precision=ns"
    assert headers["Authorization"] == "Token made-up"
