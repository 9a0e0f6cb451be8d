"""Modbus/TCP Security: certificates are verified on both sides, and nothing switches that off."""

import shutil
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from sja_units.acquisition.modbus.endpoint import TlsFiles
from sja_units.acquisition.modbus.link import Link, LinkError, make_request
from sja_units.acquisition.modbus.tls import TlsNetwork
from sja_units.runtime.credentials import name_credential
from tests.certificates import HOST, make_authority, openssl, sign
from tests.unit.acquisition.conftest import MakeDevice
from tests.unit.acquisition.relay import TlsRelay
from tests.waiting import wait_for

LONG = 20.0
READ = make_request("holding", 100, 3)
DATA = bytes((0, 100, 0, 101, 0, 102))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two authorities, and what the first one vouches for."""
    folder = tmp_path_factory.mktemp("tls")
    for name in ("ca", "stranger"):
        make_authority(folder, name)
    sign(folder, "device")
    sign(folder, "expired", days=-1)
    sign(folder, "job")
    sign(folder, "forged", authority="stranger")
    return folder


def speak_as(folder: Path, name: str, *, wants_client: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    if wants_client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(folder / "ca.pem")
    return context


@pytest.fixture
def relay(made: Path, make_device: MakeDevice) -> Iterator[TlsRelay]:
    relay = TlsRelay(make_device().port, speak_as(made, "device"))
    yield relay
    relay.close()


def link_to(port: int, folder: Path, ca: str = "ca", me: str = "", name: str = HOST) -> Link:
    own = (f"{folder}/{me}.pem", f"{folder}/{me}.key") if me else ("", "")
    files = TlsFiles(f"{folder}/{ca}.pem" if ca else "", *own, name)
    return Link("tls", TlsNetwork("127.0.0.1", port, files))


def refuse(link: Link, timeout: float = LONG) -> str:
    with pytest.raises(LinkError) as fault:
        link.read(1, READ, timeout)
    assert fault.value.state == "disconnected"
    return str(fault.value)


def test_registers_through_tls(relay: TlsRelay, made: Path) -> None:
    link = link_to(relay.port, made)
    for _ in range(5):
        assert link.read(1, READ, LONG) == DATA
    assert relay.connections == 1
    link.close()


@pytest.mark.parametrize(("ca", "name"), [("stranger", HOST), ("", HOST), ("ca", "x")])
def test_a_device_that_nobody_vouches_for_is_not_asked(
    relay: TlsRelay, made: Path, ca: str, name: str
) -> None:
    assert "certificate refused" in refuse(link_to(relay.port, made, ca, name=name))


@pytest.mark.parametrize("name", ["press..example.edu", ".example.edu", "x" * 70])
def test_a_name_that_no_certificate_has(relay: TlsRelay, made: Path, name: str) -> None:
    assert "server_name" in refuse(link_to(relay.port, made, name=name))


def test_an_expired_certificate(relay: TlsRelay, made: Path) -> None:
    relay.context = speak_as(made, "expired")
    assert "expired" in refuse(link_to(relay.port, made))


def test_who_we_are(relay: TlsRelay, made: Path) -> None:
    relay.context = speak_as(made, "device", wants_client=True)
    assert "TLS" in refuse(link_to(relay.port, made))
    assert "TLS" in refuse(link_to(relay.port, made, me="forged"))
    link = link_to(relay.port, made, me="job")
    assert link.read(1, READ, LONG) == DATA
    link.close()


def test_a_renewed_file_takes_effect_with_the_next_connection(
    relay: TlsRelay, made: Path, tmp_path: Path
) -> None:
    shutil.copy(made / "stranger.pem", tmp_path / "ca.pem")
    link = link_to(relay.port, tmp_path)
    refuse(link)
    shutil.copy(made / "ca.pem", tmp_path / "ca.pem")
    assert link.read(1, READ, LONG) == DATA
    link.close()


def test_files_that_only_systemd_can_read_come_from_its_hands(
    relay: TlsRelay, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay.context = speak_as(made, "device", wants_client=True)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    for name in ("job.pem", "job.key"):
        shutil.copy(made / name, tmp_path / name_credential(f"/nowhere/{name}"))
    files = TlsFiles(str(made / "ca.pem"), "/nowhere/job.pem", "/nowhere/job.key", HOST)
    link = Link("tls", TlsNetwork("127.0.0.1", relay.port, files))
    assert link.read(1, READ, LONG) == DATA
    link.close()
    (tmp_path / name_credential("/nowhere/job.key")).write_text("\n")
    assert "key_file /nowhere/job.key was not there" in refuse(link)
    (tmp_path / name_credential("/nowhere/job.key")).unlink()
    assert "sjactl apply" in refuse(link)


def test_files_that_will_not_do(relay: TlsRelay, made: Path, tmp_path: Path) -> None:
    said = refuse(link_to(relay.port, tmp_path))
    assert f"ca_file {tmp_path}/ca.pem" in said
    (tmp_path / "ca.pem").write_text("nonsense")
    assert "no certificate" in refuse(link_to(relay.port, tmp_path))
    shutil.copy(made / "ca.pem", tmp_path / "ca.pem")
    shutil.copy(made / "job.pem", tmp_path / "job.pem")
    assert f"key_file {tmp_path}/job.key" in refuse(link_to(relay.port, tmp_path, me="job"))
    shutil.copy(made / "forged.key", tmp_path / "job.key")
    assert "no pair" in refuse(link_to(relay.port, tmp_path, me="job"))
    openssl(made, f"ec -in job.key -aes128 -passout pass:secret -out {tmp_path}/job.key")
    assert "password" in refuse(link_to(relay.port, tmp_path, me="job"))
    assert relay.connections == 0


def test_a_device_without_tls_and_one_that_never_shakes_hands(
    make_device: MakeDevice, made: Path
) -> None:
    # It waits for the rest of what it takes for a frame, or hangs up.
    refuse(link_to(make_device().port, made), 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        refuse(link_to(silent.getsockname()[1], made), 0.3)


def test_a_connection_that_was_closed_loses_no_read(relay: TlsRelay, made: Path) -> None:
    relay.answers = 1
    link = link_to(relay.port, made)
    for done in range(3):
        assert link.read(1, READ, LONG) == DATA
        assert relay.connections == done + 1
        wait_for(lambda: relay.closed == relay.connections, "it to hang up")
    link.close()
