"""The machine that all is measured in, and figures of what runs there."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from bench import peers
from tests.machines.images import installation
from tests.machines.machine import Machine
from tests.machines.trees import tree
from tests.machines.wheels import CHECKOUT

SUITE = "bookworm"
PATIENCE = 600.0
PYTHON = "/opt/sja-units/bin/python"  # what the product is installed with
# For programs of others and for measuring: the same Python, with packages of their own.
OTHERS = {"PYTHONPATH": "/src:/python", "PYTHONPYCACHEPREFIX": "/var/cache/python"}
# As one would run a script: it comes back whatever ends it.
_RESTARTED = (
    "--property=Type=exec",
    *("--property=Restart=always", "--property=RestartSec=100ms"),
    "--property=StartLimitIntervalSec=0",
)


class Figures(NamedTuple):
    """What all processes of a unit have used so far, and hold now."""

    cpu: float  # seconds
    switches: int
    pss: float  # MiB
    processes: int


class Bed:
    """A booted machine with the product, and the programs that it is compared with."""

    def __init__(self, machine: Machine, *, is_short: bool) -> None:
        self.machine = machine
        self.is_short = is_short

    def sh(self, script: str, *words: str) -> str:
        """Run a shell script inside as root, and return what it printed."""
        done = self.machine.run("sh", "-euc", script, "sh", *words, timeout=PATIENCE)
        return done.stdout

    def python(self, module: str, *words: str) -> str:
        """Run a module of ours or others', beside the product, and return what it printed."""
        argv = ["/usr/bin/python3", "-m", module, *words]
        return self.machine.run(*argv, env=OTHERS, timeout=PATIENCE).stdout

    def spawn(self, name: str, *argv: str, options: Sequence[str] = ()) -> None:
        """Start a program as NAME.service, in others' surroundings; it has been executed then."""
        env = [f"--setenv={key}={value}" for key, value in OTHERS.items()]
        unit = ["--quiet", "--collect", f"--unit={name}", *(options or _RESTARTED)]
        self.machine.run("systemd-run", *unit, *env, "--", *argv, timeout=PATIENCE)

    def stop(self, *units: str) -> None:
        """End units, and wait for that."""
        self.machine.run("systemctl", "stop", *units, check=False, timeout=PATIENCE)

    def figures(self, *units: str) -> dict[str, Figures]:
        """Return the figures of units that run, by name."""
        found = json.loads(self.python("bench.inside", *units))
        return {unit: Figures(*values) for unit, values in found.items()}

    def cpu(self, unit: str, seconds: float) -> float:
        """Return the seconds of CPU that a unit takes in a second, measured over so many."""
        before, began = self.figures(unit)[unit].cpu, time.monotonic()
        time.sleep(seconds)
        return (self.figures(unit)[unit].cpu - before) / (time.monotonic() - began)

    def time(self, *argv: str, check: bool = True) -> float:
        """Return how many seconds a command takes, without what it takes to enter the machine."""
        script = "import subprocess, sys, time; at = time.monotonic(); "
        script += "done = subprocess.run(sys.argv[1:], stdout=-3, stderr=-3); "
        script += "print(time.monotonic() - at, done.returncode)"
        words = self.machine.run("python3", "-c", script, *argv, timeout=PATIENCE).stdout.split()
        assert not check or words[1] == "0", f"{argv} ended with {words[1]}"
        return float(words[0])

    def write_job(self, job: str, text: str) -> None:
        """Write a job's file, as an administrator would."""
        path = f"/etc/sja-units/{job}.toml"
        self.machine.write(path, text, mode=0o640, group="sja")

    def wait_for(
        self, condition: Callable[[], object], what: str, seconds: float = PATIENCE
    ) -> None:
        """Return once a condition holds."""
        self.machine.wait_for(condition, seconds, what=what, pause=0.02)

    def measure(self, condition: Callable[[], object], what: str) -> float:
        """Return the seconds until a condition holds."""
        began = time.monotonic()
        self.wait_for(condition, what)
        return time.monotonic() - began

    def count_active(self, pattern: str) -> int:
        """Return how many units of a pattern are active."""
        words = ["list-units", "--no-legend", "--plain", "--state=active", pattern]
        return len(self.machine.run("systemctl", *words).stdout.splitlines())


@contextmanager
def booted(*, is_short: bool) -> Iterator[Bed]:
    """Give a machine that has just booted."""
    layers = [installation(SUITE) / "upper", peers.debian_layer(SUITE), tree(SUITE)]
    binds = {
        "/src": CHECKOUT,
        "/python": peers.python_packages(SUITE),
        "/node": peers.node_modules(),
    }
    with Machine(layers, name="bench", binds=binds) as machine:
        machine.boot()
        # collectd asks for addresses of kinds that the machine has, loopback apart.
        machine.run("ip", "address", "add", "192.0.2.1/24", "dev", "lo")
        yield Bed(machine, is_short=is_short)
