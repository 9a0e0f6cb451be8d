"""Servers of the field before a database: no keep-alive, HTTP/1.0, no gzip, two addresses."""

import socket
import time

import pytest

from sja_units.acquisition.influxdb import client
from tests.unit.acquisition.conftest import MakeRogue
from tests.unit.acquisition.database import Answer, Database
from tests.unit.acquisition.rogue import Reply
from tests.unit.acquisition.sending import Run
from tests.waiting import wait_for

CLOSING = {
    "HTTP/1.0": b"HTTP/1.0 204 No Content\r\n\r\n",
    "HTTP/1.0 with a length": b"HTTP/1.0 204 No Content\r\nContent-Length: 0\r\n\r\n",
    "close": b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
    "a body without a length": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}",
    "silently": b"HTTP/1.1 204 No Content\r\n\r\n",
}


def say_and_close(text: bytes) -> Reply:
    """Answer each request once it has come as a whole, and close the connection."""
    received = bytearray()

    def reply(part: bytes) -> list[bytes | float | None]:
        nonlocal received
        received += part
        head, found, body = bytes(received).partition(b"\r\n\r\n")
        (size,) = [
            int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")
        ] or [0]
        if not found or len(body) < size:
            return []
        received = bytearray()
        return [text, None]

    return reply


@pytest.mark.parametrize("way", list(CLOSING))
def test_a_server_that_closes_each_connection_is_well(
    run: Run, make_rogue: MakeRogue, way: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """nginx with `keepalive_timeout 0`: every second request was taken for a failure."""
    rogue = make_rogue(say_and_close(CLOSING[way]))
    one = run(f"http://127.0.0.1:{rogue.port}")
    for number in range(5):
        one.put(number)
        one.wait_until_sent()
        assert one.sink.sender.state == "healthy"
    assert rogue.connections >= 5
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("status", [b"401 Unauthorized", b"404 Not Found"])
def test_a_refusal_of_a_server_that_closes_is_not_hidden(
    run: Run, make_rogue: MakeRogue, status: bytes
) -> None:
    text = b"HTTP/1.0 " + status + b"\r\n\r\nno"
    one = run(f"http://127.0.0.1:{make_rogue(say_and_close(text)).port}")
    one.put(1)
    for _ in range(2):
        wait_for(lambda: one.sink.sender.state == "refused", "a state that says so")
        assert one.sink.sender.message.startswith(status[:3].decode())


@pytest.mark.parametrize("answer", [(400, "unable to parse"), (415, ""), (500, "what?")])
@pytest.mark.slow
def test_a_database_that_knows_no_gzip_gets_plain_text(
    run: Run, database: Database, answer: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    def rule(_lines: list[str]) -> Answer | None:
        _, headers = database.requests[-1]
        return answer if "Content-Encoding" in headers else None

    database.rule = rule
    one = run(database.url)
    for number in range(5):
        one.put(number)
        one.wait_until_sent()
    assert database.column("v") == [*range(5)]
    assert one.sink.dead_letter.parked == 0
    packed = ["Content-Encoding" in headers for _, headers in database.requests]
    assert packed.count(True) <= 4
    assert packed[-3:] == [False] * 3
    assert capsys.readouterr().err.count("gzip") == 1


def test_a_database_that_knows_gzip_is_not_asked_twice(run: Run, database: Database) -> None:
    one = run(database.url)
    one.put(0)
    one.wait_until_sent()
    database.rule = lambda lines: (400, "field is wrong") if len(lines) == 1 else None
    one.put(1)
    one.wait_until_sent()
    assert all("Content-Encoding" in headers for _, headers in database.requests)


@pytest.fixture
def two_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name whose first address refuses, and whose second one is the database's."""
    real = socket.getaddrinfo

    def find(host: bytes | str, port: int, *args: int, **kwargs: int) -> list[object]:
        if host not in (b"two.example", "two.example"):
            return list(real(host, port, *args, **kwargs))
        found = [real(address, port, *args, **kwargs)[0] for address in ("127.0.0.9", "127.0.0.1")]
        return list(found)

    monkeypatch.setattr(socket, "getaddrinfo", find)


@pytest.mark.usefixtures("two_addresses")
def test_a_name_is_tried_on_all_its_addresses(run: Run, database: Database) -> None:
    one = run(f"http://two.example:{database.port}")
    one.put(1)
    one.wait_until_sent()
    assert database.column("v") == [1]


@pytest.mark.slow
def test_an_address_that_swallows_packets_costs_time_only_once(
    run: Run, make_rogue: MakeRogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first address takes no connection: its queue is full, so nobody answers there."""
    monkeypatch.setattr(client, "REQUEST_SECONDS", 4.0)
    real = socket.getaddrinfo
    rogue = make_rogue(say_and_close(CLOSING["close"]))
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.9", rogue.port))
        deaf.listen(0)
        waiting = [_knock(deaf.getsockname()) for _ in range(3)]

        def find(_host: bytes, port: int, *args: int, **kwargs: int) -> list[object]:
            addresses = ("127.0.0.9", "127.0.0.1")
            return [real(address, port, *args, **kwargs)[0] for address in addresses]

        monkeypatch.setattr(socket, "getaddrinfo", find)
        one = run(f"http://two.example:{rogue.port}")
        one.put(0)
        one.wait_until_sent()
        began = time.monotonic()
        for number in range(1, 11):
            one.put(number)
            one.wait_until_sent()
        # Each of these is a connection of its own, and the deaf address takes 2 s.
        assert time.monotonic() - began < 15
        for connection in waiting:
            connection.close()


def _knock(address: tuple[str, int]) -> socket.socket:
    connection = socket.socket()
    connection.setblocking(False)
    connection.connect_ex(address)
    return connection
