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

PROGRAM = """
import sys, time
from sja_units.job import Job
from sja_units.runtime import Runtime
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
