"""Real counterparts in a machine: a Modbus device, two databases, and how to ask them."""

import json
import re
from collections import Counter
from typing import Any, Protocol
from urllib.parse import urlencode

from tests.machines.machine import Machine

_PEERS = {"PYTHONPATH": "/src:/peers", "PYTHONDONTWRITEBYTECODE": "1"}
# Prints the status and then the body, also where the status is that of a fault.
_FETCH = """
import sys, urllib.error, urllib.request
data = sys.argv[2].encode() if len(sys.argv) > 2 else None
try:
    answer = urllib.request.urlopen(urllib.request.Request(sys.argv[1], data), timeout=20)
except urllib.error.HTTPError as error:
    answer = error
except OSError:
    sys.exit("0")
print(answer.status, answer.read().decode(), sep="\\n")
"""


def fetch(machine: Machine, url: str, data: str | None = None) -> tuple[int, str]:
    """Return status (0: nobody is there) and body of a GET, or of a POST of `data`, inside."""
    words = [url] if data is None else [url, data]
    done = machine.run("python3", "-Ic", _FETCH, *words, check=False)
    status, _, body = done.stdout.partition("\n")
    return int(status or 0), body.rstrip("\n")


def spawn_peer(machine: Machine, unit: str, port: int, *argv: str) -> None:
    """Start one of tests/peers as UNIT.service, and return when it listens."""
    machine.spawn(unit, "python3", *argv, "--port", str(port), env=_PEERS)
    wait_listening(machine, port)


def wait_listening(machine: Machine, port: int) -> None:
    def look() -> str:
        return machine.run("ss", "-Hltn", f"sport = :{port}").stdout

    machine.wait_for(look, what=f"somebody to listen at port {port}")


class ModbusDevice:
    """A device at a port, which notes each value of its counter that it sends out.

    more: so many further devices at the ports after it. What they send is told apart by numbers:
    value * (more + 1) + place.
    """

    def __init__(self, machine: Machine, port: int, more: int = 0) -> None:
        self.machine = machine
        self.port = port
        self.more = more
        self._unit = f"device-{port}"
        self._log = f"/root/device-{port}.sent"

    def start(self) -> None:
        argv = ["/src/tests/peers/modbus_device.py", "--log", self._log]
        argv += ["--more", str(self.more)] if self.more else []
        spawn_peer(self.machine, self._unit, self.port, *argv)

    def stop(self) -> None:
        self.machine.run("systemctl", "stop", self._unit)

    def freeze(self) -> None:
        """Make it like one behind a cut cable: connections stand, nothing is answered."""
        self.machine.run("systemctl", "kill", "--signal=STOP", self._unit)

    def thaw(self) -> None:
        self.machine.run("systemctl", "kill", "--signal=CONT", self._unit)

    def sent(self) -> Counter[int]:
        """Return how often each number went out; a device that starts anew counts from 1."""
        if not self.more:
            return Counter(int(line) for line in self.machine.read(self._log).split())
        found: Counter[int] = Counter()
        for place in range(self.more + 1):
            values = self.machine.read(f"{self._log}.{place}").split()
            found.update(int(value) * (self.more + 1) + place for value in values)
        return found


class Database(Protocol):
    """Where a job writes to."""

    sink: dict[str, str]  # what the job's file says of it

    def rows(self, measurement: str, field: str) -> list[tuple[int, float]]:
        """Return time (ns) and value of all rows, in order."""
        ...


class Influx:
    """InfluxDB 1.6: /write, and each answer of 204 is on its disk."""

    _unit = "influxdb.service"
    _url = "http://127.0.0.1:8086"

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.sink = {"url": self._url, "database": "edge"}

    def start(self) -> None:
        # Its log has a line for each request, which would bury all else in the journal.
        quiet = "INFLUXDB_HTTP_LOG_ENABLED=false\nINFLUXDB_MONITOR_STORE_ENABLED=false\n"
        self._machine.write("/etc/default/influxdb", quiet)
        self._machine.run("systemctl", "start", self._unit)
        self.wait()
        self.ask("CREATE DATABASE edge")

    def wait(self) -> None:
        """Return when it answers."""
        answers = self._machine.wait_for
        answers(lambda: fetch(self._machine, f"{self._url}/ping")[0] == 204, what="InfluxDB")

    def stop(self) -> None:
        self._machine.run("systemctl", "stop", self._unit)

    def kill(self) -> None:
        """Let it die in the middle of its work; Debian's unit starts it again."""
        self._machine.run("systemctl", "kill", "--signal=KILL", self._unit)

    def rows(self, measurement: str, field: str) -> list[tuple[int, float]]:
        (result,) = self.ask(f'SELECT "{field}" FROM "{measurement}"')["results"]
        return [(at, value) for s in result.get("series", []) for at, value in s["values"]]

    def ask(self, query: str) -> dict[str, Any]:
        words = urlencode({"db": "edge", "epoch": "ns", "q": query})
        status, body = fetch(self._machine, f"{self._url}/query", words)
        assert status == 200, body
        answer = json.loads(body)
        assert isinstance(answer, dict)
        return answer


class VictoriaMetrics:
    """VictoriaMetrics: /api/v2/write. As Debian starts it, it keeps twice what is sent twice."""

    _unit = "victoria-metrics.service"
    _url = "http://127.0.0.1:8428"

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.sink = {"url": self._url, "org": "plant", "bucket": "edge", "token": "made-up"}

    def start(self) -> None:
        self._machine.run("systemctl", "start", self._unit)
        wait = self._machine.wait_for
        wait(lambda: fetch(self._machine, f"{self._url}/health")[0] == 200, what="VictoriaMetrics")

    def stop(self) -> None:
        self._machine.run("systemctl", "stop", self._unit)

    def rows(self, measurement: str, field: str) -> list[tuple[int, float]]:
        return parse_export(self._export(measurement, field))

    def labels(self, measurement: str, field: str) -> dict[str, str]:
        """Return the tags of the only series of that name, as its labels."""
        (line,) = self._export(measurement, field).splitlines()
        return dict(json.loads(line)["metric"])

    def _export(self, measurement: str, field: str) -> str:
        fetch(self._machine, f"{self._url}/internal/force_flush")
        # Without an end it leaves out the second that has just begun.
        match = json.dumps(f"{measurement}_{field}", ensure_ascii=False)
        words = {"match[]": f"{{__name__={match}}}", "start": 0, "end": 4102444800}
        status, body = fetch(self._machine, f"{self._url}/api/v1/export?{urlencode(words)}")
        assert status == 200, body
        return body


def parse_export(body: str) -> list[tuple[int, float]]:
    """Return time (ns) and value of all rows that VictoriaMetrics has exported, in order."""
    rows: list[tuple[int, float]] = []
    for line in body.splitlines():
        series = json.loads(line)
        rows += zip(series["timestamps"], series["values"], strict=True)
    return sorted((at * 1_000_000, value) for at, value in rows)


class StateFolder:
    """Where a job of type "local" keeps its data: in its own folder, as line protocol."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.sink = {"type": "local"}

    def rows(self, measurement: str, field: str) -> list[tuple[int, float]]:
        """Return time (ns) and value of all rows; job and measurement have the same name."""
        folder = f"/var/lib/sja-units/acquisition/{measurement}/"
        pattern = rf"^{measurement} .*\b{field}=(\d+)\S* (\d+)$"
        text = self._machine.run("grep", "--recursive", "--no-filename", "", folder).stdout
        return [(int(at), int(value)) for value, at in re.findall(pattern, text, re.MULTILINE)]
