"""Programs under measurement: started as systemd would, with their memory, CPU and start time."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self
from urllib.request import urlopen

PATIENCE = 60.0
_TOP = Path(__file__).parents[1]
_FILE = """interval = "{interval}"
[sink]
url = "http://127.0.0.1:{database}"
database = "edge"
[[device]]
name = "press1"
host = "127.0.0.1"
port = {device}
"""
_POINT = '[[device.point]]\nname = "r{0}"\ntable = "holding"\naddress = {0}\ntype = "uint16"\n'


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def describe_job(device: int, database: int, registers: int, interval: str) -> str:
    """Return a job's file; `device` and `database` are ports."""
    text = _FILE.format(interval=interval, device=device, database=database)
    return text + "".join(map(_POINT.format, range(registers)))


class Program:
    """A process; ended at the end of its `with` block."""

    def __init__(self, *argv: str, env: dict[str, str] | None = None) -> None:
        # What it says of a device or a database that goes away at the end is of no interest.
        self._process = subprocess.Popen(
            [sys.executable, *argv],
            cwd=_TOP,
            env={**os.environ, **(env or {})},
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE)

    def pss(self) -> float:
        """Return its proportional set size in MiB."""
        text = Path(f"/proc/{self._process.pid}/smaps_rollup").read_text()
        return int(text.partition("\nPss:")[2].split()[0]) / 1024

    def cpu(self) -> float:
        """Return the CPU time so far in seconds, to 10 ms."""
        stat = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


class Job(Program):
    """A program that says READY; `seconds_to_ready` is how long it took."""

    def __init__(self, folder: Path, *argv: str, env: dict[str, str] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            path = folder / "notify"
            path.unlink(missing_ok=True)
            notify.bind(str(path))
            notify.settimeout(PATIENCE)
            began = time.monotonic()
            super().__init__(*argv, env={**(env or {}), "NOTIFY_SOCKET": str(path)})
            while b"READY=1" not in notify.recv(4096):
                pass
            self.seconds_to_ready = time.monotonic() - began


WORKER = ("-I", "-m", "sja_units.worker")


def make_folders(folder: Path, text: str) -> dict[str, str]:
    """Make what systemd would for a job whose file says `text`; return its environment."""
    env = {}
    for name in ("state", "runtime", "credentials"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        env[f"{name.upper()}_DIRECTORY"] = str(folder / name)
    (folder / "runtime/config").write_text(text)
    return env


class Worker(Job):
    """Our worker, with a job of so many registers."""

    def __init__(
        self, folder: Path, device: int, database: int, registers: int, interval: str
    ) -> None:
        env = make_folders(folder, describe_job(device, database, registers, interval))
        self.folder = folder
        super().__init__(folder, *WORKER, "acquisition", "bench", env=env)

    def health(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "runtime/health.json").read_text())
        return found


class Script(Job):
    """One of the scripts that ours is compared with: bench.reference or bench.plain."""

    def __init__(
        self, module: str, folder: Path, device: int, database: int, registers: int, interval: float
    ) -> None:
        numbers = (device, database, registers, interval)
        super().__init__(folder, "-m", module, *map(str, numbers))


class Device(Program):
    """A Modbus device at a port of its own."""

    def __init__(self, library: str) -> None:
        self.port = free_port()
        super().__init__("-m", "bench.modbus_c", library, str(self.port))
        wait_listening(self.port)


class Database(Program):
    """What takes all that is written."""

    def __init__(self) -> None:
        self.port = free_port()
        super().__init__("-m", "bench.database", str(self.port))
        wait_listening(self.port)

    def times(self) -> list[tuple[int, int]]:
        """Return each line's own time and when it came."""
        with urlopen(f"http://127.0.0.1:{self.port}/times", timeout=PATIENCE) as answer:
            return [(at, came) for at, came in json.load(answer)]


def wait_listening(port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), PATIENCE).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
