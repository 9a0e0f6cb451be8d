import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sja_units.keepalive.response import NoResponse, SiteResponse
from sja_units.keepalive.verdict import judge
from tests.unit.keepalive.asking import config_of

PAGE = "https://example.edu/me"
ALIVE_USER = """
[alive]
status = [200]
body_contains = "\\"username\\""
[expired]
redirect_contains = "/login"
body_contains = "请登录"
"""


def answer_of(status: int, body: str = "", **more: Any) -> SiteResponse:
    location = more.pop("location", "")
    headers = tuple(more.pop("headers", {}).items())
    assert not more
    return SiteResponse(status, location, body, False, headers, (), None)


def outcome_of(text: str, answer: SiteResponse | NoResponse, *held: str) -> str:
    verdict = judge(answer, frozenset(held), config_of(PAGE, text))
    assert verdict.reason
    return verdict.outcome


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, "alive"),
        (204, "alive"),
        (302, "unknown"),
        (400, "unknown"),
        (401, "expired"),
        (403, "expired"),
        (404, "unknown"),
        (408, "unknown"),
        (429, "unknown"),
        (500, "unknown"),
        (503, "unknown"),
        (599, "unknown"),
        (999, "unknown"),
    ],
)
def test_a_job_without_marks_goes_by_the_status(status: int, outcome: str) -> None:
    assert outcome_of("", answer_of(status, "hello", location="/login")) == outcome


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (answer_of(200, '{"username": 1}'), "alive"),
        (answer_of(200, "a page of somebody else"), "unknown"),
        (answer_of(204), "unknown"),
        (answer_of(200, "<b>请登录</b>"), "expired"),
        (answer_of(200, '{"username": "请登录"}'), "expired"),
        (answer_of(404, "请登录"), "expired"),
        (answer_of(200, r'{"msg":"\u8bf7\u767b\u5f55"}'), "expired"),
        (answer_of(200, r' ["\u8BF7\u767B\u5F55"]'), "expired"),
        (answer_of(200, "<b>&#35831;&#x767b;&#24405;</b>"), "expired"),
        (answer_of(200, r'<script>t = "\u8bf7\u767b\u5f55"</script> "username"'), "alive"),
        (answer_of(200, "<td>&quot;username&quot;</td>"), "alive"),
        (answer_of(302, location="https://example.edu/login?next=x"), "expired"),
        (answer_of(302, location="/elsewhere"), "unknown"),
        (answer_of(200, '"username"', location="/login"), "alive"),
        (answer_of(401), "expired"),
        (answer_of(503, "请登录"), "unknown"),
        (answer_of(429, '"username"'), "unknown"),
        (NoResponse("no route to host"), "unknown"),
    ],
)
def test_marks(answer: SiteResponse | NoResponse, outcome: str) -> None:
    assert outcome_of(ALIVE_USER, answer) == outcome


@pytest.mark.parametrize(
    "answer",
    [
        answer_of(403, "Please solve this CAPTCHA"),
        answer_of(403, headers={"cf-mitigated": "challenge"}),
        answer_of(200, '<script src="/cdn-cgi/challenge-platform/x.js">'),
        answer_of(202, headers={"x-amzn-waf-action": "challenge"}),
        answer_of(403, headers={"x-squid-error": "ERR_ACCESS_DENIED 0"}),
        answer_of(401, headers={"proxy-status": "gw; error=http_request_denied"}),
    ],
)
def test_a_firewall_or_captcha_says_nothing_of_the_session(answer: SiteResponse) -> None:
    assert outcome_of("", answer) == "unknown"


def test_a_proxy_that_passes_on_what_the_site_says_is_no_wall() -> None:
    for value in ("cdn.example", "cdn.example; received-status=401; error=http_protocol_error"):
        assert outcome_of("", answer_of(401, headers={"proxy-status": value})) == "expired"


def test_a_mark_of_the_job_is_surer_than_signs_of_a_firewall() -> None:
    page = '"username" <script src="/cdn-cgi/challenge-platform/x.js">'
    assert outcome_of(ALIVE_USER, answer_of(200, page)) == "alive"
    assert outcome_of(ALIVE_USER, answer_of(403, "请登录 captcha")) == "expired"
    assert outcome_of("", answer_of(200, "our page has a captcha for guests")) == "alive"


