"""Measures the door from inside a machine, and prints the figures as JSON."""

import json
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from sja_units import Manager
from sja_units.systemd.client import Systemd
from sja_units.systemd.orders import run_order

JOB = "acquisition/bench-0"
UNIT = "sja-acquisition@bench-0.service"
ROUNDS = 20


def measure(act: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Return the median of the seconds that something takes."""
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        act()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


def read_pss() -> int:
    """Return the bytes of memory that the door's processes hold."""
    with open("/sys/fs/cgroup/system.slice/sja-api.service/cgroup.procs") as file:
        pids = file.read().split()
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += 1024 * int(line.split()[1])
    return total


def measure_cold() -> float:
    run("systemctl", "stop", "sja-api.service")
    began = time.perf_counter()
    with Manager() as jobs:
        jobs.list()
    return time.perf_counter() - began


def order_by_bus() -> None:
    with Systemd() as systemd:
        run_order(systemd, "restart", UNIT)


def list_by_bus() -> None:
    with Systemd() as systemd:
        systemd.list_units(["sja-*@*.service"])


def main() -> None:
    figures = {"cold": statistics.median(measure_cold() for _ in range(5))}
    with Manager() as jobs:
        jobs.list()
        figures["list"] = measure(lambda: jobs.list())
        figures["get"] = measure(lambda: jobs.get(JOB))
        figures["order"] = measure(lambda: jobs.restart(JOB), 7)
        figures["pss"] = read_pss()
    figures["list_sjactl"] = measure(lambda: run("sjactl", "list", "--json"), 7)
    figures["order_sjactl"] = measure(lambda: run("sjactl", "restart", JOB), 7)
    figures["list_bus"] = measure(list_by_bus)
    figures["order_bus"] = measure(order_by_bus, 7)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
