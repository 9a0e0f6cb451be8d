"""`sjactl probe` and `sjactl simulate`, against each other and against peers."""

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sja_units.cli.target import is_path
from sja_units.keepalive.cookie import Cookie
from sja_units.keepalive.jar import format_json, format_netscape
from sja_units.keepalive.store import read_jar, save_jar
from tests.unit.acquisition.conftest import MakeDevice
from tests.unit.acquisition.database import Database
from tests.unit.acquisition.harness import free_port
from tests.unit.cli.conftest import Sjactl, start_sjactl
from tests.unit.keepalive.harness import RunningSite
from tests.waiting import PATIENCE

TWO_DEVICES = """
interval = "1s"
[sink]
type = "local"
[[device]]
name = "press1"
host = "127.0.0.1"
port = {port}
unit_id = 1
timeout = "20s"
points = "press1.csv"
[[device]]
name = "press2"
host = "127.0.0.1"
port = {port}
unit_id = 5
timeout = "20s"
  [[device.point]]
  name = "temperature"
  table = "input"
  address = 30
  type = "float32"
  byte_order = "CDAB"
  unit = "°C"
"""
TABLE = "name,table,address,type\ntemperature,holding,100,uint16\nstrokes,holding,102,uint32\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A job's file that nobody listens for."""
    (tmp_path / "press1.csv").write_text(TABLE)
    path = tmp_path / "job.toml"
    path.write_text(TWO_DEVICES.format(port=free_port()))
    return path


def point_at(port: int) -> list[str]:
    return [word for i in (0, 1) for word in ("--set", f"device.{i}.port={port}")]


@contextmanager
def simulated(file: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    process = start_sjactl("simulate", str(file), "--port", str(port))
    try:
        assert process.stdout is not None
        assert f":{port}" in process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE)


@pytest.mark.slow
def test_a_file_that_is_simulated_is_well(file: Path, sjactl: Sjactl) -> None:
    port = free_port()
    with simulated(file, port):
        said = sjactl("probe", str(file), *point_at(port), "--json")
        assert said.status == 0
        found = json.loads(said.out)
        assert (found["kind"], found["ok"], found["sink"]["ok"]) == ("acquisition", True, True)
        assert [device["name"] for device in found["devices"]] == ["press1", "press2"]
        first, second = found["devices"]
        assert [(r["table"], r["address"], r["count"]) for r in first["requests"]] == [
            ("holding", 100, 4)
        ]
        (point,) = second["points"]
        assert (point["unit"], point["message"], len(point["words"])) == ("°C", "", 2)
        assert 0 <= point["value"] <= 100
        said = sjactl("probe", str(file), *point_at(port))
        assert said.status == 0
        assert "°C" in said.out


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_simulation_ends_when_told(file: Path, number: int) -> None:
    with simulated(file, free_port()) as process:
        process.send_signal(number)
        _, words = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
    assert "--set device.0.port=" in words
    assert "--set device.1.port=" in words
    assert "Traceback" not in words


@pytest.mark.slow
def test_a_simulation_that_is_told_again_and_again_ends(file: Path) -> None:
    with simulated(file, free_port()) as process:
        for _ in range(1000):
            process.send_signal(signal.SIGTERM)
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
        assert process.returncode == 0


@pytest.mark.slow
def test_a_simulation_needs_a_free_port(file: Path, sjactl: Sjactl) -> None:
    port = free_port()
    with simulated(file, port):
        said = sjactl("simulate", str(file), "--port", str(port))
    assert said.status == 1
    assert str(port) in said.err


def test_nobody_there(file: Path, sjactl: Sjactl) -> None:
    said = sjactl("probe", str(file), "--json")
    assert said.status == 1
    found = json.loads(said.out)
    assert not found["ok"]
    assert all(device["message"] and device["advice"] for device in found["devices"])
    assert sjactl("probe", str(file)).status == 1
    said = sjactl("probe", str(file), "--point", "strokes")
    assert said.status == 1
    assert "press1" in said.err


def test_a_refused_point_is_named(file: Path, sjactl: Sjactl, make_device: MakeDevice) -> None:
    peer = make_device(illegal=frozenset({102}), units=frozenset({1, 5}))
    said = sjactl("probe", str(file), *point_at(peer.port))
    assert said.status == 1
    assert "strokes" in said.out
    assert "illegal data address" in said.out


