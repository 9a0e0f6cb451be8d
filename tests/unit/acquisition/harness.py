"""An acquisition worker of its own for a test, as systemd would run it."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tests.waiting import PATIENCE, wait_for

_ESTABLISHED, _CLOSE_WAIT = "01", "08"  # include/net/tcp_states.h of Linux
TOP = Path(__file__).parents[3]


def free_port() -> int:
    """Return a port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def has_connections(port: int) -> bool:
    """Return whether a server at that port still has a connection: it may be about to answer."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    found = (line.split() for line in lines)
    return any(
        words[1].endswith(f":{port:04X}") and words[3] in (_ESTABLISHED, _CLOSE_WAIT)
        for words in found
    )


class Worker:
    """One job's folders and process."""

    def __init__(self, folder: Path, config: str) -> None:
        self.state = folder / "state"
        self.run_dir = folder / "run"
        self.credentials = folder / "credentials"
        for path in (self.state, self.run_dir, self.credentials):
            path.mkdir(parents=True)
        (self.run_dir / "config").write_text(config)
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(str(folder / "notify"))
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._journal = folder / "journal"
        self.environment = os.environ | {
            "STATE_DIRECTORY": str(self.state),
            "RUNTIME_DIRECTORY": str(self.run_dir),
            "CREDENTIALS_DIRECTORY": str(self.credentials),
            "NOTIFY_SOCKET": str(folder / "notify"),
            "WATCHDOG_USEC": "3000000",
        }
        self.notes: list[str] = []
        self.last_ping = 0.0
        self.process: subprocess.Popen[bytes] | None = None
        self._listener.start()

    def _listen(self) -> None:
        # At once, as systemd does: a full socket would hold up the worker.
        while message := self._notify.recv(65536):
            self.notes += message.decode().split("\n")
            if b"WATCHDOG=1" in message:
                self.last_ping = time.monotonic()

    def start(self, prelude: str = "") -> None:
        """Start the process; a prelude is Python that changes its world before the worker runs."""
        self.notes.clear()
        # systemd removes the folder under /run with the unit.
        (self.run_dir / "health.json").unlink(missing_ok=True)
        command = [sys.executable, "-m", "sja_units.worker"]
        if prelude:
            main = "import sys, sja_units.worker\nsys.exit(sja_units.worker.main(sys.argv[1:]))"
            command = [sys.executable, "-c", f"{prelude}\n{main}"]
        command += ["acquisition", "x"]
        with self._journal.open("ab") as journal:
            self.process = subprocess.Popen(command, env=self.environment, cwd=TOP, stderr=journal)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def heard(self, note: str) -> bool:
        """Return whether the worker has told systemd that since it was started."""
        return any(line.startswith(note) for line in self.notes)

    def wait_until_ready(self) -> None:
        wait_for(lambda: self.heard("READY=1"), "READY=1")

    def health(self) -> dict[str, Any]:
        try:
            return dict(json.loads((self.run_dir / "health.json").read_text()))
        except FileNotFoundError:
            return {}

    def journal(self) -> str:
        return self._journal.read_text()

    def close(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)
        self._notify.shutdown(socket.SHUT_RD)
        self._listener.join()
        self._notify.close()
