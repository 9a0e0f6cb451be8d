"""Responses, well made and not, in every way that a stream can be cut into pieces."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sja_units.runtime.http_response import ProtocolError, Response, ResponseReader, StreamEnded

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def stream(data: bytes, *cuts: int) -> Callable[[int], bytes]:
    """Return what brings the data in pieces that end at the cuts, and then nothing."""
    ends = sorted({cut for cut in cuts if 0 < cut < len(data)} | {len(data)})
    pieces = [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    pieces = [piece for piece in pieces if piece]
    return lambda _size: pieces.pop(0) if pieces else b""


def read(data: bytes, *cuts: int, limit: int = 1000) -> Response:
    return ResponseReader(stream(data, *cuts)).read(limit)


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (OK + b"Content-Length: 5\r\n\r\nhello", b"hello"),
        (OK + b"content-length:5\r\nContent-Length: 5\r\n\r\nhello", b"hello"),
        (OK + b"\r\nhello", b"hello"),
        (b"HTTP/1.0 200\nX: y\n\nhello", b"hello"),
        (CHUNKED + b"2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nTrailer: x\r\n\r\n", b"hello"),
        (CHUNKED + b"0005 \nhello\n0\n\n", b"hello"),
        (OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", b""),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", b""),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", b""),
        (b"HTTP/1.1 103 Early Hints\r\nSet-Cookie: a=b\r\n\r\n" + OK + b"\r\nhello", b"hello"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 50 + OK + b"\r\nhello", b"hello"),
    ],
)
def test_a_body_ends_where_its_head_says(data: bytes, body: bytes) -> None:
    whole = read(data)
    assert (whole.body, whole.cut) == (body, False)
    assert "set-cookie" not in dict(whole.headers)
    for cut in range(len(data)):
        assert read(data, cut) == whole


@given(st.binary(max_size=300), st.lists(st.integers(1, 40)), st.lists(st.integers(0, 500)))
def test_chunks_of_any_size_in_pieces_of_any_size(
    body: bytes, sizes: list[int], cuts: list[int]
) -> None:
    data, left = CHUNKED, body
    for size in [*sizes, len(body) or 1]:
        chunk, left = left[:size], left[size:]
        data += b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunk else b""
    assert read(data + b"0\r\n\r\n", *cuts).body == body


@given(st.binary(max_size=400), st.lists(st.integers(0, 400)))
def test_anything_is_a_response_or_none(data: bytes, cuts: list[int]) -> None:
    for prefix in (b"", b"HTTP/1.1 200 OK\r\n", CHUNKED):
        with suppress(ProtocolError):
            assert len(read(prefix + data, *cuts, limit=100).body) <= 100


@pytest.mark.parametrize(
    "data",
    [
        OK + b"Content-Length: 5\r\n\r\nhell",
        OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        OK + b"Content-Length: -5\r\n\r\nhello",
        OK + b"Content-Length: five\r\n\r\nhello",
        OK + b"Content-Type: text/html\r\n",
        CHUNKED + b"5\r\nhello\r\n",
        CHUNKED + b"5\r\nhello!\r\n0\r\n\r\n",
        CHUNKED + b"\r\n",
        CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"<html>",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        OK + b"X: " + b"x" * 300_000 + b"\r\n\r\n",
        OK + b"x: y\r\n" * 50_000 + b"\r\n",
    ],
)
def test_what_is_no_response(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        read(data)


def test_a_server_of_http_2_is_told_by_its_first_frame() -> None:
    with pytest.raises(ProtocolError, match="HTTP/2"):
        read(bytes.fromhex("000012040000000000000300000080000400010000000500ffffff"))


def test_a_stream_that_ends_before_it_begins() -> None:
    with pytest.raises(StreamEnded):
        read(b"")


@pytest.mark.parametrize(
    "head", [b"Content-Length: 20\r\n\r\n", b"\r\n", b"Transfer-Encoding: chunked\r\n\r\n14\r\n"]
)
def test_no_more_of_a_body_than_is_wanted(head: bytes) -> None:
    response = read(OK + head + b"x" * 20 + b"\r\n0\r\n\r\n", limit=10)
    assert (response.body, response.cut) == (b"x" * 10, True)


def test_headers_as_they_come() -> None:
    lines = b"A: 1\r\nno header\r\n: x\r\nb :2\r\nC: 3\r\n  4\r\nA: \xe4\r\nbad name: 5\r\n"
    assert read(OK + lines + b"\r\n").headers == (("a", "1"), ("b", "2"), ("c", "3 4"), ("a", "ä"))


def test_two_hundred_headers_are_no_fault() -> None:
    head = b"".join(b"Set-Cookie: c%d=v\r\n" % n for n in range(200))
    assert len(read(OK + head + b"\r\n").headers) == 200


@pytest.mark.parametrize(
    ("head", "goes_on"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\n\r\n", False),
    ],
)
def test_whether_another_response_may_come(head: bytes, goes_on: bool) -> None:
    reader = ResponseReader(stream(head))
    reader.read(10)
    assert reader.can_go_on is goes_on


def test_one_response_after_another() -> None:
    reader = ResponseReader(stream((OK + b"Content-Length: 2\r\n\r\nhi") * 2, 10, 50))
    assert [reader.read(10).body for _ in range(2)] == [b"hi", b"hi"]
