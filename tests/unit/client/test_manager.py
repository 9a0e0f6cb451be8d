"""Managers against a door that is away, that closes what rests, and that ends in the middle."""

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sja_units.client import ApiError, AsyncManager, Forbidden, Manager, Unavailable

LIST = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where the door's socket is to be; whoever asks is not root."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return str(tmp_path / "api.sock")


@contextlib.contextmanager
def door(path: str, *visits: Callable[[socket.socket], None]) -> Iterator[None]:
    """Serve one connection after the other."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(path)
    listening.listen()
    listening.settimeout(30)

    def serve() -> None:
        for visit in visits:
            with listening.accept()[0] as connection:
                visit(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        thread.join(30)
        listening.close()
        os.unlink(path)


def answer(*answers: bytes) -> Callable[[socket.socket], None]:
    """Return what takes so many requests, gives each its answer, and closes."""

    def visit(connection: socket.socket) -> None:
        for each in answers:
            assert connection.recv(65536)
            connection.sendall(each)

    return visit


def list_twice(path: str) -> None:
    with Manager(path) as jobs:
        assert jobs.list() == []
        assert jobs.list() == []


def list_twice_async(path: str) -> None:
    async def ask() -> None:
        async with AsyncManager(path) as jobs:
            assert await jobs.list() == []
            assert await jobs.list() == []

    asyncio.run(ask())


BOTH = [list_twice, list_twice_async]


@pytest.mark.parametrize("ask", BOTH)
def test_a_connection_serves_many_requests(path: str, ask: Callable[[str], None]) -> None:
    with door(path, answer(LIST, LIST)):
        ask(path)


@pytest.mark.parametrize("ask", BOTH)
def test_a_connection_that_was_closed_meanwhile_is_opened_anew(
    path: str, ask: Callable[[str], None]
) -> None:
    with door(path, answer(LIST), answer(LIST)):
        ask(path)


@pytest.mark.parametrize("ask", BOTH)
@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200", LIST[:-1], b"nonsense\r\n\r\n"])
def test_an_answer_that_is_cut_off_is_no_answer(
    path: str, ask: Callable[[str], None], said: bytes
) -> None:
    with door(path, answer(said)), pytest.raises(Unavailable):
        ask(path)


@pytest.mark.parametrize("ask", BOTH)
def test_a_door_that_is_away_is_told(path: str, ask: Callable[[str], None]) -> None:
    with pytest.raises(Unavailable) as caught:
        ask(path)
    assert isinstance(caught.value, ApiError)


@pytest.mark.slow
def test_events_go_on_after_the_door_has_ended(path: str) -> None:
    def chunk(line: bytes) -> bytes:
        return f"{len(line):x}\r\n".encode() + line + b"\r\n"

    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    ready = chunk(b'{"event": "ready"}\n')
    # Cut in the middle of a line, and of a chunk.
    first = head + ready[:9]
    second = head + chunk(b'{"event": "re') + chunk(b'ady"}\n{"event": "alive"}\n') + b"0\r\n\r\n"
    with door(path, answer(first), answer(second), answer(head + ready)):
        events = Manager(path).events()
        assert [next(events).event, next(events).event] == ["ready", "ready"]
        events.close()  # type: ignore[attr-defined]


def test_who_may_not_connect_is_told_so(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing(socket.socket):
        def connect(self, _: object) -> None:
            raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket, "socket", Refusing)
    with pytest.raises(Forbidden):
        next(Manager(path).events())
