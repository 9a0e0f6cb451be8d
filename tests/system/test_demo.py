"""`./install.sh --demo`, as somebody runs it who has just got a copy of the project."""

import os
import secrets
import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
JOBS = ("acquisition/line1", "command/page", "keepalive/alice")
LEFT_OUT = shutil.ignore_patterns(".git", ".artifacts", "__pycache__", ".*_cache")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the checkout, in a folder whose name is no plain word."""
    return Path(shutil.copytree(CHECKOUT, tmp_path / "my copy", ignore=LEFT_OUT))


def run_demo(copy: Path, marker: str) -> subprocess.CompletedProcess[str]:
    """Run the demo with a variable that everything it starts on the host inherits."""
    command = [str(copy / "install.sh"), "--demo"]
    environment = os.environ | {"SJA_MARKER": marker}
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        check=False,
        timeout=900,
    )


def find_processes(marker: str) -> list[str]:
    """Return the command lines of processes that have inherited the marker."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and marker.encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_text())
        except OSError:  # it has just ended
            continue
    return found


def list_files(folder: Path) -> dict[str, float]:
    return {str(path): path.stat().st_mtime for path in folder.rglob("*")}


def states_in(table: str) -> dict[str, str]:
    """Return job and state of the lines in which `sjactl list` shows the demo's jobs, the last."""
    rows = [line.split() for line in table.splitlines()]
    words = ("running", "degraded", "down", "failed", "stopped", "restarting", "starting")
    return {row[0]: word for row in rows if row and row[0] in JOBS for word in row if word in words}


def test_demo(copy: Path) -> None:
    marker, files = secrets.token_hex(), list_files(copy)
    mounts = Path("/proc/self/mounts").read_text()
    done = run_demo(copy, marker)
    assert done.returncode == 0, done.stdout
    for happened in ("kill -9 ", "kill -STOP ", "Watchdog timeout", "体育馆预约"):
        assert happened in done.stdout
    assert states_in(done.stdout) == dict.fromkeys(JOBS, "running")
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
    assert "\033" not in done.stdout
    # The host and the checkout stay as they were.
    assert find_processes(marker) == []
    assert Path("/proc/self/mounts").read_text() == mounts
    assert list_files(copy) == files


def test_demo_fails_if_nothing_comes_back(copy: Path) -> None:
    unit = copy / "units/sja-relaunch.service"
    text = unit.read_text()
    started = "ExecStart=/usr/local/bin/sjactl relaunch"
    assert started in text
    unit.write_text(text.replace(started, "ExecStart=/bin/true"))
    marker = secrets.token_hex()
    done = run_demo(copy, marker)
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stdout
    told = done.stdout[done.stdout.index("The power is cut") :]
    for job in JOBS:
        assert job in told
    assert find_processes(marker) == []
