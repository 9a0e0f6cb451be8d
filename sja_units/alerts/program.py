"""A program run for an alert, with a deadline that nothing in it can pass."""

import os
import select
import signal
import subprocess
import time
from collections.abc import Sequence
from typing import NamedTuple

from sja_units.runtime.process_group import kill_group

_TAIL = 2000  # bytes of what it said that people are shown
_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
}


class Run(NamedTuple):
    """How a program ended: fault is "" if it did with 0; said is the end of what it printed."""

    fault: str
    said: str


def run_program(argv: Sequence[str], data: bytes, seconds: float) -> Run:
    """Run a program with `data` as its stdin; return how it ended.

    After `seconds`, or when it ends, all that it started is killed.
    """
    # Not a pipe: one that does not read what it is given must not stop us.
    given = os.memfd_create("alert")
    try:
        os.write(given, data)
        os.lseek(given, 0, os.SEEK_SET)
        process = subprocess.Popen(
            argv,
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=_ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        return Run(f"{argv[0]} cannot be started: {error.strerror}", "")
    finally:
        os.close(given)
    said = b""
    try:
        said, in_time = _wait(process, time.monotonic() + seconds)
    finally:
        kill_group(process.pid)
        process.wait()
        if process.stdout:
            process.stdout.close()
    words = " ".join(said.decode("utf-8", "replace").split())
    return Run(_name_end(process.returncode, in_time, seconds), words)


def _wait(process: "subprocess.Popen[bytes]", deadline: float) -> tuple[bytes, bool]:
    """Return the last that a program said, and whether it ended in time.

    Its own end counts, not that of its output: what it left running may hold that open.
    """
    assert process.stdout
    output = process.stdout.fileno()
    os.set_blocking(output, False)
    end = os.pidfd_open(process.pid)
    said, sources = b"", [output, end]
    try:
        while (left := deadline - time.monotonic()) > 0:
            ready = select.select(sources, [], [], left)[0]
            if output in ready:
                piece = os.read(output, 65536)
                said = (said + piece)[-_TAIL:]
                if not piece:
                    sources.remove(output)
            elif end in ready:
                return said, True
        return said, False
    finally:
        os.close(end)


def _name_end(status: int, in_time: bool, seconds: float) -> str:
    if not in_time:
        return f"not done within {seconds:g} s"
    if status < 0:
        return f"killed by {signal.Signals(-status).name}"
    return f"exit status {status}" if status else ""
