import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.unit.keepalive.harness import Worker


def _end(worker: Worker) -> None:
    program = worker.health().get("program", {}).get("pid")
    worker.close()
    if program:
        with suppress(ProcessLookupError):
            os.killpg(program, signal.SIGKILL)  # as systemd does with all that is left of a unit


@pytest.fixture
def run_command(tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """Return what starts the worker of a command: a shell's text, or a whole file."""
    with ExitStack() as stack:

        def start(
            script: str = "", more: str = "", *, text: str = "", watchdog: str = ""
        ) -> Worker:
            (tmp_path / "script").write_text(script)
            command = f'command = ["/bin/sh", "{tmp_path}/script"]\n'
            worker = Worker(tmp_path, text or command + more, "command")
            stack.callback(_end, worker)
            if watchdog:
                worker.environment["WATCHDOG_USEC"] = watchdog
            worker.start("sja_units.worker")
            return worker

        yield start