@pytest.mark.slow
def test_one_point_from_all_sides(file: Path, sjactl: Sjactl, make_device: MakeDevice) -> None:
    peer = make_device(illegal=frozenset({104}), units=frozenset({1, 5}))
    words = ["probe", str(file), *point_at(peer.port), "--point"]
    said = sjactl(*words, "press1.temperature", "--json")
    assert said.status == 0
    found = json.loads(said.out)
    assert (found["words"], found["value"]) == ([100], 100)
    # Each register of the peer holds its own address.
    types = {(row["type"], row["byte"]): row for row in found["types"]}
    assert types["uint16", ""]["BADC"] == 100 << 8
    assert types["uint32", ""]["ABCD"] == 100 << 16 | 101
    assert types["uint32", ""]["CDAB"] == 101 << 16 | 100
    assert types["uint64", ""]["ABCD"] == 100 << 48 | 101 << 32 | 102 << 16 | 103
    places = {(row["table"], row["address"]): row for row in found["places"]}
    assert places["holding", 99]["value"] == 99
    assert places["holding", 101]["value"] == 101
    assert places["input", 100]["value"] == 100
    said = sjactl(*words, "press1.strokes")
    assert said.status == 0
    assert str(102 << 16 | 103) in said.out
    assert "illegal data address" in said.out  # one address further
    # Its place is refused as a whole, and what it may mean is shown all the same.
    peer.registers.illegal = frozenset({103})
    said = sjactl(*words, "strokes")
    assert said.status == 1
    assert "66" in said.out


@pytest.mark.parametrize("point", ["temperature", "nonsense", "press1.temperatur", ""])
def test_a_point_must_be_one(file: Path, sjactl: Sjactl, point: str) -> None:
    said = sjactl("probe", str(file), "--point", point)
    assert said.status == 2
    if point == "press1.temperatur":
        assert "press1.temperature" in said.err


@pytest.mark.slow
def test_the_database_is_asked_too(file: Path, sjactl: Sjactl, database: Database) -> None:
    port = free_port()
    file.write_text(
        file.read_text().replace('type = "local"', f'url = "{database.url}"\ndatabase = "edge"')
    )
    with simulated(file, port):
        assert sjactl("probe", str(file), *point_at(port)).status == 0
        assert database.values == {}
        database.rule = lambda _: (404, '{"error":"database not found: \\"edge\\""}')
        said = sjactl("probe", str(file), *point_at(port))
        assert said.status == 1
        assert "edge" in said.out


def test_faults_of_the_file_are_told(tmp_path: Path, file: Path, sjactl: Sjactl) -> None:
    (tmp_path / "press1.csv").write_text(TABLE + "bad,holding,70000,uint16\n")
    for verb in ("probe", "simulate"):
        said = sjactl(verb, str(file))
        assert said.status == 1
        assert "press1.csv: row 4" in said.err
        assert said.out == ""
    assert sjactl("probe", str(tmp_path / "none.toml")).status == 1
    assert sjactl("probe", str(file), "--set", "x").status == 2


def test_a_page_is_looked_at_once(tmp_path: Path, sjactl: Sjactl, site: RunningSite) -> None:
    path = tmp_path / "alice.toml"
    path.write_text(f'url = "{site.url}"\n')
    said = sjactl("probe", str(path))
    assert said.status == 1
    assert "expired" in said.out
    assert sjactl("simulate", str(path)).status == 2
    assert sjactl("probe", str(path), "--point", "x").status == 2


def test_a_job_s_session_is_asked_for_and_left_alone(
    home: Path, sjactl: Sjactl, site: RunningSite
) -> None:
    (home / "etc/keepalive/alice.toml").write_text(f'url = "{site.url}"\n')
    state = home / "var/keepalive/alice"
    state.mkdir()
    name, _, value = site.log_in().partition("=")
    jar = (Cookie(name, value, "127.0.0.1"),)
    save_jar(str(state), jar)
    said = sjactl("probe", "alice", "--json")
    assert said.status == 0
    assert json.loads(said.out)["session"] == "alive"
    assert value not in said.out + said.err
    assert read_jar(str(state)) == jar
    assert site.site.stats["alive"] == 1
    site.clock.now += 1000
    assert sjactl("probe", "keepalive/alice").status == 1
    assert sjactl("probe", "keepalive/bob").status == 4


def test_a_resting_job_keeps_what_a_probe_renews(
    home: Path, sjactl: Sjactl, site: RunningSite
) -> None:
    site.site.grace = -1  # each token is good for one visit
    path = home / "etc/keepalive/alice.toml"
    text = f'url = "{site.url}"\n[alive]\nbody_contains = "username"\n'
    path.write_text(text)
    state = home / "var/keepalive/alice"
    state.mkdir()
    name, _, value = site.log_in().partition("=")
    save_jar(str(state), (Cookie(name, value, "127.0.0.1"),))
    for _ in range(3):
        assert sjactl("probe", "alice").status == 0
    # An answer that shows no sign of life may have renewed the session all the same.
    path.write_text(text.replace("username", "usrename"))
    for _ in range(3):
        assert sjactl("probe", "alice").status == 1
    path.write_text(text)
    assert sjactl("probe", "alice").status == 0
    assert site.site.stats["refused"] == 0


