"""What each service is sent, as its own documentation asks for it."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sja_units.alerts.decide import is_quiet
from sja_units.alerts.formats import describe, judge_answer, make_post
from sja_units.config.host import FORMATS, Alert, Format
from sja_units.url import Address, parse_address

DOCUMENT = {
    "event": "failed",
    "host": "gw1",
    "job": "acquisition/line1",
    "title": "1号线",
    "status": "no route to <host> & more",
    "error": {"message": "exit status 78"},
}


def address(text: str = "https://hook.example/a/b?key=x") -> Address:
    found = parse_address(text)
    assert found
    return found


def send(form: Format, url: str = "https://hook.example/a/b?key=x", secret: str = "") -> Any:
    post = make_post(form, address(url), DOCUMENT, secret, 1_700_000_000.5)
    return post.address.url, json.loads(post.body)


def test_programs_get_all_of_it() -> None:
    assert send("json") == ("https://hook.example/a/b?key=x", DOCUMENT)


def test_ntfy_is_asked_above_its_topic() -> None:
    url, body = send("ntfy", "https://ntfy.example/factory/")
    assert (url, body["topic"]) == ("https://ntfy.example/", "factory")
    assert "acquisition/line1 failed" in body["title"]
    assert 1 <= body["priority"] <= 5
    url, body = send("ntfy", "https://example.org/ntfy/t?auth=x")
    assert (url, body["topic"]) == ("https://example.org/ntfy/?auth=x", "t")


def test_slack_reads_no_markup() -> None:
    _, body = send("slack")
    assert "&lt;host&gt; &amp; more" in body["text"]


def test_discord_pings_nobody() -> None:
    _, body = send("discord")
    assert body["allowed_mentions"] == {"parse": []}
    assert len(body["content"]) <= 2000


@pytest.mark.parametrize("form", ["dingtalk", "wecom"])
def test_robots_get_a_text(form: Format) -> None:
    _, body = send(form)
    assert body["msgtype"] == "text"
    assert "gw1: acquisition/line1 failed" in body["text"]["content"]


def test_feishu_gets_a_text() -> None:
    _, body = send("feishu")
    assert body["msg_type"] == "text"
    assert "exit status 78" in body["content"]["text"]
    assert "sign" not in body


def test_dingtalk_s_signature() -> None:
    url, _ = send("dingtalk", secret="SECx")
    query = parse_qs(urlsplit(url).query)
    (moment,), (sign,) = query["timestamp"], query["sign"]
    assert (moment, query["key"]) == ("1700000000500", ["x"])
    right = hmac.new(b"SECx", f"{moment}\nSECx".encode(), hashlib.sha256).digest()
    assert base64.b64decode(sign) == right


def test_feishu_s_signature() -> None:
    _, body = send("feishu", secret="x")
    assert body["timestamp"] == "1700000000"
    right = hmac.new(b"1700000000\nx", b"", hashlib.sha256).digest()
    assert base64.b64decode(body["sign"]) == right


@pytest.mark.parametrize("form", FORMATS)
def test_long_words_are_cut_to_what_all_take(form: Format) -> None:
    long = {**DOCUMENT, "status": "压" * 5000}
    post = make_post(form, address(), long, "", 0)
    if form != "json":
        text = json.dumps(json.loads(post.body), ensure_ascii=False)
        assert len(text.encode()) < 2300
        assert "acquisition/line1" in text


@given(st.binary(max_size=200), st.sampled_from(FORMATS))
def test_no_answer_breaks_anything(body: bytes, form: Format) -> None:
    assert isinstance(judge_answer(form, body), str)


KEYS = st.sampled_from(["errcode", "code", "ok", "errmsg", "msg"])
JSON = st.recursive(
    st.none() | st.integers() | st.text(), lambda s: st.lists(s) | st.dictionaries(KEYS, s)
)


@given(JSON, st.sampled_from(FORMATS))
def test_no_json_breaks_anything(value: Any, form: Format) -> None:
    fault = judge_answer(form, json.dumps(value).encode())
    assert len(fault) < 1000


def test_what_is_over_needs_no_error() -> None:
    assert "78" not in describe({**DOCUMENT, "event": "recovered"}).text


@pytest.mark.parametrize(
    ("quiet", "clock", "is_one"),
    [
        ((22 * 60, 7 * 60), "23:30", True),
        ((22 * 60, 7 * 60), "06:59", True),
        ((22 * 60, 7 * 60), "07:00", False),
        ((22 * 60, 7 * 60), "21:59", False),
        ((12 * 60, 13 * 60 + 30), "12:00", True),
        ((12 * 60, 13 * 60 + 30), "13:30", False),
        (None, "03:00", False),
    ],
)
def test_quiet_hours_are_the_host_s(
    quiet: tuple[int, int] | None, clock: str, is_one: bool
) -> None:
    moment = time.mktime(time.strptime(f"2026-01-31 {clock}", "%Y-%m-%d %H:%M"))
    assert is_quiet(Alert((), None, 3, 60.0, quiet=quiet), moment) is is_one
