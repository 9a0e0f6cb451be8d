"""Requests as HTTP has them: what each asks for, and why the others are refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sja_units.api.problems import Problem
from sja_units.api.request import Request, Value
from sja_units.api.routes import parse_json, parse_request

JOB = "/v1/jobs/keepalive/alice"


def ask(method: str, target: str, body: object = b"", **headers: str) -> Request:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return parse_request(method, target, headers, data)


def refusal(method: str, target: str, body: object = b"") -> Problem:
    with pytest.raises(Problem) as caught:
        ask(method, target, body)
    return caught.value


@pytest.mark.parametrize(
    ("method", "target", "asked"),
    [
        ("GET", "/v1/jobs", Request("list")),
        ("GET", "/v1/events", Request("events")),
        ("GET", JOB, Request("get", "keepalive", "alice")),
        ("HEAD", JOB, Request("get", "keepalive", "alice")),
        ("POST", f"{JOB}/start", Request("start", "keepalive", "alice")),
        ("POST", f"{JOB}/stop", Request("stop", "keepalive", "alice")),
        ("POST", f"{JOB}/restart", Request("restart", "keepalive", "alice")),
        (
            "GET",
            f"{JOB}/cookies?format=json",
            Request("cookies", "keepalive", "alice", form="json"),
        ),
        ("GET", f"{JOB}/runs", Request("runs", "keepalive", "alice")),
        ("GET", f"{JOB}/log?lines=50", Request("log", "keepalive", "alice", lines=50)),
        ("GET", f"{JOB}/samples?since=-1h", Request("samples", "keepalive", "alice", since="-1h")),
        ("GET", f"{JOB}/last", Request("last", "keepalive", "alice")),
        ("DELETE", f"{JOB}?keep_state=1", Request("remove", "keepalive", "alice", keep_state=True)),
        ("DELETE", JOB, Request("remove", "keepalive", "alice")),
    ],
)
def test_each_request_asks_for_its_own(method: str, target: str, asked: Request) -> None:
    assert ask(method, target) == asked


def test_a_job_is_put() -> None:
    values: dict[str, Value] = {"title": "张三", "n": [1, None]}
    body = {"template": "booking", "set": values, "start": False, "cookies": "a=b"}
    asked = Request("put", "keepalive", "alice", "booking", tuple(values.items()), b"a=b")
    assert ask("PUT", JOB, body) == asked._replace(start=False)


@pytest.mark.parametrize("jar", [b"a=b", b'"a=b"', b"Cookie: a=b", b'[{"name": "a"}]'])
def test_a_jar_comes_in_any_form(jar: bytes) -> None:
    assert ask("PUT", f"{JOB}/cookies", jar).jar == (b"a=b" if jar == b'"a=b"' else jar)


@pytest.mark.parametrize(
    "path",
    [
        *("/", "", "*", "/v1", "/v1/", "/v1/jobs/", "/v2/jobs", "//v1/jobs", "/v1/jobs/x/alice"),
        *(
            "/v1/jobs/keepalive",
            "/v1/jobs/keepalive/",
            "/v1/jobs/keepalive/..",
            f"{JOB}/",
            f"{JOB}/x",
        ),
        *("/v1/jobs/keepalive/a%2Fb", "/v1/jobs/keepalive/A", f"{JOB}/start/x", f"{JOB}\0"),
        f"/v1/jobs/keepalive/{'x' * 24}",
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
def test_elsewhere_there_is_nothing(method: str, path: str) -> None:
    assert refusal(method, path, {"template": "x"}).status == 404


@pytest.mark.parametrize("method", ["POST", "PATCH", "OPTIONS", "get", "X"])
def test_another_method_names_those_that_there_are(method: str) -> None:
    problem = refusal(method, JOB)
    assert problem.status == 405
    assert problem.headers == (("Allow", "GET, PUT, DELETE, HEAD"),)


@pytest.mark.parametrize(
    "query",
    ["lines=x", "lines=-1", "lines=10001", "x=1", "lines=1&lines=2", "lines=%00", "lines=٣"],
)
def test_a_query_that_makes_no_sense_is_refused(query: str) -> None:
    assert refusal("GET", f"{JOB}/log?{query}").status == 400


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"nul", b'{"a":1,"a":2}', b"[NaN]", b"[Infinity]", b"[-Infinity]", b"[1e999]"),
        *(
            b"[" * 100_000,
            b'{"a":' * 100_000,
            b"9" * 5000,
            b"\xff",
            b'"\xc0\x80"',
            b"\xef\xbb\xbf1",
        ),
    ],
)
def test_what_is_no_plain_json_is_refused(body: bytes) -> None:
    assert refusal("PUT", JOB, body).status == 400


@pytest.mark.parametrize(
    ("body", "keys"),
    [
        ([], {""}),
        ("x", {""}),
        (None, {""}),
        ({}, {"template"}),
        ({"template": "../x"}, {"template"}),
        ({"template": None}, {"template"}),
        ({"template": "x", "set": []}, {"set"}),
        ({"template": "x", "start": 1, "cookies": 1, "y": 1}, {"start", "cookies", "y"}),
    ],
)
def test_all_that_is_wrong_with_a_body_is_told(body: Any, keys: set[str]) -> None:
    problem = refusal("PUT", JOB, body)
    assert problem.status == 422
    assert {fault.key for fault in problem.errors} == keys
    assert json.loads(problem.render())["status"] == 422


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_plain_json_is_read_as_it_is(value: Any) -> None:
    assert parse_json(json.dumps(value).encode()) == value


@given(st.text(), st.text(), st.binary())
def test_nothing_but_a_problem_comes_of_nonsense(method: str, target: str, body: bytes) -> None:
    try:
        parse_request(method, target, {}, body)
    except Problem as problem:
        problem.render()
