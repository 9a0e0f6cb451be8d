"""Waiting for what a busy machine may take long for, and never for ever."""

import time
from collections.abc import Callable
from pathlib import Path

PATIENCE = 30.0  # seconds that a slow machine may take for anything


def wait_for(condition: Callable[[], object], what: str, pause: float = 0.01) -> None:
    """Return once `condition` is true; fail, naming `what`, after PATIENCE."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(pause)


def wait_for_change(path: Path) -> None:
    """Return once a file's content is another one than now."""
    before = path.read_bytes()
    wait_for(lambda: path.read_bytes() != before, f"another {path.name}", 0.001)
