"""Every class of answer, from a real HTTP server."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sja_units.acquisition.influxdb import client as upload
from tests.unit.acquisition.conftest import MakeRogue
from tests.unit.acquisition.database import Answer, Database
from tests.unit.acquisition.harness import free_port
from tests.unit.acquisition.sending import Run, Running
from tests.waiting import PATIENCE, wait_for


def test_all_arrives_over_one_connection(run: Run, database: Database) -> None:
    one = run(database.url)
    for number in range(20):
        one.put(number)
        one.wait_until_sent()
    assert database.column("v") == [*range(20)]
    assert database.repeated == 0
    assert len(database.connections) == 1
    assert {path for path, _ in database.requests} == {"/write?db=edge&precision=ns"}


def test_batches_grow_with_what_waits(tmp_path: Path, database: Database) -> None:
    one = Running(tmp_path, database.url)
    one.put(*range(0, 30_000, 100), lines=100)
    one.sink.start()
    one.wait_until_sent()
    one.close()
    assert database.column("v") == [*range(30_000)]
    assert len(database.sizes) <= 10
    assert max(database.sizes) <= 5000


@pytest.mark.slow
@pytest.mark.parametrize("status", [500, 503, 429, 401, 403, 404, 302, 200])
def test_what_is_not_written_is_kept_and_sent_again_in_order(
    run: Run, database: Database, status: int
) -> None:
    refusals = iter([status])

    def rule(_lines: list[str]) -> Answer | None:
        refused = next(refusals, None)
        return (refused, "<html>not now</html>") if refused else None

    database.rule = rule
    one = run(database.url)
    one.put(1, 2, 3)
    wait_for(lambda: one.sink.sender.state in ("error", "refused"), "a state that says so")
    assert one.sink.sender.state == ("refused" if status in (401, 403, 404, 302) else "error")
    assert str(status) in one.sink.sender.message
    one.wait_until_sent()
    assert database.column("v") == [1, 2, 3]
    assert database.repeated == 0
    wait_for(lambda: one.sink.sender.state == "healthy", "health")
    assert one.sink.dead_letter.parked == 0


@pytest.mark.slow
def test_retry_after_is_heeded(run: Run, database: Database) -> None:
    moments: list[float] = []

    def rule(_lines: list[str]) -> Answer | None:
        moments.append(time.monotonic())
        return (503, "Retry-After: 2\n\n") if len(moments) == 1 else None

    database.rule = rule
    one = run(database.url)
    one.put(1)
    one.wait_until_sent()
    assert moments[1] - moments[0] >= 2


def test_what_is_too_large_is_halved(run: Run, database: Database) -> None:
    database.rule = lambda lines: (413, "") if len(lines) > 100 else None
    one = run(database.url)
    one.put(0, lines=1000)
    one.wait_until_sent()
    assert database.column("v") == [*range(1000)]
    assert one.sink.dead_letter.parked == 0


@pytest.mark.slow
def test_a_database_that_comes_later_gets_everything(run: Run) -> None:
    port = free_port()
    one = run(f"http://127.0.0.1:{port}")
    one.put(1, 2)
    wait_for(lambda: one.sink.sender.state == "error", "a state that says so")
    assert one.spool.state().lines == 2
    database = Database(port)
    one.put(3)
    one.wait_until_sent()
    database.close()
    assert database.column("v") == [1, 2, 3]


def test_a_database_that_restarts_is_no_failure(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    first = Database()
    one = run(first.url)
    one.put(1)
    one.wait_until_sent()
    first.close()
    second = Database(first.port)
    one.put(2)
    one.wait_until_sent()
    second.close()
    assert second.column("v") == [2]
    assert capsys.readouterr().err == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    "parts",
    [
        [b"HTTP/1.1 204", None],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{", None],
        [b"SSH-2.0-x\r\n", None],
        [None],
        [b"HTTP/1.1 204 No Content\r\n" + b"X: y\r\n" * 50_000 + b"\r\n", None],
        [b"HTTP/1.1 204 " + b"x" * 100_000],
    ],
    ids=["cut", "cut body", "not HTTP", "closed", "endless headers", "long line"],
)
def test_half_an_answer_is_none(
    run: Run, make_rogue: MakeRogue, parts: list[bytes | float | None]
) -> None:
    rogue = make_rogue(lambda _: parts)
    one = run(f"http://127.0.0.1:{rogue.port}")
    one.put(1)
    wait_for(lambda: one.sink.sender.state == "error", "a state that says so")
    assert one.spool.state().batches == 1


@pytest.mark.slow
def test_no_answer_is_waited_for_no_longer_than_the_deadline(
    run: Run, make_rogue: MakeRogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "REQUEST_SECONDS", 0.5)
    rogue = make_rogue(lambda _: [])
    one = run(f"http://127.0.0.1:{rogue.port}")
    one.put(1)
    began = time.monotonic()
    wait_for(lambda: one.sink.sender.state == "error", "a state that says so")
    assert time.monotonic() - began < 10


@pytest.mark.slow
def test_an_answer_byte_by_byte_does_not_outlive_the_deadline(
    run: Run, make_rogue: MakeRogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "REQUEST_SECONDS", 0.5)

    def reply(_request: bytes) -> Iterator[bytes | float]:
        for byte in b"HTTP/1.1 204 No Content\r\nX-Slow: 1\r\n\r\n":
            yield bytes([byte])
            yield 0.1

    rogue = make_rogue(reply)
    one = run(f"http://127.0.0.1:{rogue.port}")
    one.put(1)
    wait_for(lambda: one.sink.sender.state == "error", "a state that says so")


def test_a_stop_sends_what_it_can_and_keeps_the_rest(tmp_path: Path, database: Database) -> None:
    one = Running(tmp_path, database.url)
    one.put(1, 2, 3)
    one.sink.start()
    one.sink.stop(time.monotonic() + PATIENCE)
    one.sink.join(PATIENCE)
    assert database.column("v") == [1, 2, 3]
    one.close()

    away = Running(tmp_path, f"http://127.0.0.1:{free_port()}")
    away.put(4)
    away.sink.start()
    away.sink.stop(time.monotonic() + PATIENCE)
    away.sink.join(PATIENCE)
    assert not away.sink.is_alive()
    assert away.spool.state().lines == 1
    away.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Paths of a certificate for 127.0.0.1 and of its key."""
    folder = tmp_path_factory.mktemp("tls")
    paths = str(folder / "certificate.pem"), str(folder / "key.pem")
    subprocess.run(
        f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
        f"-subj /CN=database.example.edu -addext subjectAltName=IP:127.0.0.1 "
        f"-out {paths[0]} -keyout {paths[1]}".split(),
        check=True,
        capture_output=True,
    )
    return paths


def test_https_is_verified(tmp_path: Path, certificate: tuple[str, str]) -> None:
    database = Database(certificate=certificate)
    one = Running(tmp_path, database.url)
    one.put(1)
    one.sink.start()
    wait_for(lambda: "certificate" in one.sink.sender.message, "a refusal of the certificate")
    one.close()
    assert database.values == {}
    trusting = Running(tmp_path, database.url, ca_file=certificate[0])
    trusting.sink.start()
    trusting.wait_until_sent()
    trusting.close()
    database.close()
    assert database.column("v") == [1]
