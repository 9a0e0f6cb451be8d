"""Values that a real database refuses: nothing is lost, nothing is hidden."""

import json
import re
from collections.abc import Iterator

import pytest

from tests.machines.machine import Machine
from tests.system.counterparts import Influx, ModbusDevice
from tests.system.jobs import view, wait_state
from tests.system.lines import create_acquisition, describe_device

JOB = "acquisition/press"
FILE = f"/etc/sja-units/{JOB}.toml"


@pytest.fixture
def influx(shared_machine: Machine) -> Iterator[Influx]:
    database = Influx(shared_machine)
    database.start()
    database.ask("DROP MEASUREMENT press")
    yield database
    shared_machine.run("sjactl", "remove", JOB, check=False)


@pytest.fixture
def device(shared_machine: Machine) -> Iterator[ModbusDevice]:
    device = ModbusDevice(shared_machine, 1502)
    device.start()
    yield device
    device.stop()


def rescale(machine: Machine, addition: str) -> None:
    """Add a line to the point `neighbour` of the job's file, and restart the job."""
    text = machine.read(FILE)
    machine.write(FILE, re.sub(r'(name = "neighbour"\n)', rf"\1  {addition}\n", text))
    machine.run("sjactl", "restart", JOB)


def test_a_point_whose_type_changed_costs_no_other_and_can_be_brought_in(
    shared_machine: Machine, influx: Influx, device: ModbusDevice
) -> None:
    machine = shared_machine
    create_acquisition(machine, "press", [describe_device("press", device.port)], influx.sink)
    machine.wait_for(lambda: len(influx.rows("press", "neighbour")) > 5, what="rows")
    assert wait_state(machine, JOB, "running")["health"]["sink"]["refused"] == []

    rescale(machine, "scale = 0.1")
    shown = wait_state(machine, JOB, "degraded")
    (refused,) = shown["health"]["sink"]["refused"]
    assert (refused["measurement"], refused["field"]) == ("press", "neighbour")
    assert "integer" in refused["reason"]
    assert "neighbour of press" in shown["status"]
    why = " ".join(machine.run("sjactl", "why", JOB).stdout.split())
    assert "sjactl resend acquisition/press" in why
    assert "integer" in why
    done = machine.run("sjactl", "check", check=False)
    assert done.returncode == 1
    assert "neighbour of press" in done.stdout
    assert "sja_acquisition_sink_refused_fields" in machine.run("sjactl", "metrics").stdout

    # The other point of the same lines goes on.
    rows = len(influx.rows("press", "counter"))
    machine.wait_for(lambda: len(influx.rows("press", "counter")) > rows + 5, what="more rows")
    listed = machine.run("sjactl", "data", JOB, "--refused", "--format", "jsonl").stdout
    values = [json.loads(line) for line in listed.splitlines()]
    assert values
    assert {value["point"] for value in values} == {"neighbour"}
    assert {value["value"] for value in values} == {100.2}
    assert all("integer" in value["reason"] for value in values)
    assert {value for _, value in influx.rows("press", "neighbour")} == {1002}

    # Not mended yet: all is kept.
    done = machine.run("sjactl", "resend", JOB, check=False)
    assert done.returncode == 1
    kept = machine.run("sjactl", "data", JOB, "--refused", "--format", "jsonl").stdout
    assert set(listed.splitlines()) <= set(kept.splitlines())

    # Somebody drops the field's measurement: then all is taken.
    influx.ask("DROP MEASUREMENT press")
    machine.wait_for(
        lambda: machine.run("sjactl", "resend", JOB, check=False).returncode == 0,
        what="the database to take what it had refused",
    )
    wait_state(machine, JOB, "running")
    machine.wait_for(lambda: view(machine, JOB)["health"]["sink"]["parked"] == 0, what="0 parked")
    assert machine.run("sjactl", "check", check=False).returncode == 0
    stored = {at for at, _ in influx.rows("press", "neighbour")}
    assert len(stored) >= len(values)
    machine.run("sjactl", "stop", JOB)
    assert {value for _, value in influx.rows("press", "neighbour")} == {100.2}


def test_an_old_influxdb_takes_no_unsigned_integers(
    shared_machine: Machine, influx: Influx, device: ModbusDevice
) -> None:
    machine = shared_machine
    before = device.sent().total()
    create_acquisition(machine, "press", [describe_device("press", device.port)], influx.sink)
    rescale(machine, 'write_as = "unsigned"')
    shown = wait_state(machine, JOB, "degraded")
    assert [entry["field"] for entry in shown["health"]["sink"]["refused"]] == ["neighbour"]
    assert 'write_as = "integer"' in " ".join(machine.run("sjactl", "why", JOB).stdout.split())
    rows = len(influx.rows("press", "counter"))
    machine.wait_for(lambda: len(influx.rows("press", "counter")) > rows + 5, what="more rows")
    machine.run("sjactl", "stop", JOB)
    missing = device.sent().total() - before - len(influx.rows("press", "counter"))
    assert missing <= 1
