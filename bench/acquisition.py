"""From a device's registers to the database: CPU, lateness, memory, and what a start costs."""

import json
import statistics
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

from bench.bed import Bed
from bench.table import Row

REGISTERS = 100  # of each device
_JOB = "acquisition/bench"
_UNIT = "sja-acquisition@bench.service"
_SINK = 'interval = "{interval}"\n[sink]\nurl = "http://127.0.0.1:8086"\ndatabase = "edge"\n'
_DEVICE = '[[device]]\nname = "d{n}"\nhost = "127.0.0.{n}"\nport = 1502\n'
_COPIES, _STARTS = 20, 7
_COLLECTD = """
Interval 1
FQDNLookup false
BaseDir "/run/collectd-bench"
LoadPlugin modbus
LoadPlugin write_http
<Plugin write_http>
  <Node "bench">
    URL "http://127.0.0.1:8086/collectd"
    Format "Command"
  </Node>
</Plugin>
<Plugin modbus>
{data}{hosts}</Plugin>
"""
_DATA = """  <Data "r{n}">
    RegisterBase {n}
    RegisterType Uint16
    Type gauge
    Instance "r{n}"
  </Data>
"""
_HOST = """  <Host "d{n}">
    Address "127.0.0.{n}"
    Port "1502"
    Interval 1
    <Slave 1>
      Instance "d{n}"
{collect}    </Slave>
  </Host>
"""


class Line(NamedTuple):
    """What the database got: of which device, its own time and when it came, in ns."""

    series: str
    time: int
    came: int


def measure(bed: Bed) -> Iterator[Row]:
    """Yield the rows of CPU, lateness and switches, then those of memory and start."""
    serve(bed)
    for devices in (1, 10) if bed.is_short else (1, 10, 50, 100):
        yield from _measure_devices(bed, devices)
    yield from _measure_memory(bed)
    yield from _measure_start(bed)
    yield from _measure_grid(bed)
    yield from _measure_catch_up(bed)


def serve(bed: Bed) -> None:
    """Start what plays the devices, all at one port of 127.0.0.N, and a database."""
    bed.spawn("device", "/usr/bin/python3", "-m", "bench.modbus_c", "1502")
    bed.spawn("database", "/usr/bin/python3", "-m", "bench.database", "8086")
    bed.wait_for(lambda: not read_lines(bed), "the database")


def read_lines(bed: Bed) -> list[Line]:
    """Take what the database got since the last time."""
    words = ["curl", "--silent", "--retry", "20", "--retry-all-errors", "--retry-delay", "0"]
    said = bed.machine.run(*words, "http://127.0.0.1:8086/lines", check=False).stdout
    return [Line(*line) for line in json.loads(said or "[]")]


def describe_job(devices: int, registers: int = REGISTERS, interval: str = "1s") -> str:
    """Return the file of a job that reads so many registers of each device."""
    points = ",".join(
        f'{{name="r{n}",reference={40001 + n},type="uint16"}}' for n in range(registers)
    )
    text = _SINK.format(interval=interval)
    return text + "".join(
        _DEVICE.format(n=n) + f"point = [{points}]\n" for n in range(1, devices + 1)
    )


def start_ours(bed: Bed, devices: int) -> str:
    """Start the job as it is installed; return its unit."""
    bed.write_job(_JOB, describe_job(devices))
    bed.machine.run("systemctl", "start", _UNIT, timeout=120)
    return _UNIT


def start_script(bed: Bed, devices: int) -> str:
    """Start what one would write with pymodbus and influxdb-client."""
    words = ["1502", "8086", str(REGISTERS), "1", *(f"127.0.0.{n}" for n in range(1, devices + 1))]
    bed.spawn("script", "/usr/bin/python3", "-m", "bench.script", *words)
    return "script.service"


def start_node(bed: Bed, devices: int) -> str:
    """Start the same with node's modbus-serial."""
    bed.spawn("node", "/usr/bin/node", "/src/bench/script.js", str(devices), str(REGISTERS))
    return "node.service"


