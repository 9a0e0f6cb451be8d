"""Jobs on a serial port: let in by the drop-in, one at a time, back when it is plugged in again."""

from collections.abc import Iterator

import pytest

from tests.machines.machine import Machine
from tests.system.jobs import unit_of, view, wait_state

TTY = "/dev/ttySIM"
FILE = """interval = "200ms"
[sink]
type = "local"
[[device]]
name = "meter"
transport = "rtu"
port = "/dev/ttySIM"
timeout = "5s"
  [[device.point]]
  name = "current"
  table = "holding"
  address = 100
  type = "uint16"
"""


@pytest.fixture(autouse=True)
def plugged_in(shared_machine: Machine) -> Iterator[None]:
    plug_in(shared_machine)
    yield
    shared_machine.run("sjactl", "remove", "*", check=False)
    unplug(shared_machine)


def plug_in(machine: Machine) -> None:
    paths = {"PYTHONPATH": "/src:/peers", "PYTHONDONTWRITEBYTECODE": "1"}
    command = ["python3", "/src/tests/peers/serial_device.py", "--tty", TTY]
    machine.spawn("meter", *command, env=paths)
    machine.wait_for(lambda: machine.exists(TTY), what="the serial port")


def unplug(machine: Machine) -> None:
    machine.run("systemctl", "stop", "meter")
    machine.run("rm", TTY)


def create(machine: Machine, name: str) -> str:
    """Create a job on the port; return what was said about it."""
    machine.write("/root/meter.toml", FILE)
    words = ["acquisition", name, "--from", "/root/meter.toml"]
    return machine.run("sjactl", "create", *words).stderr


def wait_status(machine: Machine, job: str, words: str) -> None:
    wait_state(machine, job, "degraded")
    machine.wait_for(
        lambda: words in view(machine, job)["status"], what=f"the status of {job} to say {words}"
    )


def test_a_job_written_by_hand_says_what_it_needs(shared_machine: Machine) -> None:
    machine = shared_machine
    machine.write("/etc/sja-units/acquisition/line1.toml", FILE)
    unit = unit_of("acquisition/line1")
    machine.run("systemctl", "start", unit)
    wait_status(machine, "acquisition/line1", "sjactl apply")
    assert view(machine, "acquisition/line1")["restarts"] == 0
    machine.run("sjactl", "apply", "line1")
    machine.run("systemctl", "restart", unit)
    wait_state(machine, "acquisition/line1", "running")
    assert ",100" in machine.run("sjactl", "data", "line1", "--format", "csv").stdout
    # Nothing else in /dev has been opened by that.
    shown = machine.show(unit, "DevicePolicy", "PrivateDevices", "DeviceAllow", "MainPID")
    assert (shown["DevicePolicy"], shown["PrivateDevices"]) == ("closed", "no")
    assert f"{TTY} rw" in shown["DeviceAllow"]


def test_a_second_job_waits_and_says_for_whom(shared_machine: Machine) -> None:
    machine = shared_machine
    assert create(machine, "line1") == ""
    wait_state(machine, "acquisition/line1", "running")
    said = create(machine, "line2")
    assert "acquisition/line1" in said
    wait_status(machine, "acquisition/line2", "held by acquisition/line1")
    assert view(machine, "acquisition/line2")["restarts"] == 0
    assert "shares" in machine.run("sjactl", "check").stdout
    machine.run("sjactl", "stop", "line1")
    wait_state(machine, "acquisition/line2", "running")
    machine.run("sjactl", "start", "line1")
    wait_status(machine, "acquisition/line1", "held by acquisition/line2")
    # After a kill either may come first, but never both; the lock does not outlive its holder.
    machine.run("kill", "-KILL", str(view(machine, "acquisition/line2")["pid"]))

    def is_settled() -> bool:
        shown = [view(machine, f"acquisition/{name}")["state"] for name in ("line1", "line2")]
        return sorted(shown) == ["degraded", "running"]

    machine.wait_for(is_settled, what="one of the two to hold the port")


def test_unplugged_and_plugged_in_again(shared_machine: Machine) -> None:
    machine = shared_machine
    create(machine, "line1")
    wait_state(machine, "acquisition/line1", "running")
    unplug(machine)
    wait_status(machine, "acquisition/line1", "plugged in")
    # A start without it is no failure either.
    machine.run("sjactl", "restart", "line1")
    wait_status(machine, "acquisition/line1", "plugged in")
    plug_in(machine)
    wait_state(machine, "acquisition/line1", "running")


def test_probe_reads_a_serial_device(shared_machine: Machine) -> None:
    machine = shared_machine
    machine.write("/root/meter.toml", FILE)
    said = machine.run("sjactl", "probe", "/root/meter.toml").stdout
    assert TTY in said or "/dev/pts/" in said
    assert "100" in said
