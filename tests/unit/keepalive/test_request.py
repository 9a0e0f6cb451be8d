"""One request against a site in every state of health."""

import gzip
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from sja_units.keepalive.jar import parse_jar
from sja_units.keepalive.refresh import refresh
from sja_units.keepalive.request import MAX_BODY
from sja_units.keepalive.response import RefreshResult
from tests.unit.keepalive.asking import answer_of, config_of, reason_of
from tests.unit.keepalive.harness import RunningSite
from tests.waiting import PATIENCE


def look_at(site: RunningSite, fault: str = "", more: str = "") -> RefreshResult:
    url = f"{site.url}?fault={fault}" if fault else site.url
    return refresh(config_of(url, more), parse_jar(site.log_in(), "127.0.0.1"))


@contextmanager
def serving(reply: Callable[[socket.socket], None]) -> Iterator[str]:
    """Serve one connection after another by hand; return the address."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    try:
                        connection.recv(65536)
                        reply(connection)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        server.shutdown(socket.SHUT_RDWR)
    thread.join(PATIENCE)


def sending(*pieces: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(b"".join(pieces))


def test_a_live_session_brings_the_moved_cookie(site: RunningSite) -> None:
    found = look_at(site)
    assert found.verdict.outcome == "alive"
    assert found.jar is not None
    assert found.jar[0].value == site.site.sessions[0].token
    assert found.jar[0].http_only
    headers = site.site.log[-1]["headers"]
    assert headers["cookie"].startswith("session=")
    assert headers["accept-encoding"] == "identity"
    assert headers["host"] == f"127.0.0.1:{site.port}"


def test_a_dead_session_brings_no_jar(site: RunningSite) -> None:
    found = refresh(config_of(site.url), parse_jar("session=wrong", "127.0.0.1"))
    assert (found.verdict.outcome, found.http_status, found.jar) == ("expired", 401, None)


@pytest.mark.parametrize(
    ("dead", "marks"),
    [
        ("403", ""),
        ("302", 'redirect_contains = "/login"'),
        ("200", 'body_contains = "请登录"'),
    ],
)
def test_each_way_to_show_a_dead_session(site: RunningSite, dead: str, marks: str) -> None:
    site.site.dead = dead
    found = refresh(config_of(site.url, f"[expired]\n{marks}"), ())
    assert found.verdict.outcome == "expired"


@pytest.mark.parametrize("fault", ["500", "429", "captcha", "cut", "headers", "foreign-redirect"])
def test_an_ill_site_is_uncertain_and_brings_no_jar(site: RunningSite, fault: str) -> None:
    found = look_at(site, fault)
    assert (found.verdict.outcome, found.jar) == ("unknown", None)


def test_a_redirect_is_looked_at_and_not_followed(site: RunningSite) -> None:
    found = look_at(site, "foreign-redirect")
    assert found.http_status == 302
    assert [row["path"] for row in site.site.log] == ["/api/user/current?fault=foreign-redirect"]


def test_retry_after_of_the_site(site: RunningSite) -> None:
    assert (look_at(site, "429").retry_after or 0) >= 1e9


def test_no_forged_cookie_gets_in(site: RunningSite) -> None:
    found = look_at(site, "control-cookie")
    assert (found.verdict.outcome, found.refused) == ("alive", 1)
    assert found.jar is not None
    assert [cookie.name for cookie in found.jar] == ["session"]


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["slow", "endless", "bomb"])
def test_what_never_ends_is_bounded(site: RunningSite, fault: str) -> None:
    started = time.monotonic()
    found = look_at(site, fault, 'timeout = "500ms"\n[alive]\nbody_contains = "never there"')
    assert found.verdict.outcome == "unknown"
    assert time.monotonic() - started < 10


@pytest.mark.slow
def test_endless_chunks_slow_heads_and_slow_bytes_meet_one_deadline() -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"1\r\nx\r\n")
            time.sleep(0.05)

    def drip_heads(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            time.sleep(0.05)

    for reply in (drip, drip_heads):
        with serving(reply) as url:
            reason = reason_of(url, 'timeout = "300ms"')
            assert "within 0.3 s" in reason or "in time" in reason


def test_a_large_page_is_looked_at_in_part() -> None:
    body = b"a" * MAX_BODY + b"b"
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    with serving(sending(head, body)) as url:
        answer = answer_of(url)
    assert answer.cut
    assert len(answer.body) == MAX_BODY


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("gzip", gzip.compress(b"hello", mtime=0)),
        ("deflate", zlib.compress(b"hello")),
        ("deflate", zlib.compress(b"hello")[2:-4]),
        ("x-gzip", gzip.compress(b"hello", mtime=0)),
        ("gzip, identity", gzip.compress(b"hello", mtime=0)),
        ("deflate, gzip", gzip.compress(zlib.compress(b"hello"), mtime=0)),
        ("", b"hello"),
        ("none", b"hello"),
        ("UTF-8", b"hello"),
        ("identity", b"hello"),
    ],
)
def test_packed_pages(encoding: str, data: bytes) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\n\r\n".encode()
    with serving(sending(head, data)) as url:
        answer = answer_of(url)
    assert (answer.body, answer.cut) == ("hello", False)


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"Content-Type: text/html; charset=GBK\r\n", "请登录".encode("gbk")),
        (b"Content-Type: text/html\r\n", '<meta charset="gb2312">请登录'.encode("gbk")),
        (b"Content-Type: text/html; charset=x-gbk\r\n", "请登录".encode("gbk")),
        (b"Content-Type: text/xml\r\n", '<?xml version="1.0" encoding="GBK"?>请登录'.encode("gbk")),
        (b"Content-Type: text/html; charset=nonsense\r\n", "请登录".encode()),
        (b"Content-Type: text/html; charset=rot13\r\n", "请登录".encode()),
        (b"Content-Type: text/html; charset=idna\r\n", "请登录".encode()),
        (b"", "请登录".encode()),
        (b"", "请登录".encode("gbk")),
        (b"Content-Type: text/html\r\n", "<p>请登录，再试".encode("gb18030")),
    ],
)
def test_pages_in_other_encodings(head: bytes, body: bytes) -> None:
    with serving(sending(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n", body)) as url:
        assert "请登录" in answer_of(url).body


def test_an_empty_page_may_call_itself_packed() -> None:
    for encoding in (b"gzip", b"deflate"):
        head = b"HTTP/1.1 200 OK\r\nContent-Encoding: " + encoding + b"\r\n\r\n"
        with serving(sending(head)) as url:
            assert (answer_of(url).body, answer_of(url).cut) == ("", False)


def test_interim_answers_are_passed_over() -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </x.css>\r\nSet-Cookie: session=hint\r\n\r\n"
    final = b"HTTP/1.1 200 OK\r\nSet-Cookie: session=moved; Path=/\r\n\r\nhello"
    with serving(sending(hints, b"HTTP/1.1 100 Continue\r\n\r\n", final)) as url:
        found = refresh(config_of(url), parse_jar("session=old", "127.0.0.1"))
    assert found.verdict.outcome == "alive"
    assert found.jar is not None
    assert [cookie.value for cookie in found.jar] == ["moved"]


def test_an_uncertain_page_that_moves_the_session_on_brings_a_candidate() -> None:
    head = b"HTTP/1.1 200 OK\r\nSet-Cookie: session=moved; Path=/\r\n\r\n"
    with serving(sending(head, b"another page")) as url:
        config = config_of(url, '[alive]\nbody_contains = "me"')
        found = refresh(config, parse_jar("session=old", "127.0.0.1"))
    assert found.verdict.outcome == "unknown"
    assert found.jar is not None
    assert [cookie.value for cookie in found.jar] == ["moved"]


def test_a_byte_order_mark_is_no_part_of_the_page() -> None:
    with serving(sending(b"HTTP/1.1 200 OK\r\n\r\n", b'\xef\xbb\xbf{"a": 1}')) as url:
        assert answer_of(url).body == '{"a": 1}'


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"Set-Cookie: a=b\r\n" * 50_000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nnot gzip",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx",
    ],
)
def test_what_is_no_answer(reply: bytes) -> None:
    with serving(sending(reply)) as url:
        assert "\n" not in reason_of(url)


def test_reasons_tell_what_to_look_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert "refused" in reason_of(f"http://127.0.0.1:{port}/")
    assert "name" in reason_of("http://no-such-host.invalid/")
