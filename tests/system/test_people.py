"""What people do around acquisition: tables of points, probe, data, simulate, shared devices."""

import csv
import io
import json
from collections.abc import Iterator

import pytest

from tests.machines.machine import Machine
from tests.system.counterparts import Influx, ModbusDevice, wait_listening
from tests.system.jobs import unit_of, view, wait_active, wait_state

FILE = """# hall A, by the window
interval = "200ms"
[sink]
{sink}

[[device]]
name = "press1"
host = "127.0.0.1"
port = {port}
timeout = "20s"
{points}
"""
LOCAL = 'type = "local"'
POINT = """
  [[device.point]]
  name = "temperature"
  table = "holding"
  address = 100
  type = "uint16"
  unit = "°C"
"""
TABLE = "name;table;address;type;unit\ntemperature;holding;100;uint16;°C\n状态;coil;1;;\n"


@pytest.fixture(scope="module")
def device(shared_machine: Machine) -> ModbusDevice:
    """A device whose registers hold their own addresses."""
    device = ModbusDevice(shared_machine, 1502)
    device.start()
    return device


@pytest.fixture(autouse=True)
def no_jobs_left(shared_machine: Machine) -> Iterator[None]:
    yield
    shared_machine.sh("sjactl list --json | grep -q '\"job\"' && sjactl remove '*' || true")


def write_file(
    machine: Machine, name: str, port: int, *, sink: str = LOCAL, points: str = POINT
) -> str:
    """Write a person's file; return its path."""
    machine.write(f"/home/plant/{name}.toml", FILE.format(sink=sink, port=port, points=points))
    return f"/home/plant/{name}.toml"


def create(machine: Machine, name: str, path: str, *words: str) -> str:
    """Create a job from a file; return what was said about it."""
    done = machine.run("sjactl", "create", "acquisition", name, "--from", path, *words)
    assert done.stdout == f"acquisition/{name}\n"
    return done.stderr


def read_csv(machine: Machine, *words: str) -> list[dict[str, str]]:
    said = machine.run("sjactl", "data", *words, "--format", "csv").stdout
    return list(csv.DictReader(io.StringIO(said)))


def test_a_table_of_points_becomes_the_job_s_own(
    shared_machine: Machine, device: ModbusDevice
) -> None:
    machine = shared_machine
    machine.write("/home/plant/tables/press1.csv", "\ufeff" + TABLE)
    path = write_file(machine, "a", device.port, points='points = "tables/press1.csv"')
    assert create(machine, "line1", path) == ""
    machine.run("rm", "-r", "/home/plant/tables")
    wait_state(machine, "acquisition/line1", "running")
    shown = machine.run("sjactl", "config", "line1").stdout
    assert "# hall A, by the window" in shown
    assert "temperature" in shown
    machine.run("sjactl", "restart", "line1")
    wait_state(machine, "acquisition/line1", "running")
    names = {row["point"] for row in read_csv(machine, "line1")}
    assert names == {"temperature", "状态"}


def test_faults_of_a_table_are_named_by_its_rows(shared_machine: Machine) -> None:
    machine = shared_machine
    machine.write("/home/plant/press1.csv", TABLE + "a;holding;70000;uint16;\nb;coil;x;;\n")
    path = write_file(machine, "a", 1502, points='points = "press1.csv"')
    words = ["create", "acquisition", "line1", "--from", path]
    done = machine.run("sjactl", *words, check=False)
    assert done.returncode == 1
    assert "press1.csv: row 4" in done.stderr
    assert "press1.csv: row 5" in done.stderr
    assert not machine.exists("/etc/sja-units/acquisition/line1.toml")


def test_a_hand_written_file_with_a_table_wants_apply(
    shared_machine: Machine, device: ModbusDevice
) -> None:
    machine = shared_machine
    text = FILE.format(sink=LOCAL, port=device.port, points='points = "press1.csv"')
    machine.write("/etc/sja-units/acquisition/line1.toml", text)
    machine.write("/etc/sja-units/acquisition/press1.csv", TABLE)
    job = "acquisition/line1"
    assert machine.run("systemctl", "start", unit_of(job), check=False).returncode != 0
    shown = view(machine, job)
    assert (shown["state"], shown["error"]["exit_code"]) == ("failed", 78)
    assert "sjactl apply" in shown["error"]["message"]
    assert "\n" not in shown["error"]["message"]
    machine.run("sjactl", "apply", "line1")
    owner = machine.run("stat", "-c", "%U:%G %a", shown["config"]).stdout.strip()
    assert owner == "root:sja 640"
    machine.run("systemctl", "start", unit_of(job))
    wait_state(machine, job, "running")
    machine.run("rm", "/etc/sja-units/acquisition/press1.csv")


def test_probe_of_a_job_leaves_it_alone(shared_machine: Machine, device: ModbusDevice) -> None:
    machine = shared_machine
    machine.sh("id plant 2>/dev/null || useradd plant")
    path = write_file(machine, "a", device.port)
    create(machine, "line1", path)
    before = wait_state(machine, "acquisition/line1", "running")
    found = json.loads(machine.run("sjactl", "probe", "line1", "--json").stdout)
    assert found["ok"] is True
    (point,) = found["devices"][0]["points"]
    assert (point["value"], point["words"], point["unit"]) == (100, [100], "°C")
    said = machine.run("sjactl", "probe", "acquisition/line1", "--point", "temperature").stdout
    assert "101" in said  # the neighbour
    assert machine.run("sjactl", "probe", path, user="plant").stdout
    refused = machine.run("sjactl", "probe", "line1", check=False, user="plant")
    assert refused.returncode == 5
    after = view(machine, "acquisition/line1")
    assert (after["pid"], after["restarts"], after["error"]) == (before["pid"], 0, None)