def start_collectd(bed: Bed, devices: int) -> str:
    """Start collectd with its own modbus plugin, which asks for each value by itself."""
    collect = "".join(f'      Collect "r{n}"\n' for n in range(REGISTERS))
    hosts = "".join(_HOST.format(n=n, collect=collect) for n in range(1, devices + 1))
    data = "".join(_DATA.format(n=n) for n in range(REGISTERS))
    bed.machine.write("/run/collectd.conf", _COLLECTD.format(data=data, hosts=hosts))
    bed.spawn("peer-collectd", "/usr/sbin/collectd", "-f", "-C", "/run/collectd.conf")
    return "peer-collectd.service"


Start = Callable[[Bed, int], str]
COLLECTORS: dict[str, Start] = {
    "ours": start_ours,
    "script": start_script,
    "node modbus-serial": start_node,
    "collectd": start_collectd,
}


class _Cost(NamedTuple):
    cpu: float  # ms for 1,000 registers
    switches: float  # a second
    late: float  # ms, 99th percentile


def _measure_devices(bed: Bed, devices: int) -> Iterator[Row]:
    costs = {name: _measure_cost(bed, start, devices) for name, start in COLLECTORS.items()}
    ours, script = costs["ours"], costs["script"]
    for name, cost in costs.items():
        target = 1.0 if name == "ours" else None
        count = "1 device" if devices == 1 else f"{devices} devices"
        what = f"CPU per 1,000 registers, {count}, {name}"
        yield Row(what, f"{cost.cpu:.2f} ms", cost.cpu / script.cpu, "of the script", target)
    if devices == 100:
        yield Row(
            "late at the 99th percentile, 100 devices", f"{ours.late:.1f} ms", ours.late, "ms", 5
        )
        yield Row("the same, script", f"{script.late:.1f} ms")
        yield Row(
            "context switches a second, 100 devices",
            f"{ours.switches:.0f}",
            ours.switches,
            "a second",
            300,
        )
        yield Row("the same, script", f"{script.switches:.0f}")


def _measure_cost(bed: Bed, start: Start, devices: int) -> _Cost:
    unit = start(bed, devices)
    try:
        _wait_for_data(bed)
        time.sleep(3)
        read_lines(bed)
        before, began = bed.figures(unit)[unit], time.monotonic()
        time.sleep(8 if bed.is_short else 20)
        after, took = bed.figures(unit)[unit], time.monotonic() - began
        lines = read_lines(bed)
    finally:
        bed.stop(unit)
        time.sleep(1)
        read_lines(bed)
    registers = sum(1 if line.series.startswith("collectd") else REGISTERS for line in lines)
    expected = devices * REGISTERS * took
    assert registers > expected * 0.8, f"{unit}: {registers} of {expected:.0f} registers have come"
    return _Cost(
        (after.cpu - before.cpu) * 1e6 / registers,
        (after.switches - before.switches) / took,
        _measure_lateness([line.time for line in lines]),
    )


def _wait_for_data(bed: Bed) -> None:
    bed.wait_for(lambda: read_lines(bed), "values in the database", 60)


def _measure_lateness(times: list[int], interval: int = 10**9) -> float:
    """Return by how many ms samples lie behind a grid that fits the earliest of them."""
    if len(times) < 2:
        return 0.0
    middle = statistics.median(at % interval for at in times)
    half = interval // 2
    offsets = [(at - middle + half) % interval - half for at in times]
    return (statistics.quantiles(offsets, n=100)[98] - min(offsets)) / 1e6


