"""Cookies that jobs publish, as other programs' clients send them."""

import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path

import httpx
import pytest
import requests

from sja_units import cookies
from sja_units.keepalive.cookie import Cookie
from sja_units.keepalive.jar import format_netscape

JAR = (
    Cookie("session", 'a"b=c', "sports.example.edu", host_only=True, http_only=True),
    Cookie("wide", "1", "example.edu", host_only=False, expires=4_000_000_000),
    Cookie("deep", "2", "sports.example.edu", path="/api"),
    Cookie("safe", "3", "sports.example.edu", secure=True),
    Cookie("old", "4", "sports.example.edu", expires=1),
)
# httpx itself refuses a header that is not ASCII, wherever it comes from.
BYTES = (Cookie("bytes", "\xe5\xbc\xa0", "sports.example.edu"),)
LOCAL = (Cookie("session", "x", "localhost"),)
SENT = {"session", "wide", "deep", "safe"}


@pytest.fixture
def path(tmp_path: Path) -> str:
    path = tmp_path / "cookies.txt"
    path.write_bytes(format_netscape(JAR))
    return str(path)


def send_by_urllib(jar: CookieJar, url: str) -> str:
    request = urllib.request.Request(url)
    jar.add_cookie_header(request)
    return request.get_header("Cookie", "")


def send_by_requests(jar: CookieJar, url: str) -> str:
    session = requests.Session()
    session.cookies = jar  # type: ignore[assignment]
    return str(session.prepare_request(requests.Request("GET", url)).headers.get("Cookie", ""))


def send_by_httpx(jar: CookieJar, url: str) -> str:
    with httpx.Client(cookies=jar) as client:
        return str(client.build_request("GET", url).headers.get("Cookie", ""))


CLIENTS = [send_by_urllib, send_by_requests, send_by_httpx]


def names(header: str) -> set[str]:
    return {pair.partition("=")[0] for pair in header.split("; ") if pair}


@pytest.mark.parametrize("send", CLIENTS)
def test_clients_send_the_jar_whole(path: str, send: object) -> None:
    assert callable(send)
    header = send(cookies.load(path), "https://sports.example.edu/api/user")
    assert names(header) == SENT
    assert 'session=a"b=c' in header


@pytest.mark.parametrize("send", CLIENTS)
def test_clients_send_what_is_meant_for_the_address(path: str, send: object) -> None:
    assert callable(send)
    assert names(send(cookies.load(path), "http://sports.example.edu/")) == SENT - {"deep", "safe"}
    assert names(send(cookies.load(path), "https://www.example.edu/")) == {"wide"}
    assert names(send(cookies.load(path), "https://example.org/")) == set()


@pytest.mark.parametrize("send", CLIENTS)
def test_a_host_without_a_dot_counts(tmp_path: Path, send: object) -> None:
    assert callable(send)
    (tmp_path / "jar").write_bytes(format_netscape(LOCAL))
    assert names(send(cookies.load(str(tmp_path / "jar")), "http://localhost/x")) == {"session"}


@pytest.mark.parametrize("send", [send_by_urllib, send_by_requests])
def test_bytes_stay_as_they_are(tmp_path: Path, send: object) -> None:
    assert callable(send)
    (tmp_path / "jar").write_bytes(format_netscape(BYTES))
    header = send(cookies.load(str(tmp_path / "jar")), "https://sports.example.edu/")
    assert header.encode("latin-1") == "bytes=张".encode()


def test_what_is_no_jar_is_refused(tmp_path: Path) -> None:
    (tmp_path / "jar").write_text("<html>")
    with pytest.raises(ValueError, match="jar"):
        cookies.load(str(tmp_path / "jar"))
    with pytest.raises(FileNotFoundError):
        cookies.load(str(tmp_path / "nothing"))