def test_probe_names_the_job_that_holds_the_connection(
    shared_machine: Machine, device: ModbusDevice
) -> None:
    machine = shared_machine
    path = write_file(machine, "a", device.port)
    create(machine, "line1", path)
    wait_state(machine, "acquisition/line1", "running")
    device.stop()
    done = machine.run("sjactl", "probe", path, check=False)
    assert done.returncode == 1
    assert "sjactl stop acquisition/line1" in done.stdout
    # The job itself is believed: what its last cycle met is what there is.
    wait_state(machine, "acquisition/line1", "degraded")
    assert machine.run("sjactl", "probe", "line1", check=False).returncode == 1
    device.start()


def test_probe_asks_a_real_database_and_leaves_nothing(
    shared_machine: Machine, device: ModbusDevice
) -> None:
    machine = shared_machine
    database = Influx(machine)
    database.start()
    sink = f'url = "{database.sink["url"]}"\ndatabase = "edge"'
    path = write_file(machine, "a", device.port, sink=sink)
    assert json.loads(machine.run("sjactl", "probe", path, "--json").stdout)["sink"]["ok"] is True
    assert database.rows("press1", "temperature") == []
    other = machine.run("sjactl", "probe", path, "--set", "sink.database=none", check=False)
    assert other.returncode == 1
    assert "none" in other.stdout
    database.stop()
    assert machine.run("sjactl", "probe", path, check=False).returncode == 1


def test_data_of_a_running_job(shared_machine: Machine, device: ModbusDevice) -> None:
    machine = shared_machine
    machine.sh("id plant 2>/dev/null || useradd plant")
    create(machine, "line1", write_file(machine, "a", device.port))
    before = wait_state(machine, "acquisition/line1", "running")
    machine.wait_for(lambda: len(read_csv(machine, "line1")) >= 5, what="five values")
    rows = read_csv(machine, "line1", "--point", "press1.temperature")
    assert {(row["device"], row["value"], row["unit"]) for row in rows} == {("press1", "100", "°C")}
    assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)
    assert len(read_csv(machine, "line1", "-n", "3")) == 3
    assert read_csv(machine, "line1", "--until", "1h") == []
    assert read_csv(machine, "line1", "--since", rows[-1]["time"]) != []
    for form in ("table", "jsonl", "line", "plot"):
        said = machine.run("sjactl", "data", "line1", "--format", form).stdout
        assert "100" in said
    assert machine.run("sjactl", "data", "line1", check=False, user="plant").returncode == 5
    after = view(machine, "acquisition/line1")
    assert (after["pid"], after["restarts"]) == (before["pid"], 0)
    machine.run("sjactl", "stop", "line1")
    assert len(read_csv(machine, "line1")) >= len(rows)


def test_a_simulated_device_feeds_a_job(shared_machine: Machine) -> None:
    machine = shared_machine
    path = write_file(machine, "a", 502)
    machine.spawn("simulator", "sjactl", "simulate", path, "--port", "1600")
    wait_listening(machine, 1600)
    assert create(machine, "line1", path, "--set", "device.0.port=1600") == ""
    wait_state(machine, "acquisition/line1", "running")
    machine.wait_for(
        lambda: len({row["value"] for row in read_csv(machine, "line1")}) >= 3,
        what="values that move",
    )
    values = [float(row["value"]) for row in read_csv(machine, "line1")]
    assert all(0 <= value <= 100 for value in values)
    machine.run("systemctl", "stop", "simulator")
    assert "code=exited" not in machine.journal("simulator.service")


def test_a_device_that_is_off_is_a_warning(shared_machine: Machine) -> None:
    machine = shared_machine
    said = create(machine, "line1", write_file(machine, "a", 1))
    assert "warning: press1:" in said
    wait_active(machine, "acquisition/line1")


def test_two_jobs_on_one_device(shared_machine: Machine, device: ModbusDevice) -> None:
    machine = shared_machine
    path = write_file(machine, "a", device.port)
    assert create(machine, "line1", path) == ""
    said = create(machine, "line2", path)
    assert "warning: " in said
    assert "acquisition/line1" in said
    for job in ("acquisition/line1", "acquisition/line2"):
        wait_active(machine, job)
    done = machine.run("sjactl", "check", "--json")
    (warning,) = json.loads(done.stdout)["warnings"]
    assert {"acquisition/line1", "acquisition/line2"} <= {
        warning["job"],
        *warning["message"].replace(":", "").split(),
    }
    machine.run("sjactl", "stop", "line2")
    assert json.loads(machine.run("sjactl", "check", "--json").stdout)["warnings"] == []


def test_two_jobs_with_one_session(shared_machine: Machine) -> None:
    machine = shared_machine
    machine.write("/srv/www/me", "alice")
    machine.spawn(
        "www", "python3", "-m", "http.server", "--bind", "127.0.0.1", "-d", "/srv/www", "8000"
    )
    wait_listening(machine, 8000)
    secret = "0123456789abcdef0123456789abcdef"
    machine.write("/home/plant/jar", f"JSESSIONID={secret}; theme=dark\n")
    words = ["--url", "http://127.0.0.1:8000/me", "--cookies", "/home/plant/jar"]
    for name, warns in (("alice", False), ("bob", True)):
        done = machine.run("sjactl", "create", "keepalive", name, *words)
        assert ("keepalive/alice" in done.stderr) is warns
        assert secret not in done.stdout + done.stderr
    wait_state(machine, "keepalive/bob", "running")
    done = machine.run("sjactl", "check", "--json")
    (warning,) = json.loads(done.stdout)["warnings"]
    assert warning["job"] == "keepalive/alice"
    assert "keepalive/bob" in warning["message"]
    assert secret not in done.stdout
    machine.run("systemctl", "stop", "www")