def _measure_memory(bed: Bed) -> Iterator[Row]:
    """Each of them reads one device, 20 at a time."""
    copies = 5 if bed.is_short else _COPIES
    for n in range(copies):
        bed.write_job(f"acquisition/m{n}", describe_job(1))
    ours = [f"sja-acquisition@m{n}.service" for n in range(copies)]
    bed.machine.run("systemctl", "start", *ours, timeout=600)
    time.sleep(5)
    mine = statistics.mean(each.pss for each in bed.figures(*ours).values())
    bed.stop(*ours)
    theirs = [f"script{n}.service" for n in range(copies)]
    for unit in theirs:
        words = ["1502", "8086", str(REGISTERS), "1", "127.0.0.1"]
        bed.spawn(unit, "/usr/bin/python3", "-m", "bench.script", *words)
    time.sleep(8)
    other = statistics.mean(each.pss for each in bed.figures(*theirs).values())
    bed.stop(*theirs)
    of = "of the script"
    yield Row(
        f"PSS of an acquisition worker, mean of {copies}", f"{mine:.1f} MiB", mine / other, of, 0.48
    )
    yield Row(f"PSS of the script, mean of {copies}", f"{other:.1f} MiB")


def _measure_start(bed: Bed) -> Iterator[Row]:
    """From the process's start to READY, in turns; without what systemd does around it."""
    bed.machine.write("/run/bench.toml", describe_job(1))
    script = "/usr/bin/python3 -m bench.script 1502 8086 100 1 127.0.0.1"
    rounds = "3" if bed.is_short else str(_STARTS)
    said = bed.python("bench.ready", rounds, "acquisition=/run/bench.toml", script)
    ours, theirs = json.loads(said)
    of = "of the script"
    yield Row("start to READY, acquisition", f"{ours:.0f} ms", ours / theirs, of, 0.50)
    yield Row("start to READY, script", f"{theirs:.0f} ms")


def _measure_grid(bed: Bed) -> Iterator[Row]:
    bed.write_job(_JOB, describe_job(1, interval="100ms"))
    bed.machine.run("systemctl", "start", _UNIT)
    _wait_for_data(bed)
    time.sleep(2)
    read_lines(bed)
    time.sleep(10 if bed.is_short else 30)
    times = sorted(line.time for line in read_lines(bed))
    bed.stop(_UNIT)
    interval = 10**8
    offsets = [(at - times[0] + interval // 2) % interval - interval // 2 for at in times]
    fifth = len(offsets) // 5
    drift = (statistics.median(offsets[-fifth:]) - statistics.median(offsets[:fifth])) / 1e6
    cycles = round((times[-1] - times[0]) / interval) + 1
    yield Row(
        f"drift of the grid over {cycles} cycles", f"{drift:.2f} ms", round(abs(drift)), "ms", 0
    )
    yield Row("cycles left out", str(cycles - len(times)), cycles - len(times), "", 0)


def _measure_catch_up(bed: Bed) -> Iterator[Row]:
    """The database is away for a while; 1,000 registers of each cycle wait."""
    read_lines(bed)
    bed.write_job(_JOB, describe_job(10, interval="100ms"))
    bed.machine.run("systemctl", "start", _UNIT)
    _wait_for_data(bed)
    bed.stop("database")
    time.sleep(10 if bed.is_short else 60)
    back = time.time_ns()
    bed.spawn("database", "/usr/bin/python3", "-m", "bench.database", "8086")
    lines: list[Line] = []

    def has_caught_up() -> bool:
        lines.extend(read_lines(bed))
        return any(line.time > back for line in lines) and lines[-1].came - lines[-1].time < 10**9

    bed.wait_for(has_caught_up, "what had waited")
    time.sleep(2)
    lines += read_lines(bed)
    bed.stop(_UNIT)
    held = [line for line in lines if line.time < back]
    first, last = min(line.came for line in held), max(line.came for line in held)
    rate = len(held) * REGISTERS / max((last - first) / 1e9, 0.001)
    live = sorted(line.time for line in lines if line.time > back and line.series == "d1")
    gap = max(b - a for a, b in pairwise(live)) / 1e9
    what = f"catch-up of {len(held) * REGISTERS:,} values, {rate:,.0f} a second"
    yield Row(
        what,
        f"{(last - first) / 1e9:.2f} s",
        rate / 1000,
        "x 1,000 a second",
        100,
        at_least=True,
    )
    yield Row("longest gap between reads meanwhile", f"{gap:.2f} s", gap / 0.1, "intervals", 2)
