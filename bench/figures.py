"""The measurements. Each returns rows: what, figure, ratio, target."""

import os
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from pymodbus.client import ModbusTcpClient
from pyModbusTCP.client import ModbusClient

from bench.modbus_c import Client
from bench.processes import PATIENCE, Database, Device, Job, Script, Worker, describe_job
from sja_units.acquisition.config import SpoolConfig
from sja_units.acquisition.modbus.connect import open_link
from sja_units.acquisition.modbus.link import make_request
from sja_units.acquisition.spool.writer import Spool
from sja_units.config.job_file import parse

_READ = 100  # registers a request
_COPIES = 10
_STARTS = 7
_ROUNDS = 9
_HOUR = 3600


class Row(NamedTuple):
    """A line of the table; what has no target stands there for comparison."""

    what: str
    figure: str
    ratio: str = ""
    target: str = ""


def measure_requests(library: str) -> list[Row]:
    """Requests a second of one connection, all against the same server, in turns.

    All on one core: what a virtual machine takes to wake another one would hide the difference.
    """
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        with Device(library) as device:
            return _measure_requests(library, device.port)
    finally:
        os.sched_setaffinity(0, cores)


def _measure_requests(library: str, port: int) -> list[Row]:
    settings = parse("acquisition", describe_job(port, 1, 1, "1s"), "bench").settings
    link = open_link(settings.devices[0].endpoint)
    request = make_request("holding", 0, _READ)
    in_c = Client(library, port)
    sync = ModbusTcpClient("127.0.0.1", port=port)
    sync.connect()
    other = ModbusClient("127.0.0.1", port=port)

    def ask_pymodbus() -> int:
        return len(sync.read_holding_registers(0, count=_READ).registers)

    ways: dict[str, Callable[[], int]] = {
        "libmodbus": lambda: in_c.read(_READ),
        "ours": lambda: len(link.read(1, request, 1.0)) // 2,
        "pymodbus sync": ask_pymodbus,
        "pyModbusTCP": lambda: len(other.read_holding_registers(0, _READ) or ()),
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(_ROUNDS):
        for name, ask in ways.items():
            rates[name].append(_count_a_second(ask))
    for connection in (link, in_c, sync, other):
        connection.close()
    return [
        Row(
            f"requests/s of {_READ} registers, {name}",
            f"{statistics.median(found):,.0f}",
            f"{_compare(found, rates['libmodbus'])} of libmodbus",
            ">= 0.28" if name == "ours" else "",
        )
        for name, found in rates.items()
    ]


def _compare(ours: list[float], theirs: list[float]) -> str:
    """Return the median of the rounds' ratios, and how far they spread."""
    ratios = sorted(a / b for a, b in zip(ours, theirs, strict=True))
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f})"


def _count_a_second(ask: Callable[[], int], seconds: float = 0.4) -> float:
    began = time.monotonic()
    done = 0
    while (elapsed := time.monotonic() - began) < seconds:
        # Some report a failure by what they return: it must not count as a quick answer.
        if ask() != _READ:
            raise ConnectionError("an answer of the wrong size")
        done += 1
    return done / elapsed


def measure_cpu(scratch: Path, device: Device) -> list[Row]:
    """CPU from the device to the database, at 1,000 registers a cycle, in turns."""

    def start_ours(name: str, database: Database) -> Job:
        return Worker(scratch / f"ours-{name}", device.port, database.port, 1000, "100ms")

    def start_script(module: str, name: str, database: Database) -> Job:
        folder = scratch / f"{module}-{name}"
        return Script(module, folder, device.port, database.port, 1000, 0.1)

    starts: dict[str, Callable[[str, Database], Job]] = {
        "ours": start_ours,
        "pymodbus + own lines": partial(start_script, "bench.plain"),
        "pymodbus + influxdb-client": partial(start_script, "bench.reference"),
    }
    costs: dict[str, list[float]] = {name: [] for name in starts}
    for number in range(3):
        for name, start in starts.items():
            with Database() as database, start(f"cpu{number}", database) as job:
                costs[name].append(_measure_cpu(job, database))
    plain = costs["pymodbus + own lines"]
    return [
        Row(
            f"CPU per 1,000 registers, {name}",
            f"{statistics.median(found):.2f} ms",
            f"{_compare(found, plain)} of own lines",
            "<= 3.35 ms [1]" if name == "ours" else "",
        )
        for name, found in costs.items()
    ]


def _measure_cpu(job: Job, database: Database, seconds: float = 5.0) -> float:
    time.sleep(1)
    cpu, lines = job.cpu(), len(database.times())
    time.sleep(seconds)
    return (job.cpu() - cpu) * 1000 / (len(database.times()) - lines)


