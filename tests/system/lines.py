"""An acquisition job whose device counts its answers, so that each read can be accounted for."""

from collections import Counter
from collections.abc import Iterable

from tests.machines.machine import Machine
from tests.system.counterparts import Database, ModbusDevice
from tests.system.jobs import unit_of, view, wait_state

# One request a cycle reads the counter and its neighbour. The time-out is long, so that a busy
# machine does not make the worker ask twice: then an answer that went out would be lost.
_DEVICE = """
[[device]]
name = "{name}"
transport = "tcp"
host = "{host}"
port = {port}
timeout = "{timeout}"
retries = {retries}

  [[device.point]]
  name = "counter"
  table = "holding"
  address = 1000
  type = "uint32"

  [[device.point]]
  name = "neighbour"
  table = "holding"
  address = 1002
  type = "uint16"
"""


def describe_device(
    name: str, port: int, *, host: str = "127.0.0.1", timeout: str = "20s", retries: int = 3
) -> str:
    """Return the part of a job's file that reads the counter of a device."""
    return _DEVICE.format(name=name, host=host, port=port, timeout=timeout, retries=retries)


def create_acquisition(
    machine: Machine,
    name: str,
    devices: Iterable[str],
    sink: dict[str, str],
    interval: str = "100ms",
) -> str:
    """Create and start a job that is hung after 2 s without a sign of it; return the job."""
    lines = [f'interval = "{interval}"', "[sink]"]
    lines += [f'{key} = "{value}"' for key, value in sink.items()]
    lines += ["[service]", 'WatchdogSec = "2s"', *devices]
    # By hand: `sjactl create` tries the devices, and what it reads then is nobody's sample.
    machine.write(f"/etc/sja-units/acquisition/{name}.toml", "\n".join(lines))
    machine.run("sjactl", "apply", name)
    machine.run("sjactl", "start", name)
    return f"acquisition/{name}"


class Line:
    """A job, its device and its database."""

    def __init__(self, machine: Machine, database: Database, name: str, port: int) -> None:
        self.machine = machine
        self.database = database
        self.name = name
        self.device = self.make_device(machine, port)
        self.device.start()
        self.job = self.create(machine, name, port)
        self.unit = unit_of(self.job)
        self.wait_reads()

    def make_device(self, machine: Machine, port: int) -> ModbusDevice:
        return ModbusDevice(machine, port)

    def create(self, machine: Machine, name: str, port: int) -> str:
        """Create and start the job; return it."""
        return create_acquisition(machine, name, [describe_device(name, port)], self.database.sink)

    def wait_reads(self, count: int = 5) -> None:
        """Return when the job runs and its device has answered so many more reads."""
        wait_state(self.machine, self.job, "running")
        goal = self.device.sent().total() + count
        what = f"{count} more reads of {self.name}"
        self.machine.wait_for(lambda: self.device.sent().total() >= goal, what=what)

    def wait_kept(self, batches: int) -> None:
        """Return when the database alone is missed, and so much waits for it."""

        def are_kept() -> bool:
            shown = view(self.machine, self.job)
            if shown["state"] != "degraded" or "database" not in shown["status"]:
                return False
            is_read = shown["health"]["devices"][self.name]["state"] == "healthy"
            return bool(is_read and shown["health"]["spool"]["batches"] >= batches)

        self.machine.wait_for(are_kept, what="what is read to be kept")

    def signal_worker(self, signal: str) -> None:
        self.machine.run("kill", f"-{signal}", str(view(self.machine, self.job)["pid"]))

    def wait_restarts(self, count: int) -> None:
        """Return when systemd has restarted the job so often, and it reads again."""

        def look() -> bool:
            return bool(view(self.machine, self.job)["restarts"] >= count)

        self.machine.wait_for(look, what=f"{count} restarts of {self.job}")
        self.wait_reads()

    def stop(self) -> None:
        self.machine.run("sjactl", "stop", self.job)

    def compare(self) -> tuple[Counter[int], Counter[int]]:
        """Return which reads of the stopped job lack a row, and which rows lack a read."""
        rows = self.database.rows(self.name, "counter")
        assert len({at for at, _ in rows}) == len(rows)
        stored = Counter(int(value) for _, value in rows)
        sent = self.device.sent()
        return sent - stored, stored - sent


def assert_complete(line: Line, *, lost: int = 0) -> None:
    """Stop the job; every read is in the database exactly once, but for those on the wire.

    lost: how often a process was ended while an answer could be on its way.
    """
    line.stop()
    missing, extra = line.compare()
    assert not extra, f"stored more often than read: {sorted(extra)}"
    assert missing.total() <= lost, f"read and not stored: {sorted(missing)}"
    neighbours = {value for _, value in line.database.rows(line.name, "neighbour")}
    assert neighbours == {1002}


def mark_journal(machine: Machine) -> str:
    """Return the place where the journal ends now, for `lines_since`."""
    said = machine.run("journalctl", "--quiet", "--lines=0", "--show-cursor").stdout
    return said.partition("cursor: ")[2].strip()


def lines_since(machine: Machine, unit: str, cursor: str) -> list[str]:
    """Return what the journal has of a unit since then, systemd's own words included."""
    machine.run("journalctl", "--sync")
    words = [f"--unit={unit}", f"--after-cursor={cursor}", "--output=cat", "--quiet"]
    return machine.run("journalctl", *words).stdout.splitlines()
