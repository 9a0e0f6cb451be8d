from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.unit.keepalive.harness import Worker


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
            stack.callback(worker.close)
            if watchdog:
                worker.environment["WATCHDOG_USEC"] = watchdog
            worker.start("sja_units.worker")
            return worker

        yield start
