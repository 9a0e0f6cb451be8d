"""The runtime as systemd sees it: a real process with a real notification socket."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.waiting import PATIENCE, wait_for

PROGRAM = """
import sys, time
from sja_units.job import Job
from sja_units.runtime.service import Runtime
runtime = Runtime(Job("keepalive", "a"), "{folder}", "{folder}")
{body}
"""


class Child:
    """A worker process under a notification socket of ours."""

    def __init__(self, folder: Path, body: str, watchdog: float = 0) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(folder / "notify"))
        self.seen: list[str] = []
        env = {**os.environ, "NOTIFY_SOCKET": str(folder / "notify")}
        if watchdog:
            env["WATCHDOG_USEC"] = str(int(watchdog * 1e6))
        program = PROGRAM.format(folder=folder, body=body)
        self.process = subprocess.Popen([sys.executable, "-c", program], env=env)

    def wait_for(self, words: str, seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not any(words in message for message in self.seen):
            left = end - time.monotonic()
            assert left > 0, f"no {words!r} in {self.seen}"
            if select.select([self.socket], [], [], left)[0]:
                self.seen.append(self.socket.recv(65536).decode())

    def end(self) -> int:
        if self.process.poll() is None:
            self.process.kill()
        self.socket.close()
        return self.process.wait(PATIENCE)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Child]]:
    children: list[Child] = []

    def make(body: str, watchdog: float = 0) -> Child:
        children.append(Child(tmp_path, body, watchdog))
        return children[-1]

    yield make
    for child in children:
        child.end()


LOOP = """
runtime.status("1号线 · läuft")
runtime.ready()
runtime.report({"ok": True, "message": "好"}, 5)
while not runtime.stopping:
    runtime.wait_until(time.monotonic() + 0.1)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_workers_life(start: Callable[..., Child], tmp_path: Path, number: int) -> None:
    child = start(LOOP)
    child.wait_for("STATUS=1号线 · läuft")
    child.wait_for("READY=1")
    path = tmp_path / "health.json"
    wait_for(path.exists, "a report")
    health = json.loads(path.read_text())
    assert health["pid"] == child.process.pid
    assert health["valid_for"] == 5
    assert health["message"] == "好"
    assert health["updated"].endswith("Z")
    assert path.stat().st_mode & 0o777 == 0o644
    child.process.send_signal(number)
    child.wait_for("STOPPING=1")
    assert child.process.wait(30) == 0


def test_systemd_gets_backslashes_as_it_reads_them(start: Callable[..., Child]) -> None:
    child = start(r'runtime.status(r"no C:\new")')
    child.wait_for(r"STATUS=no C:\\new")


@pytest.mark.slow
def test_pings_come_only_while_the_loop_moves(start: Callable[..., Child]) -> None:
    body = LOOP + "\nruntime.stopping = False\nruntime.status('stuck')\ntime.sleep(3600)"
    child = start(body, watchdog=0.3)
    for _ in range(3):
        child.wait_for("WATCHDOG=1")
        child.seen.clear()
    child.process.send_signal(signal.SIGTERM)
    child.wait_for("STATUS=stuck")
    assert not select.select([child.socket], [], [], 1)[0]


@pytest.mark.slow
def test_health_is_renewed_only_while_the_loop_moves(
    start: Callable[..., Child], tmp_path: Path
) -> None:
    body = """
import sja_units.runtime.service
sja_units.runtime.service._BEAT_SECONDS = 0.05
runtime.report({"ok": True}, 5)
runtime.ready()
runtime.wait_until(time.monotonic() + 1)
runtime.allow(100)
runtime.status("stuck")
time.sleep(3600)
"""
    child = start(body)

    def read() -> dict[str, object]:
        health = json.loads((tmp_path / "health.json").read_text())
        assert isinstance(health, dict)
        return health

    child.wait_for("READY=1")
    first = read()
    child.wait_for("STATUS=stuck")
    # The step that may take so long is still believed, but no longer.
    assert read()["updated"] != first["updated"]
    assert (first["valid_for"], read()["valid_for"]) == (5, 105)
    last = read()
    time.sleep(0.3)
    assert read() == last


def test_a_signal_ends_a_long_wait(start: Callable[..., Child]) -> None:
    child = start("runtime.ready()\nruntime.wait_until(time.monotonic() + 3600)")
    child.wait_for("READY=1")
    child.process.send_signal(signal.SIGTERM)
    assert child.process.wait(30) == 0


def test_a_hang_leaves_its_stack(tmp_path: Path) -> None:
    body = "def stuck():\n    print('up', flush=True)\n    time.sleep(3600)\nstuck()"
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(folder=tmp_path, body=body)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    process.send_signal(signal.SIGABRT)
    _, stack = process.communicate(timeout=30)
    assert "in stuck" in stack
    assert process.returncode == -signal.SIGABRT
