"""What a running job reads now, for people, without another connection to its device."""

import json
from collections.abc import Iterator

import pytest

from tests.machines.machine import Machine
from tests.system.counterparts import ModbusDevice
from tests.system.jobs import wait_state
from tests.system.lines import create_acquisition, describe_device


@pytest.fixture
def device(shared_machine: Machine) -> Iterator[ModbusDevice]:
    device = ModbusDevice(shared_machine, 1502)
    device.start()
    yield device
    device.stop()


def test_live_values(shared_machine: Machine, device: ModbusDevice) -> None:
    machine = shared_machine
    job = create_acquisition(
        machine, "live", [describe_device("press", device.port)], {"type": "local"}
    )
    file = "/run/sja-units/last/live/last.json"
    machine.wait_for(lambda: machine.exists(file), what="a last cycle")
    modes = machine.run("stat", "--format=%a %G", file, "/run/sja-units/last/live").stdout
    assert modes.splitlines() == ["640 sja", "2750 sja"]

    def read() -> dict[str, dict[str, object]]:
        said = machine.run("sjactl", "data", job, "--last", "--format", "jsonl").stdout
        return {value["point"]: value for value in map(json.loads, said.splitlines())}

    first = read()
    assert first["neighbour"]["value"] == 1002
    assert first["neighbour"]["registers"] == [1002]
    assert first["counter"]["registers"] == [0, first["counter"]["value"]]
    machine.wait_for(
        lambda: read()["counter"]["value"] != first["counter"]["value"], what="the next cycle"
    )
    followed = machine.sh(f"timeout 5 sjactl data {job} --follow --format csv || true").stdout
    lines = [line for line in followed.splitlines() if ",counter," in line]
    assert len(lines) >= 2
    assert "press: healthy" in machine.run("sjactl", "status", job).stdout
    # The probe reads where the job has read: each answer of the device is one of the job's.
    shown = machine.run("sjactl", "probe", job, "--point", "neighbour").stdout
    assert "1002" in shown
    whole = json.loads(machine.run("sjactl", "probe", job, "--json").stdout)
    assert whole["devices"][0]["read_at"]
    assert whole["devices"][0]["ok"]
    device.stop()
    wait_state(machine, job, "degraded")
    done = machine.run("sjactl", "probe", job, "--json", check=False)
    assert done.returncode == 1
    assert json.loads(done.stdout)["devices"][0]["ok"] is False
    machine.run("sjactl", "stop", job)
    sent = device.sent().total()
    device.start()
    stored = machine.run("sjactl", "data", job, "--point", "counter", "--format", "jsonl").stdout
    assert sent - len(stored.splitlines()) <= 1
    machine.run("sjactl", "remove", job)
    assert not machine.exists("/run/sja-units/last/live")
