"""From a process's start to READY, the median of so many in turns, in ms as JSON.

`python -m bench.ready ROUNDS KIND=FILE COMMAND...`: our worker first, each other as one text.
"""

import json
import os
import shlex
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PYTHON = "/opt/sja-units/bin/python"
_PATIENCE = 60.0


def main(rounds: int, ours: str, others: list[str]) -> list[float]:
    kind, _, file = ours.partition("=")
    commands = [[PYTHON, "-I", "-m", "sja_units.worker", kind, "bench"], *map(shlex.split, others)]
    took: list[list[float]] = [[] for _ in commands]
    for _ in range(rounds):
        for command, times in zip(commands, took, strict=True):
            with tempfile.TemporaryDirectory() as folder:
                times.append(measure(command, Path(folder), Path(file).read_text()) * 1000)
    return [statistics.median(times) for times in took]


def measure(command: list[str], folder: Path, config: str) -> float:
    """Return the seconds to READY; the process is ended."""
    (folder / "config").write_text(config)
    env = {f"{name}_DIRECTORY": str(folder) for name in ("STATE", "RUNTIME")}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(folder / "notify"))
        notify.settimeout(_PATIENCE)
        env["NOTIFY_SOCKET"] = str(folder / "notify")
        began = time.monotonic()
        with subprocess.Popen(command, env=os.environ | env) as process:
            try:
                while b"READY=1" not in notify.recv(4096):
                    pass
                return time.monotonic() - began
            finally:
                process.kill()


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])))
