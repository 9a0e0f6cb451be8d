"""Every class of answer, from a real HTTP server."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sja_units.acquisition import upload
from sja_units.acquisition.config import SinkConfig, SpoolConfig
from sja_units.acquisition.dead_letter import DeadLetter
from sja_units.acquisition.sink import Sink
from sja_units.acquisition.spool import Spool
from sja_units.acquisition.upload import Uploader
from tests.unit.acquisition.conftest import MakeRogue
from tests.unit.acquisition.database import Answer, Database
from tests.unit.acquisition.harness import PATIENCE, free_port, wait_for


class Running:
    """A spool and its sink."""

    def __init__(self, folder: Path, url: str, ca_file: str = "") -> None:
        self.dead_letter = folder / "dead-letter.lp"
        self.spool = Spool(str(folder / "spool"), SpoolConfig(2**28, 86400.0))
        uploader = Uploader(SinkConfig("influxdb", "wide", url, "edge", ca_file=ca_file))
        self.sink = Sink(self.spool.reader, uploader, DeadLetter(str(self.dead_letter)))

    def put(self, *numbers: int, lines: int = 1) -> None:
        for number in numbers:
            values = range(number, number + lines)
            body = "".join(f"m v={value}i {value + 1}\n" for value in values)
            self.spool.put(body.encode(), lines, number + 1)

    def wait_until_sent(self) -> None:
        wait_for(lambda: self.spool.state().batches == 0, "an empty spool")

    def close(self) -> None:
        self.sink.stop(time.monotonic())
        if self.sink.is_alive():
            self.sink.join(PATIENCE)
        assert self.sink.failure is None
        self.spool.close()


Run = Callable[[str], Running]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Starts a sink that writes to a URL."""
    running: list[Running] = []

    def start(url: str) -> Running:
        running.append(Running(tmp_path, url))
        running[-1].sink.start()
        return running[-1]

    yield start
    for one in running:
        one.close()


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
    wait_for(lambda: one.sink.state != "healthy", "a state that says so")
    assert one.sink.state == ("refused" if status in (401, 403, 404, 302) else "error")
    assert str(status) in one.sink.message
    one.wait_until_sent()
    assert database.column("v") == [1, 2, 3]
    assert database.repeated == 0
    wait_for(lambda: one.sink.state == "healthy", "health")
    assert one.sink.parked == 0


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


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, "partial write: field type conflict"),
        (422, "partial write: points beyond retention policy"),
        (500, "partial write: field type conflict"),
    ],
)
def test_bad_lines_are_parked_with_the_reason_and_the_rest_goes_on(
    run: Run, database: Database, status: int, reason: str
) -> None:
    """Telegraf #11005, #8571: one bad point blocked all others, or was sent for ever."""

    def rule(lines: list[str]) -> Answer | None:
        bad = any(line.split("=")[1].split("i")[0] in ("3", "700") for line in lines)
        return (status, f'{{"error": "{reason}"}}') if bad else None

    database.rule = rule
    one = run(database.url)
    one.put(0, lines=1000)
    one.put(1000)
    one.wait_until_sent()
    assert database.column("v") == [v for v in range(1001) if v not in (3, 700)]
    assert one.sink.parked == 2
    assert one.dead_letter.read_text().splitlines() == [
        f"# {status}: {reason}",
        "m v=3i 4",
        f"# {status}: {reason}",
        "m v=700i 701",
    ]


def test_a_partial_write_is_split_and_nothing_of_it_is_lost(run: Run, database: Database) -> None:
    """InfluxDB 1.x writes what it can and answers 400."""

    def rule(lines: list[str]) -> Answer | None:
        good = [line for line in lines if "v=5i" not in line]
        if good == lines:
            return None
        database.rule = lambda _: None
        if good:
            database.take(good)
        database.rule = rule
        return 400, '{"error": "partial write: field type conflict dropped=1"}'

    database.rule = rule
    one = run(database.url)
    one.put(0, lines=10)
    one.wait_until_sent()
    assert database.column("v") == [0, 1, 2, 3, 4, 6, 7, 8, 9]
    assert one.sink.parked == 1


@pytest.mark.parametrize("lines", [1, 10])
def test_a_request_that_is_wrong_in_itself_parks_nothing(
    run: Run, database: Database, lines: int
) -> None:
    """A bucket without its organisation: InfluxDB 2 says 400 to all that comes."""
    reason = "Please provide either orgID or org"
    database.rule = lambda _: (400, f'{{"code": "invalid", "message": "{reason}"}}')
    one = run(database.url)
    one.put(0, lines=lines)
    wait_for(lambda: one.sink.state != "healthy" and len(database.sizes) > 3, "tries")
    assert (one.sink.state, one.sink.message) == ("refused", f"400: {reason}")
    assert one.sink.parked == 0
    assert one.sink.last_success_ns is None
    assert one.spool.state().lines == lines
    database.rule = lambda _: None
    one.wait_until_sent()
    assert database.column("v") == [*range(lines)]
    assert not one.dead_letter.exists()


