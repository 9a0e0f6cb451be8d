"""A piece of work in a child process with a deadline that nothing in it can pass."""

import os
import select
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, NoReturn

from sja_units import journal

_MAX_OUTPUT = 16 * 1024 * 1024
_TICK = 0.5  # seconds between two questions whether to give up


class Ended(NamedTuple):
    """How a child ended; `output` is complete only if neither late nor cut."""

    output: bytes
    status: int  # exit status, or minus the signal that ended it
    late: bool  # killed at the deadline, or because somebody asked to give up
    cut: bool  # killed because it wrote more than anybody wants


def run_child(
    work: Callable[[int], None],
    seconds: float,
    *,
    give_up: Callable[[], bool] = lambda: False,
    limit: int = _MAX_OUTPUT,
) -> Ended:
    """Run `work` in a child and return what it wrote to the file descriptor that it is given.

    The child and what it started are killed after `seconds`. Raises OSError if none can be made.
    """
    reader, writer = os.pipe()
    try:
        pid = os.fork()
    except OSError:
        os.close(reader)
        os.close(writer)
        raise
    if pid == 0:
        _be_child(work, writer)
    os.close(writer)
    with suppress(OSError):  # the child does so, too: whoever comes first
        os.setpgid(pid, pid)
    deadline = time.monotonic() + seconds
    output = _read(reader, deadline, limit, give_up)
    os.close(reader)
    cut = output is not None and len(output) > limit
    status = None if output is None or cut else _wait(pid, deadline)
    late = status is None and not cut
    if status is None:
        os.killpg(pid, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return Ended(output or b"", status, late, cut)


def _be_child(work: Callable[[int], None], writer: int) -> NoReturn:
    status = 70
    try:
        os.setpgid(0, 0)  # so that it can be killed with all that it starts
        signal.set_wakeup_fd(-1)  # the parent's
        # A stop is the parent's business: it waits for an answer that may hold a new cookie.
        # But if the parent was killed, nobody waits.
        parent = os.getppid()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: os._exit(status) if os.getppid() != parent else None)
        work(writer)
        status = 0
    except BaseException as error:
        from traceback import format_tb

        # Not its words: they may hold a cookie.
        journal.error(f"{type(error).__name__}\n{''.join(format_tb(error.__traceback__))}")
    finally:
        os._exit(status)


def _read(reader: int, deadline: float, limit: int, give_up: Callable[[], bool]) -> bytes | None:
    """Return all that comes, or a little over `limit`; None if the end does not come in time."""
    output = bytearray()
    while (left := deadline - time.monotonic()) > 0 and not give_up():
        if select.select([reader], [], [], min(left, _TICK))[0]:
            piece = os.read(reader, 65536)
            output += piece
            if not piece or len(output) > limit:
                return bytes(output)
    return None


def _wait(pid: int, deadline: float) -> int | None:
    """Return the status of a child that has closed its output, None if it goes on."""
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= deadline:
            return None
        time.sleep(0.005)
