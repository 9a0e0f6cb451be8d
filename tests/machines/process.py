"""Running programs of the host, with one clear error when they fail."""

import contextlib
import os
import shlex
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

_TAIL = 3000


class LabError(Exception):
    """The test bed could not do its part; the message says what and why."""


def run_tool(argv: Sequence[str], what: str) -> str:
    """Return what a program printed on stdout; LabError names `what` was tried if it fails."""
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise LabError(f"{what}: {argv[0]} is not installed here; tests/run installs it") from None
    if done.returncode != 0:
        raise LabError(f"{what} failed ({done.returncode}): {tail(done.stdout + done.stderr)}")
    return done.stdout


def run_bounded(
    argv: Sequence[str], *, timeout: float, env: Mapping[str, str], input: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program and all it starts for at most `timeout` seconds; LabError when they are over.

    Its background processes are killed too: they would hold the pipes, and us, for ever.
    """
    process = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL if input is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="backslashreplace",
        env=env,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(input, timeout)
    except BaseException as error:
        with contextlib.suppress(ProcessLookupError):  # it has just ended by itself
            os.killpg(process.pid, signal.SIGKILL)
        if not isinstance(error, subprocess.TimeoutExpired):
            raise
        said = ""
        with contextlib.suppress(subprocess.TimeoutExpired):  # a daemon may still hold the pipes
            said = tail("".join(process.communicate(timeout=5)))
        message = f"{shlex.join(argv)} was not done in {timeout:g} s: {said}"
        raise LabError(message) from None
    return subprocess.CompletedProcess(argv, process.returncode, out, err)


def children(pid: int) -> list[int]:
    """Return the processes that a process has started and that are still there."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:  # it has just ended
                continue
            if int(stat.rpartition(")")[2].split()[1]) == pid:
                found.append(int(entry.name))
    return found


def tail(text: str) -> str:
    """Return the end of a long text, which is where programs tell what went wrong."""
    text = text.strip()
    return text if len(text) <= _TAIL else "... " + text[-_TAIL:]
