"""A connection to D-Bus: what is wrong with it is one line, and no reply is too long."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sja_units.systemd.bus import Connection, ConnectionLost
from sja_units.systemd.client import Systemd
from sja_units.systemd.unit import make_path, parse_path
from tests.systemd_mock import SystemdMock


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the bus's socket is to be."""
    path = tmp_path / "socket"
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={path}")
    return path


@pytest.fixture
def server(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        yield server


def answer(server: socket.socket, data: bytes) -> None:
    """Answer one client with this, and end the connection."""

    def work() -> None:
        client, _ = server.accept()
        with client:
            client.recv(512)
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            while client.recv(512):
                pass

    threading.Thread(target=work, daemon=True).start()


def connect() -> str:
    """Return why no connection can be made, which is one line."""
    with pytest.raises(ConnectionLost) as caught:
        Connection()
    assert "\n" not in caught.value.message
    return caught.value.message


@pytest.mark.parametrize(
    "address", ["tcp:host=127.0.0.1,port=1", "nonsense", "unix:", "unix:path=/no/where", ";"]
)
def test_an_address_that_leads_nowhere(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
    assert "D-Bus cannot be reached" in connect()


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"REJECTED EXTERNAL\r\n", "refuses user"),
        (b"", "ends the connection"),
        (b"OK 0123456789abcdef\r\n", "broke"),
    ],
)
def test_a_bus_that_does_not_do_as_one(server: socket.socket, data: bytes, named: str) -> None:
    answer(server, data)
    assert named in connect()


def test_the_second_address_will_do(
    systemd_mock: SystemdMock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path=/no/where;unix:path={tmp_path}/bus")
    Connection().close()


@pytest.mark.slow
def test_no_reply_is_too_long(systemd_mock: SystemdMock) -> None:
    names = [f"sja-acquisition@job{i}.service" for i in range(3000)]
    for name in names:
        systemd_mock.add(name)
    with Systemd() as systemd:
        assert [row.name for row in systemd.list_units(["sja-*"])] == names


@pytest.mark.parametrize("unit", ["sja-keepalive@a_b-2.service", "a.timer"])
def test_the_path_of_a_unit(unit: str) -> None:
    assert parse_path(make_path(unit)) == unit
    assert make_path("sja-command@a_b.service").endswith("/sja_2dcommand_40a_5fb_2eservice")