@pytest.mark.parametrize("text", ["/home/x", "\U0001f600", "a\\b"])
def test_a_text_is_found_as_any_language_writes_json(text: str) -> None:
    for body in (json.dumps({"a": text}), json.dumps({"a": text}).replace("/", "\\/")):
        mark = json.dumps(json.dumps(text, ensure_ascii=False), ensure_ascii=False)
        assert outcome_of(f"[alive]\nbody_contains = {mark}", answer_of(200, body)) == "alive"


def test_a_redirect_can_be_the_sign_of_life() -> None:
    text = '[alive]\nredirect_contains = "/home"\n[expired]\nredirect_contains = "/login"'
    assert outcome_of(text, answer_of(302, location="/home")) == "alive"
    assert outcome_of(text, answer_of(302, location="/login")) == "expired"
    assert outcome_of(text, answer_of(302, location="/maintenance")) == "unknown"
    assert outcome_of(text, answer_of(200, "/home")) == "unknown"


def test_defaults_can_be_switched_off() -> None:
    assert outcome_of("[expired]\nstatus = []", answer_of(401)) == "unknown"
    assert outcome_of("[expired]\nstatus = [404]", answer_of(404)) == "expired"


@pytest.mark.parametrize(
    ("marks", "document", "outcome"),
    [
        ('json = { "data.user.id" = true }', {"data": {"user": {"id": 7}}}, "alive"),
        ('json = { "data.user.id" = true }', {"data": {"user": {"id": 0}}}, "alive"),
        ('json = { "data.user.id" = true }', {"data": {"user": {"id": None}}}, "unknown"),
        ('json = { "data.user.id" = true }', {"data": {"user": {"id": False}}}, "unknown"),
        ('json = { "data.user.id" = true }', {"data": [7]}, "unknown"),
        ("json = { data.user.id = 7 }", {"data": {"user": {"id": 7}}}, "alive"),
        ("json = { code = 0 }", {"code": 0}, "alive"),
        ("json = { code = 0 }", {"code": False}, "unknown"),
        ('json = { code = "0" }', {"code": 0}, "unknown"),
        ("json = { guest = false }", {"guest": False}, "alive"),
        ("json = { guest = false }", {"guest": 0}, "unknown"),
        ("json = { guest = false }", {}, "unknown"),
        ('json = { "users.1.name" = "b" }', {"users": [{}, {"name": "b"}]}, "alive"),
        ('json = { "users.2.name" = "b" }', {"users": [{}, {"name": "b"}]}, "unknown"),
        ("json = { code = 0, name = true }", {"code": 0}, "unknown"),
    ],
)
def test_json_marks(marks: str, document: Any, outcome: str) -> None:
    assert outcome_of(f"[alive]\n{marks}", answer_of(200, json.dumps(document))) == outcome


def test_json_marks_of_a_dead_session() -> None:
    text = "[expired]\njson = { code = 40101, login = false }"
    assert outcome_of(text, answer_of(200, '{"code": 40101}')) == "expired"
    assert outcome_of(text, answer_of(200, '{"code": 0, "login": false}')) == "expired"
    assert outcome_of(text, answer_of(200, '{"code": 0}')) == "alive"
    assert outcome_of(text, answer_of(200, "no JSON at all")) == "alive"


def test_cookies_that_have_to_be_there() -> None:
    text = '[alive]\ncookies = ["sid", "csrf"]'
    assert outcome_of(text, answer_of(200), "sid", "csrf", "other") == "alive"
    assert outcome_of(text, answer_of(200), "sid") == "unknown"


def test_the_reason_tells_where_a_redirect_goes_but_not_its_ticket() -> None:
    answer = answer_of(302, location="https://sso.example.edu/cas\n?ticket=made-up-secret")
    reason = judge(answer, frozenset(), config_of(PAGE)).reason
    assert "sso.example.edu/cas" in reason
    assert "secret" not in reason
    assert "\n" not in reason


@given(
    st.builds(
        answer_of,
        st.integers(100, 999),
        st.text() | st.sampled_from(["[" * 100_000, "&#" + "9" * 5000, '{"a": NaN}', "9" * 5000]),
        location=st.text(),
        headers=st.dictionaries(st.text(), st.text()),
    )
)
def test_every_answer_has_one_of_three_outcomes(answer: SiteResponse) -> None:
    text = '[alive]\njson = { a = 1 }\nbody_contains = "x"\n[expired]\njson = { b = 2 }'
    assert outcome_of(text, answer) in ("alive", "expired", "unknown")
