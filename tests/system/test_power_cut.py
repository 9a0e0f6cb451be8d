"""A power cut that loses the memory and the disks' caches, in a virtual machine.

The machines in namespaces lose no page cache when they are killed, and let a job open any device:
what is on the disk, and what the device list refuses, shows here only.
"""

import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from sja_units.acquisition.influxdb.parser import parse_samples
from sja_units.acquisition.spool.snapshot import SpoolSnapshot
from sja_units.keepalive.state import load_state
from sja_units.keepalive.store import read_jar
from tests.machines.virtual.disks import extract
from tests.machines.virtual.machine import HOST, Disk, VirtualMachine
from tests.machines.virtual.write_log import (
    drop_all,
    keep_all,
    keep_sectors,
    keep_some,
    read_log,
    rebuild,
)
from tests.peers.serial_device import make_slave
from tests.system.jobs import unit_of
from tests.system.lines import describe_device
from tests.system.outside import OutsideDatabase, WitnessDevice, WitnessSite
from tests.system.watch import watched

LINE, ALICE, METER = "acquisition/line1", "keepalive/alice", "acquisition/meter"
# Each its own disk: what one job syncs must not save what the other has not synced.
LINE_STATE, ALICE_STATE = (f"/var/lib/private/sja-units/{job}" for job in (LINE, ALICE))
DEVICES = 8
# Long enough that even a busy machine has synced an answer when the next one comes.
INTERVAL = "2s"
PORT = "/dev/ttyS1"
METER_FILE = """interval = "1s"
[sink]
type = "local"
[[device]]
name = "meter"
transport = "rtu"
port = "{port}"
timeout = "10s"
  [[device.point]]
  name = "current"
  table = "holding"
  address = 100
  type = "uint16"
"""
LOSSES = (keep_all, drop_all, keep_some, keep_sectors)
CUTS = 6  # for each loss
# A virtual machine without KVM, on a host that has other things to do.
SECONDS = 180


class Plant:
    """The machine, and what is around it."""

    def __init__(self, machine: VirtualMachine, folder: Path) -> None:
        self.machine = machine
        self.spool, self.jar = machine.disks[LINE_STATE], machine.disks[ALICE_STATE]
        self.devices = [WitnessDevice(f"press{n}", self.spool.logged) for n in range(DEVICES)]
        self.site = WitnessSite(self.jar.logged)
        self.database = OutsideDatabase("bookworm", folder)

    def stop(self) -> None:
        for device in self.devices:
            device.stop()
        self.site.stop()
        self.database.stop()

    def answered(self) -> list[int]:
        return [len(device.answers) for device in self.devices]

    def stored(self) -> list[list[int]]:
        """Return what the database has of each device's counter."""
        rows = (self.database.rows(device.name, "counter") for device in self.devices)
        return [[int(value) for _, value in of_one] for of_one in rows]

    def wait_answers(self, count: int) -> None:
        """Return when each device has answered so often, all in all."""
        what = f"{count} answers of each device"
        self.machine.wait_for(lambda: min(self.answered()) >= count, SECONDS, what=what)


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    disks = {LINE_STATE: "24M", ALICE_STATE: "16M"}
    with VirtualMachine("bookworm", disks) as machine, ExitStack() as stack:
        stack.enter_context(watched(machine))
        plant = Plant(machine, tmp_path / "database")
        stack.callback(plant.stop)
        yield plant


@pytest.mark.filterwarnings("ignore:isSet")  # modbus_tk's
def test_power_cut(plant: Plant, tmp_path: Path) -> None:
    machine = plant.machine
    machine.boot()
    start_jobs(plant)
    open_a_serial_port_that_comes_later(machine)
    plant.wait_answers(12)
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    time.sleep(chance.uniform(0, 3))
    machine.cut()
    answered = plant.answered()
    visits, refused = len(plant.site.visits), plant.site.stats["refused"]
    plant.database.start()
    machine.power_on()
    look_into_disks_without_caches(plant, chance, tmp_path)
    machine.wait_booted()
    what_was_ordered_still_holds(plant, visits, refused)
    all_is_in_the_database(plant, answered)