def measure_start_and_memory(scratch: Path, device: Device, database: Database) -> list[Row]:
    """Start to READY in turns, then so many live copies of each."""

    def start_ours(name: str) -> Job:
        return Worker(scratch / f"ours-{name}", device.port, database.port, 100, "1s")

    def start_theirs(name: str) -> Job:
        folder = scratch / f"theirs-{name}"
        return Script("bench.reference", folder, device.port, database.port, 100, 1.0)

    starts: dict[Callable[[str], Job], list[float]] = {start_ours: [], start_theirs: []}
    for number in range(_STARTS):
        for start, took in starts.items():
            with start(f"start{number}") as job:
                took.append(job.seconds_to_ready * 1000)
    ours, theirs = (statistics.median(took) for took in starts.values())
    mine, other = (_measure_pss(start) for start in starts)
    of = "of pymodbus + influxdb-client"
    return [
        Row("start to READY", f"{ours:.0f} ms", f"{ours / theirs:.2f} {of}", "<= 0.50"),
        Row("start to READY, reference", f"{theirs:.0f} ms"),
        Row(f"PSS, mean of {_COPIES}", f"{mine:.1f} MiB", f"{mine / other:.2f} {of}", "<= 0.48"),
        Row(f"PSS, mean of {_COPIES}, reference", f"{other:.1f} MiB"),
    ]


def _measure_pss(start: Callable[[str], Job]) -> float:
    with ExitStack() as stack:
        jobs = [stack.enter_context(start(f"copy{number}")) for number in range(_COPIES)]
        time.sleep(3)
        return statistics.mean(job.pss() for job in jobs)


def measure_grid(scratch: Path, device: Device, seconds: float = 30.0) -> list[Row]:
    """When the answers came, against a grid that starts with the worker."""
    interval = 100_000_000
    with Database() as database:
        with Worker(scratch / "grid", device.port, database.port, 100, "100ms") as worker:
            time.sleep(seconds)
            late = worker.health()["late_cycles"]
        times = [at for at, _ in database.times()]
    # The first cycle connects, too: it is not taken for the grid's beginning.
    ticks = [at - times[1] for at in times[1:]]
    offsets = [(at + interval // 2) % interval - interval // 2 for at in ticks]
    fifth = len(offsets) // 5
    drift = statistics.median(offsets[-fifth:]) - statistics.median(offsets[:fifth])
    earliest = min(offsets)
    lateness = statistics.quantiles((offset - earliest for offset in offsets), n=100)[98]
    return [
        Row(f"drift of the grid over {len(times)} cycles", f"{drift / 1e6:.2f} ms", "", "0"),
        Row("late at the 99th percentile", f"{lateness / 1e6:.2f} ms", "", "<= 2 ms when idle"),
        Row("cycles left out", str(late), "", "0"),
    ]


def measure_catch_up(scratch: Path, device: Device) -> list[Row]:
    """An hour of 1,000 points a second waits on the disk; polling goes on meanwhile."""
    folder = scratch / "backlog"
    _fill_spool(folder / "state/spool")
    with Database() as database:
        began = time.time_ns()
        with Worker(folder, device.port, database.port, 1000, "1s") as worker:
            deadline = time.monotonic() + 10 * PATIENCE
            while len(database.times()) < _HOUR and time.monotonic() < deadline:
                time.sleep(0.5)
            time.sleep(2)
            late = worker.health()["late_cycles"]
        times = database.times()
    held = {at for at, _ in times if at < began}
    assert len(held) == _HOUR, f"{len(held)} lines of the backlog have come"
    # From the start of the worker on: its own start counts, too.
    seconds = (max(came for at, came in times if at < began) - began) / 1e9
    live = sorted(at for at, _ in times if at > began)
    rate = _HOUR * 1000 / seconds
    gap = max(b - a for a, b in pairwise(live)) / 1e9
    return [
        Row(
            "catch-up after an hour's outage",
            f"{rate:,.0f} points/s ({seconds:.1f} s)",
            f"{rate / 1000:,.0f} x the acquisition rate",
            ">= 100 x [2]",
        ),
        Row(
            "longest gap between reads meanwhile", f"{gap:.3f} s", f"{late} cycles left out", "1 s"
        ),
    ]


def _fill_spool(folder: Path) -> None:
    folder.parent.mkdir(parents=True)
    spool = Spool(str(folder), SpoolConfig(2**28, 86400.0))
    now = time.time_ns() - 2 * _HOUR * 10**9
    for second in range(_HOUR):
        at = now + second * 10**9
        fields = ",".join(f"r{i}={(i * 37 + second) % 65536}i" for i in range(1000))
        spool.put(f"press1 {fields} {at}\n".encode(), 1, at)
    spool.close()
