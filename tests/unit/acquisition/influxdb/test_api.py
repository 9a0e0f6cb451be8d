from email.utils import formatdate
from time import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sja_units.acquisition.influxdb.api import (
    LONGEST_RETRY_AFTER,
    BadRequest,
    Rejected,
    Result,
    Retry,
    TooLarge,
    Written,
    classify,
    make_target,
)
from sja_units.acquisition.sink_config import SinkConfig


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (204, "", Written),
        (200, "", Written),
        (200, "{}", Written),
        (200, '{"results": [{}]}', Written),
        (200, '{"error": "timeout"}', Retry),
        (200, "<html>Please log in</html>", Retry),
        (200, "[]", Retry),
        (200, '{"message": "Access denied"}', Retry),
        (200, '{"status": "ok"}', Retry),
        (200, '{"results": [{"error": "timeout"}]}', Retry),
        (200, '{"results": "none"}', Retry),
        (200, '{"results": [{}], "message": "x"}', Retry),
        (200, "ok", Retry),
        (202, '{"accepted": 1}', Retry),
        (204, "<html>", Written),
        (301, "", Rejected),
        (307, "", Rejected),
        (400, '{"error": "partial write: field type conflict dropped=1"}', BadRequest),
        (422, '{"code": "unprocessable entity", "message": "x"}', BadRequest),
        (400, "<html>The plain HTTP request was sent to HTTPS port</html>", Rejected),
        (401, '{"error": "authorization failed"}', Rejected),
        (403, "", Rejected),
        (404, '{"error": "database not found"}', Rejected),
        (405, "", Rejected),
        (408, "", Retry),
        (413, '{"error": "Request Entity Too Large"}', TooLarge),
        (429, "", Retry),
        (500, "", Retry),
        (500, '{"error": "partial write: timeout"}', Retry),
        (500, '{"message": "unexpected error: partial write: field type conflict"}', BadRequest),
        (503, "<html>", Retry),
        (599, "", Retry),
    ],
)
def test_what_an_answer_means(status: int, body: str, kind: type[Result]) -> None:
    assert isinstance(classify(status, {}, body.encode()), kind)


def test_the_reason_is_told() -> None:
    result = classify(400, {}, b'{"error": "unable to parse\\n \'m\'"}')
    assert result.message == "400: unable to parse 'm'"


def wait_of(headers: dict[str, str]) -> float:
    result = classify(503, headers, b"")
    assert isinstance(result, Retry)
    return result.wait


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
    assert wait_of({"retry-after": text}) == seconds


def test_retry_after_may_be_a_date() -> None:
    date = formatdate(time() + 60, usegmt=True)
    assert 30 < wait_of({"retry-after": date}) <= 60


@pytest.mark.slow
@given(st.text() | st.from_regex(r"(Mon,)? ?\d* Jan \d+( \d*:\d*){0,3} (GMT|[+-]\d+)"))
def test_no_retry_after_whatever_it_says_is_a_failure_of_ours(text: str) -> None:
    assert 0 <= wait_of({"retry-after": text}) <= LONGEST_RETRY_AFTER


@pytest.mark.parametrize(("status", "kind"), [(200, Retry), (400, BadRequest), (503, Retry)])
@pytest.mark.parametrize("body", [b"[" * 60_000, b'{"a":' * 10_000, b'{"a": ' + b"1" * 9999])
def test_json_that_nobody_can_read_is_none(status: int, kind: type[Result], body: bytes) -> None:
    assert isinstance(classify(status, {}, body), kind)


def test_the_1x_request() -> None:
    sink = SinkConfig("influxdb", "wide", "http://h:8086", "my db", "edge", "pass word")
    path, headers = make_target(sink)
    assert path == "/write?db=my+db&precision=ns"
    assert headers["Authorization"] == "Basic ZWRnZTpwYXNzIHdvcmQ="


def test_a_retention_policy_and_a_user() -> None:
    sink = SinkConfig("influxdb", "wide", "http://h", "d", retention_policy="two weeks")
    assert make_target(sink)[0] == "/write?db=d&precision=ns&rp=two+weeks"
    sink = SinkConfig("influxdb", "wide", "http://h", "", "edge", "secret", bucket="b")
    path, headers = make_target(sink)
    assert path == "/api/v2/write?org=&bucket=b&precision=ns"
    assert headers["Authorization"] == "Basic ZWRnZTpzZWNyZXQ="


def test_the_3x_request() -> None:
    sink = SinkConfig("influxdb", "wide", "https://h/x/", "d", token="made-up")
    path, headers = make_target(sink)
    assert path == "/x/api/v3/write_lp?db=d&precision=nanosecond&accept_partial=true"
    assert headers["Authorization"] == "Bearer made-up"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_told_with_its_target(status: int) -> None:
    result = classify(status, {"location": "https://db.example/write?u=edge&p=secret"}, b"<html>")
    assert isinstance(result, Rejected)
    assert "https://db.example/write" in result.message
    assert "secret" not in result.message
    assert str(status) in classify(status, {}, b"<html>moved</html>").message


def test_the_2x_request() -> None:
    sink = SinkConfig("influxdb", "wide", "https://h/influx/", org="o", bucket="b", token="made-up")
    path, headers = make_target(sink)
    assert path == "/influx/api/v2/write?org=o&bucket=b&precision=ns"
    assert headers["Authorization"] == "Token made-up"
