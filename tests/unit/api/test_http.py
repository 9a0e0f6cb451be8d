"""Heads of requests and answers: what is read, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sja_units.api.channel import Answer, Frame, Word, decode_answer, encode_answer, encode_frame
from sja_units.api.channel import take_frame as take
from sja_units.api.http import Head, format_head, measure_body, parse_head
from sja_units.api.problems import Problem


def read(*lines: str) -> Head:
    return parse_head("\r\n".join(lines).encode("latin-1"))


def refusal(*lines: str) -> int:
    with pytest.raises(Problem) as caught:
        measure_body(read(*lines))
    return caught.value.status


def test_a_head_is_read() -> None:
    head = read("PUT /v1/jobs?x=1 HTTP/1.1", "Host: a", "Content-Length: 12", "A:  b\t", "a: c")
    assert (head.method, head.target, head.headers["a"]) == ("PUT", "/v1/jobs?x=1", "b, c")
    assert head.keeps_open
    assert measure_body(head) == 12


@pytest.mark.parametrize("target", ["http://localhost/v1/jobs", "HTTP://x:80/v1/jobs", "/v1/jobs"])
def test_a_target_may_be_absolute(target: str) -> None:
    assert read(f"GET {target} HTTP/1.1", "Host: x").target == "/v1/jobs"


@pytest.mark.parametrize(
    ("lines", "keeps"),
    [
        (["GET / HTTP/1.1", "Host: x"], True),
        (["GET / HTTP/1.1", "Host: x", "Connection: foo, Close"], False),
        (["GET / HTTP/1.0"], False),
    ],
)
def test_who_says_that_it_ends_is_believed(lines: list[str], keeps: bool) -> None:
    assert read(*lines).keeps_open == keeps


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ([""], 400),
        (["GET /"], 400),
        (["GET  / HTTP/1.1", "Host: x"], 400),
        (["G@T / HTTP/1.1", "Host: x"], 400),
        (["GET /\x7f HTTP/1.1", "Host: x"], 400),
        (["GET / HTTP/3.0", "Host: x"], 400),
        (["GET / HTTP/1.1"], 400),
        (["GET / HTTP/1.1", "Host: x", "Host: y"], 400),
        (["GET / HTTP/1.1", "Host: x", "A : b"], 400),
        (["GET / HTTP/1.1", "Host: x", " folded"], 400),
        (["GET / HTTP/1.1", "Host: x", "A: b\rB: c"], 400),
        (["GET / HTTP/1.1", "Host: x", "A: b\0"], 400),
        (["GET / HTTP/1.1", "Host: x", *["A: b"] * 100], 400),
        (["PUT / HTTP/1.1", "Host: x"], 411),
        (["PUT / HTTP/1.1", "Host: x", "Transfer-Encoding: chunked"], 411),
        (["PUT / HTTP/1.1", "Host: x", "Content-Length: 1", "Transfer-Encoding: chunked"], 411),
        (["PUT / HTTP/1.1", "Host: x", "Content-Length: 1", "Content-Length: 2"], 400),
        (["PUT / HTTP/1.1", "Host: x", "Content-Length: +1"], 400),
        (["PUT / HTTP/1.1", "Host: x", "Content-Length: 1,1"], 400),
        (["PUT / HTTP/1.1", "Host: x", "Content-Length: \xb2"], 400),
        (["PUT / HTTP/1.1", "Host: x", "Content-Length: 262145"], 413),
        (["PUT / HTTP/1.1", "Host: x", f"Content-Length: {'9' * 5000}"], 413),
    ],
)
def test_what_is_not_http_is_refused(lines: list[str], status: int) -> None:
    assert refusal(*lines) == status


@given(st.binary(max_size=300))
def test_any_bytes_are_a_head_or_a_problem(data: bytes) -> None:
    try:
        measure_body(parse_head(data))
    except Problem as problem:
        problem.render()


@given(
    st.builds(Frame, st.sampled_from(Word), st.integers(0, 2**64 - 1), st.binary(max_size=99)),
    st.binary(max_size=9),
)
def test_a_frame_arrives_whole_or_not_yet(frame: Frame, rest: bytes) -> None:
    data = encode_frame(frame)
    for end in range(len(data)):
        assert take(bytearray(data[:end]), 99) is None
    buffer = bytearray(data + rest)
    assert take(buffer, 99) == frame
    assert buffer == rest


def test_a_frame_that_is_too_large_is_refused() -> None:
    with pytest.raises(ValueError, match="too large"):
        take(bytearray(encode_frame(Frame(Word.REQUEST, 1, b"x" * 100))), 99)


@given(st.binary(), st.booleans())
def test_an_answer_arrives_as_it_was_given(body: bytes, goes_on: bool) -> None:
    headers = (("ETag", '"x"'), ("Allow", "GET, PUT"))
    answer = Answer(201, body, "application/json", headers, goes_on)
    assert decode_answer(encode_answer(answer)) == answer


def test_an_answers_head() -> None:
    said = format_head(204, [("ETag", '"x"')], 0, keeps_open=False).decode().split("\r\n")
    assert said[0] == "HTTP/1.1 204 No Content"
    assert 'ETag: "x"' in said
    assert "Connection: close" in said
    assert not [line for line in said if line.startswith("Content-Length")]
    assert said[-2:] == ["", ""]
