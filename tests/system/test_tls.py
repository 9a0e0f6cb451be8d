"""Modbus/TCP Security in the sandbox: keys that only root may read reach the job, and no other."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.certificates import HOST, make_authority, sign
from tests.machines.machine import Machine
from tests.system.counterparts import ModbusDevice, spawn_peer
from tests.system.jobs import unit_of, view, wait_state

# Where a job's own user can read nothing: root's home, and a folder of root's.
CA, PAIR = "/root/ca.pem", "/etc/ssl/private/job"
FILE = f"""interval = "200ms"
[sink]
type = "local"
[[device]]
name = "press1"
transport = "tls"
host = "127.0.0.1"
server_name = "{HOST}"
port = 1802
timeout = "20s"
ca_file = "{CA}"
cert_file = "{PAIR}.pem"
key_file = "{PAIR}.key"
  [[device.point]]
  name = "p"
  table = "holding"
  address = 100
  type = "uint16"
"""
JOB = "acquisition/line1"
UNIT = unit_of(JOB)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two authorities, and what each of them vouches for."""
    folder = tmp_path_factory.mktemp("tls")
    for name in ("ca", "stranger"):
        make_authority(folder, name)
    sign(folder, "device")
    sign(folder, "job")
    sign(folder, "forged", authority="stranger")
    return folder


@pytest.fixture
def machine(shared_machine: Machine, made: Path) -> Iterator[Machine]:
    """A machine with a device that asks who calls."""
    device = ModbusDevice(shared_machine, 1502)
    device.start()
    for name in ("ca.pem", "device.pem", "device.key"):
        shared_machine.write(f"/root/device/{name}", (made / name).read_text())
    words = ["--behind", "1502", "--certificates", "/root/device"]
    spawn_peer(shared_machine, "front", 1802, "/src/tests/peers/tls_front.py", *words)
    shared_machine.write(CA, (made / "ca.pem").read_text(), mode=0o600)
    give_pair(shared_machine, made, "job")
    yield shared_machine
    shared_machine.run("sjactl", "remove", "*", check=False)
    shared_machine.run("systemctl", "stop", "front")
    device.stop()


def give_pair(machine: Machine, made: Path, name: str) -> None:
    machine.write(f"{PAIR}.pem", (made / f"{name}.pem").read_text())
    machine.write(f"{PAIR}.key", (made / f"{name}.key").read_text(), mode=0o600)


def wait_message(machine: Machine, words: str) -> None:
    wait_state(machine, JOB, "degraded")
    machine.wait_for(lambda: words in view(machine, JOB)["status"], what=f"it to say {words!r}")


def restart(machine: Machine) -> None:
    machine.run("sjactl", "restart", JOB)


def test_a_job_written_by_hand_says_what_it_needs(machine: Machine) -> None:
    machine.write(f"/etc/sja-units/{JOB}.toml", FILE)
    machine.run("systemctl", "start", UNIT)
    wait_message(machine, "sjactl apply")
    assert view(machine, JOB)["restarts"] == 0
    machine.run("sjactl", "apply", "line1")
    restart(machine)
    wait_state(machine, JOB, "running")


def test_keys_of_root_reach_the_job_and_renewed_ones_at_a_restart(
    machine: Machine, made: Path
) -> None:
    machine.write("/root/line1.toml", FILE)
    machine.run("sjactl", "create", "acquisition", "line1", "--from", "/root/line1.toml")
    wait_state(machine, JOB, "running")
    assert ",100" in machine.run("sjactl", "data", "line1", "--format", "csv").stdout
    machine.write(f"{PAIR}.key", "")
    restart(machine)
    wait_message(machine, f"key_file {PAIR}.key was not there")
    give_pair(machine, made, "forged")
    restart(machine)
    wait_message(machine, "no TLS connection")
    give_pair(machine, made, "job")
    restart(machine)
    wait_state(machine, JOB, "running")