def test_a_database_that_cannot_unpack_the_request_parks_nothing(
    run: Run, database: Database
) -> None:
    """It takes what is packed for a line, and says so with a part of it."""
    database.rule = lambda lines: (400, f'{{"error": "unable to parse \'{lines}\': no fields"}}')
    one = run(database.url)
    one.put(0, lines=10)
    wait_for(lambda: one.sink.state == "refused", "a state that says so")
    assert one.sink.parked == 0
    assert one.spool.state().lines == 10


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_a_server_that_says_the_same_to_all_it_refuses_holds_up_no_good_line(
    run: Run, database: Database, bad: int
) -> None:
    def say(lines: list[str]) -> Answer | None:
        is_bad = not lines or any(f" v={bad}i" in line for line in lines)
        return (400, "Bad Request") if is_bad else None

    database.rule = say
    one = run(database.url)
    one.put(0, lines=3)
    one.wait_until_sent()
    assert database.column("v") == sorted({0, 1, 2} - {bad})
    assert one.sink.parked == 1
    one.put(bad)  # by itself: what that answer means is known by now
    one.wait_until_sent()
    assert one.sink.parked == 2


def test_a_bad_line_by_itself_waits_until_another_one_tells_what_the_answer_means(
    run: Run, database: Database
) -> None:
    database.rule = lambda lines: (400, "Bad Request") if lines != ["m v=5i 6"] else None
    one = run(database.url)
    one.put(0)
    wait_for(lambda: one.sink.state == "refused", "a state that says so")
    one.put(5)
    one.wait_until_sent()
    assert database.column("v") == [5]
    assert one.sink.parked == 1


def test_a_server_that_is_another_one_later_is_doubted_anew(run: Run, database: Database) -> None:
    one = run(database.url)
    one.put(0)
    one.wait_until_sent()
    database.rule = lambda _: (400, "Client sent an HTTP request to an HTTPS server.")
    one.put(1, 2, 3)
    wait_for(lambda: one.sink.state == "refused", "a state that says so")
    assert one.sink.parked == 0
    database.rule = lambda _: None
    one.wait_until_sent()
    assert database.column("v") == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "without_lines",
    [(204, ""), (400, "writing requires points"), (400, '"nothing"'), (405, ""), (500, "what?")],
)
@pytest.mark.parametrize("lines", [1, 10])
def test_where_all_lines_are_bad_they_are_parked_and_nothing_counts_as_written(
    run: Run, database: Database, without_lines: Answer, lines: int
) -> None:
    database.rule = lambda got: (400, "field type conflict") if got else without_lines
    one = run(database.url)
    one.put(0, lines=lines)
    one.wait_until_sent()
    assert one.sink.parked == lines
    assert one.sink.state == "healthy"
    assert one.sink.last_success_ns is None
    database.rule = lambda _: None
    one.put(100)
    one.wait_until_sent()
    assert database.column("v") == [100]
    assert one.sink.last_success_ns is not None


def test_what_is_too_large_is_halved(run: Run, database: Database) -> None:
    database.rule = lambda lines: (413, "") if len(lines) > 100 else None
    one = run(database.url)
    one.put(0, lines=1000)
    one.wait_until_sent()
    assert database.column("v") == [*range(1000)]
    assert one.sink.parked == 0


def test_a_database_that_comes_later_gets_everything(run: Run) -> None:
    port = free_port()
    one = run(f"http://127.0.0.1:{port}")
    one.put(1, 2)
    wait_for(lambda: one.sink.state == "error", "a state that says so")
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


@pytest.mark.parametrize(
    "parts",
    [
        [b"HTTP/1.1 204", None],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{", None],
        [b"SSH-2.0-x\r\n", None],
        [None],
        [b"HTTP/1.1 204 No Content\r\n" + b"X: y\r\n" * 1000 + b"\r\n", None],
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
    wait_for(lambda: one.sink.state == "error", "a state that says so")
    assert one.spool.state().batches == 1


def test_no_answer_is_waited_for_no_longer_than_the_deadline(
    run: Run, make_rogue: MakeRogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "REQUEST_SECONDS", 0.5)
    rogue = make_rogue(lambda _: [])
    one = run(f"http://127.0.0.1:{rogue.port}")
    one.put(1)
    began = time.monotonic()
    wait_for(lambda: one.sink.state == "error", "a state that says so")
    assert time.monotonic() - began < 10


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
    wait_for(lambda: one.sink.state == "error", "a state that says so")


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
    wait_for(lambda: "certificate" in one.sink.message, "a refusal of the certificate")
    one.close()
    assert database.values == {}
    trusting = Running(tmp_path, database.url, ca_file=certificate[0])
    trusting.sink.start()
    trusting.wait_until_sent()
    trusting.close()
    database.close()
    assert database.column("v") == [1]