def start_jobs(plant: Plant) -> None:
    """Start a job that reads and whose database is away, and a session that is kept alive."""
    machine = plant.machine
    lines = [f'interval = "{INTERVAL}"', "[sink]"]
    lines += [f'{key} = "{value}"' for key, value in plant.database.sink.items()]
    lines += [describe_device(device.name, device.port, host=HOST) for device in plant.devices]
    # By hand: `sjactl create` tries the devices, and what it reads then is nobody's sample.
    machine.write("/etc/sja-units/acquisition/line1.toml", "\n".join(lines))
    page = f'url = "{plant.site.page}"\ninterval = "1s"\n'
    machine.write("/etc/sja-units/keepalive/alice.toml", page)
    # As `sjactl create --cookies` leaves it, but for systemd, which cannot move it to this disk.
    machine.write(f"{ALICE_STATE}/incoming.txt", plant.site.header + "\n", mode=0o600)
    machine.run("systemctl", "start", unit_of(LINE), unit_of(ALICE), timeout=SECONDS)


def open_a_serial_port_that_comes_later(machine: VirtualMachine) -> None:
    """A job whose port is not there when it starts gets to read it, and no other port."""
    path = "/etc/sja-units/acquisition/meter.toml"
    unit = unit_of(METER)
    slave = make_slave(machine.serial_line, [1])
    try:
        machine.write(path, METER_FILE.format(port=PORT))
        machine.run("sjactl", "apply", "meter", timeout=SECONDS)
        node = machine.run("stat", "--format=%t %T %a %G", PORT).stdout.split()
        machine.run("rm", PORT)
        machine.run("systemctl", "start", unit, timeout=SECONDS)
        wait_status(machine, "plugged in")
        # systemd could not tell the kernel which device it is, so the kernel refuses it.
        major, minor = int(node[0], 16), int(node[1], 16)
        machine.sh(f"mknod -m {node[2]} {PORT}.new c {major} {minor}; chgrp {node[3]} {PORT}.new")
        machine.run("mv", f"{PORT}.new", PORT)
        wait_status(machine, "1/1 device")
        assert machine.show(unit, "NRestarts") == {"NRestarts": "1"}
        stored = f"/var/lib/sja-units/{METER}/spool"
        assert " current=100" in machine.sh(f"cat {stored}/*.lp").stdout
        assert try_to_open(machine, PORT, as_root_of=unit) == ""
        assert try_to_open(machine, "/dev/ttyS0", as_root_of=unit) == "Operation not permitted"
        assert try_to_open(machine, "/dev/ttyS0", as_root_of="lab-agent.service") == ""
        machine.run("systemctl", "stop", unit, timeout=SECONDS)
    finally:
        slave.stop()


def try_to_open(machine: VirtualMachine, port: str, *, as_root_of: str) -> str:
    """Return why root, who may do anything but what a unit's list of devices says, cannot."""
    group = machine.show(as_root_of, "ControlGroup")["ControlGroup"]
    enter = f"echo 0 >/sys/fs/cgroup{group}/cgroup.procs"
    done = machine.sh(f"{enter}; dd if={port} iflag=nonblock count=0 status=none", check=False)
    return done.stderr.strip().rpartition(": ")[2]


def wait_status(machine: VirtualMachine, words: str) -> None:
    # The file and not systemd, and not too often: each look costs the machine's only core.
    def said() -> bool:
        return words in machine.sh(f"cat /run/sja-units/{METER}/health.json || true").stdout

    machine.wait_for(said, SECONDS, what=f"{METER} to say {words!r}", pause=0.5)