@pytest.mark.parametrize("form", ["header", "json", "netscape"])
def test_cookies_are_tried_before_a_job_exists(
    tmp_path: Path, sjactl: Sjactl, site: RunningSite, form: str
) -> None:
    site.site.grace = -1
    path, cookies = tmp_path / "alice.toml", tmp_path / "cookies"
    criteria = '[alive]\nbody_contains = "username"\njson = { "data.id" = 8 }\n'
    path.write_text(f'url = "{site.url}"\n{criteria}')
    name, _, value = site.log_in().partition("=")
    jar = (Cookie(name, value, "127.0.0.1"),)
    texts = {"header": f"{name}={value}", "json": format_json(jar)}
    cookies.write_text(texts.get(form) or format_netscape(jar).decode())
    cookies.chmod(0o640)
    said = sjactl("probe", str(path), "--cookies", str(cookies))
    assert said.status == 1
    for words in ("unknown", "200", name, "alive.body_contains holds", "does not hold", "alice"):
        assert words in said.out
    assert value not in said.out + said.err
    # The site has renewed the cookie: the file holds the new one, and the one before is kept.
    assert cookies.stat().st_mode & 0o777 == 0o640
    assert value in (tmp_path / "cookies~").read_text()
    path.write_text(f'url = "{site.url}"\n[alive]\nbody_contains = "username"\n')
    for _ in range(2):
        said = sjactl("probe", str(path), "--cookies", str(cookies), "--json")
        assert said.status == 0
    document = json.loads(said.out)
    assert document["sent"] == [name]
    assert {"key": "alive.body_contains", "holds": True} in document["criteria"]
    before = cookies.read_bytes()
    said = sjactl("probe", str(path), "--cookies", str(cookies), "--keep")
    assert said.status == 0
    assert cookies.read_bytes() == before
    assert "refused" in said.err
    assert site.site.stats["refused"] == 0


def test_a_page_that_is_alive_for_everybody_is_told(
    tmp_path: Path, sjactl: Sjactl, site: RunningSite
) -> None:
    path, cookies = tmp_path / "alice.toml", tmp_path / "cookies"
    path.write_text(f'url = "{site.url.replace("/api/user/current", "/login")}"\n')
    cookies.write_text("sid=abc")
    said = sjactl("probe", str(path), "--cookies", str(cookies))
    assert "without cookies" in said.out


def test_what_is_no_jar_is_named(tmp_path: Path, sjactl: Sjactl, site: RunningSite) -> None:
    path, cookies = tmp_path / "alice.toml", tmp_path / "page.html"
    path.write_text(f'url = "{site.url}"\n')
    cookies.write_text("<html>a=b</html>")
    said = sjactl("probe", str(path), "--cookies", str(cookies))
    assert said.status == 1
    assert "page.html" in said.err
    assert not site.site.stats["requests"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("line1.toml", True),
        ("./line1", True),
        ("line1.conf", True),
        ("acquisition/line1.toml", True),
        ("/root/line1", True),
        ("folder/line1.toml", True),
        ("line1", False),
        ("*号线", False),
        ("acquisition/line1", False),
        ("sja-acquisition@line1.service", False),
    ],
)
def test_files_and_jobs_are_told_apart(words: str, expected: bool) -> None:
    assert is_path(words) is expected


COMMAND = """
command = ["/bin/true"]
[probe]
tcp = "127.0.0.1:{port}"
"""


def test_what_a_command_s_probe_looks_at_is_tried(tmp_path: Path, sjactl: Sjactl) -> None:
    path = tmp_path / "page.toml"
    with socket.create_server(("127.0.0.1", 0)) as server:
        path.write_text(COMMAND.format(port=server.getsockname()[1]))
        said = sjactl("probe", str(path), "--json")
        assert said.status == 0
        assert json.loads(said.out)["kind"] == "command"
    said = sjactl("probe", str(path))
    assert said.status == 1
    assert "refused" in said.out
    assert sjactl("probe", str(path), "--point", "x").status == 2


@pytest.mark.parametrize(("program", "status"), [("/bin/true", 0), ("/nowhere/true", 1)])
def test_without_a_probe_the_program_is_looked_for(
    program: str, status: int, tmp_path: Path, sjactl: Sjactl
) -> None:
    path = tmp_path / "page.toml"
    path.write_text(f'command = ["{program}"]\n')
    assert sjactl("probe", str(path)).status == status


def test_a_probe_s_file_is_looked_for_where_the_program_works(
    tmp_path: Path, sjactl: Sjactl
) -> None:
    path = tmp_path / "page.toml"
    text = 'command = ["/bin/true"]\nworking_directory = "{}"\n[probe]\nfile = "beat"\n'
    path.write_text(text.format(tmp_path))
    assert sjactl("probe", str(path)).status == 1
    (tmp_path / "beat").touch()
    assert sjactl("probe", str(path)).status == 0
    path.write_text(text.format(tmp_path / "nowhere"))
    said = sjactl("probe", str(path))
    assert said.status == 1
    assert "No such file" in said.out
