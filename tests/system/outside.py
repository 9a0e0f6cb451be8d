"""Counterparts of a virtual machine: they are outside, and saw what they saw when its power goes.

They are on the host's loopback. Each notes at which point of a disk's log something happened.
"""

import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import URLError
from urllib.parse import urlencode

from tests.machines.process import LabError
from tests.machines.trees import tree
from tests.machines.virtual.machine import HOST
from tests.peers.modbus_device import Device, Registers
from tests.peers.site import COOKIE, PASSWORD, USER, Session, Site, SiteServer
from tests.system.counterparts import parse_export
from tests.unit.acquisition.harness import free_port

Clock = Callable[[], int]
"""Tells the point of time: how long a disk's log is."""


class WitnessDevice:
    """A Modbus device with a counter at 1000, as of modbus_device.py."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.name = name
        self.port = free_port()
        self._registers = _WitnessRegisters(clock)
        self._device = Device("127.0.0.1", self.port, self._registers, frozenset({1}))
        self._device.start()

    @property
    def answers(self) -> list[int]:
        """The point of time just before each answer went out; the first one's counter is 1."""
        return self._registers.answers

    def stop(self) -> None:
        # It takes half a second until its loop looks; nobody needs to wait for that.
        threading.Thread(target=self._device.stop).start()


class _WitnessRegisters(Registers):
    def __init__(self, clock: Clock) -> None:
        super().__init__(frozenset(), 1000, None)
        self.answers: list[int] = []
        self._clock = clock

    def read_h_regs(self, address: int, count: int, info: Any) -> Any:
        answer = super().read_h_regs(address, count, info)
        self.answers.append(self._clock())
        return answer


class Visit(NamedTuple):
    """A request to the site: who came with this token has it on the disk, or should have."""

    token: str
    point: int


class WitnessSite(Site):
    """A site whose session moves its cookie on at every request."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(session_life=3600)
        # Where the cut came before the last answer's cookie was on the disk, the one before it
        # has to do, however long the machine takes to boot.
        self.grace = 3600.0
        self._clock = clock
        self.visits: list[Visit] = []
        self._server = SiteServer(self)
        self.page = f"http://{HOST}:{self._server.server_address[1]}/api/user/current"
        self.header = f"{COOKIE}={self.log_in(USER, PASSWORD)}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def visit(self, token: str) -> Session | None:
        self.visits.append(Visit(token, self._clock()))
        return super().visit(token)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class OutsideDatabase:
    """VictoriaMetrics, which keeps twice what is sent twice. It is away until it is started."""

    def __init__(self, suite: str, folder: Path) -> None:
        self._folder = folder
        self._program = tree(suite) / "usr/bin/victoria-metrics"
        self._address = f"127.0.0.1:{(port := free_port())}"
        self.sink = {"url": f"http://{HOST}:{port}", "org": "plant", "bucket": "edge"}
        self.sink["token"] = "made-up"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = [f"-storageDataPath={self._folder}", f"-httpListenAddr={self._address}"]
        self._process = subprocess.Popen(
            [str(self._program), *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        end = time.monotonic() + 60
        while True:
            try:
                self._get("/health")
                return
            except URLError:
                if time.monotonic() > end:
                    raise LabError("VictoriaMetrics does not answer") from None
                time.sleep(0.1)

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait()

    def rows(self, measurement: str, field: str) -> list[tuple[int, float]]:
        """Return time (ns) and value of all rows, in order."""
        self._get("/internal/force_flush")
        # Without an end it leaves out the second that has just begun.
        words = urlencode({"match[]": f"{measurement}_{field}", "start": 0, "end": 4102444800})
        return parse_export(self._get(f"/api/v1/export?{words}"))

    def _get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://{self._address}{path}", timeout=20) as answer:
            text: str = answer.read().decode()
        return text