def look_into_disks_without_caches(plant: Plant, chance: random.Random, tmp_path: Path) -> None:
    """At no point would a disk that loses its cache have lost an answer but the last one."""
    line = Replay(plant.spool, tmp_path / "line")
    for cut, folder in line.cut(max(device.answers[2] for device in plant.devices), chance):
        stored = read_spool(folder)
        for device in plant.devices:
            answered = sum(point <= cut for point in device.answers)
            assert_whole(stored[device.name], answered, f"{device.name}, cut at {cut}")
    alice = Replay(plant.jar, tmp_path / "alice")
    tokens = list(dict.fromkeys(visit.token for visit in plant.site.visits))
    for cut, folder in alice.cut(plant.site.visits[2].point, chance):
        shown = [visit.token for visit in plant.site.visits if visit.point <= cut][-1]
        (cookie,) = read_jar(str(folder))
        # Or the one that came with the last answer, which nobody has shown yet.
        newer = cookie.value not in tokens or tokens.index(cookie.value) >= tokens.index(shown)
        assert newer, f"an older cookie, cut at {cut}"
        assert load_state(str(folder)).last_alive > 0


class Replay:
    """A disk of which each state is known, and what a cut would have left of it."""

    def __init__(self, disk: Disk, scratch: Path) -> None:
        self._base, self._writes = disk.base.read_bytes(), read_log(disk.log)
        self._scratch = scratch
        scratch.mkdir()

    def cut(self, began: int, chance: random.Random) -> Iterator[tuple[int, Path]]:
        """Yield points of time after `began`, and what is found if the power went then."""
        first = next(n for n, write in enumerate(self._writes, 1) if write.end > began)
        for number, loss in enumerate(LOSSES * CUTS):
            count = chance.randint(first, len(self._writes))
            image, folder = self._scratch / "image", self._scratch / str(number)
            image.write_bytes(rebuild(self._base, self._writes, count, loss, chance))
            extract(image, folder)
            yield self._writes[count - 1].end, folder


def read_spool(state: Path) -> dict[str, list[int]]:
    """Return by device each counter that a job's folder holds, as `sjactl data` does."""
    stored: dict[str, list[int]] = {f"press{n}": [] for n in range(DEVICES)}
    with SpoolSnapshot(str(state)) as spool:
        for line in spool.read_lines(sent_too=True):
            for sample in parse_samples(line.decode()):
                if sample.point == "counter":
                    assert isinstance(sample.value, int)
                    stored[sample.series.measurement].append(sample.value)
    return stored


def assert_whole(stored: list[int], answered: int, where: str) -> None:
    """Every answer is there, once, but for the one on the wire."""
    assert stored == list(range(1, len(stored) + 1)), where
    assert answered - 1 <= len(stored), f"{where}: {answered} answers, {len(stored)} on the disk"


def what_was_ordered_still_holds(plant: Plant, visits: int, refused: int) -> None:
    machine = plant.machine
    for job, state in ((LINE, "active"), (ALICE, "active"), (METER, "inactive")):
        assert machine.show(unit_of(job), "ActiveState") == {"ActiveState": state}, job
    site = plant.site
    machine.wait_for(lambda: len(site.visits) > visits + 1, SECONDS, what="more visits to the site")
    assert site.stats["refused"] == refused


def all_is_in_the_database(plant: Plant, answered: list[int]) -> None:
    machine = plant.machine
    machine.wait_for(
        lambda: all(len(rows) > n for rows, n in zip(plant.stored(), answered, strict=True)),
        SECONDS,
        what="what waited on the disk, and more, to be in the database",
        pause=0.5,
    )
    machine.run("systemctl", "stop", unit_of(LINE), timeout=SECONDS)
    for device, stored, before in zip(plant.devices, plant.stored(), answered, strict=True):
        assert len(set(stored)) == len(stored), device.name
        missing = set(range(1, len(device.answers) + 1)) - set(stored)
        assert missing <= {before}, f"{device.name}: only the answer on the wire may be lost"
