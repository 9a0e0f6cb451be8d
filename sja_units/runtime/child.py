"""A piece of work in a child process with a deadline that nothing in it can pass."""

import gc
import os
import select
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, NoReturn

from sja_units.exit_status import INTERNAL_ERROR
from sja_units.runtime import log
from sja_units.runtime.process_group import MARK, kill_group, make_mark

_MAX_OUTPUT = 16 * 1024 * 1024
_TICK = 0.5  # seconds between two questions whether to give up


class Ended(NamedTuple):
    """How a child ended; `output` is complete only if neither late nor cut."""

    output: bytes
    status: int  # exit status, or minus the signal that ended it
    late: bool  # killed at the deadline, or because somebody asked to give up
    cut: bool  # killed because it wrote more than anybody wants


class Child:
    """Work that is under way in a child. `descriptors` can be read as soon as there is news."""

    def __init__(
        self,
        work: Callable[[int], None],
        seconds: float,
        limit: int = _MAX_OUTPUT,
        *,
        runs_program: bool = False,
    ) -> None:
        """Begin it; it and what it starts are killed after `seconds`. Raises OSError.

        runs_program: it becomes a program with MARK of its environment, which may start others.
        """
        self._mark = make_mark() if runs_program else ""
        self.deadline = time.monotonic() + seconds
        self._limit = limit
        self._output = bytearray()
        reader, writer = os.pipe()
        try:
            self._pid = os.fork()
        except OSError:
            os.close(reader)
            os.close(writer)
            raise
        if self._pid == 0:
            _be_child(work, writer, self._mark)
        os.close(writer)
        os.set_blocking(reader, False)
        self._reader: int | None = reader  # None once its output is complete
        self._end = os.pidfd_open(self._pid)
        with suppress(OSError):  # the child does so, too: whoever comes first
            os.setpgid(self._pid, self._pid)

    @property
    def descriptors(self) -> list[int]:
        return [self._end] if self._reader is None else [self._end, self._reader]

    def poll(self) -> Ended | None:
        """Return how it ended, None while it goes on; never waits."""
        has_ended = bool(select.select([self._end], [], [], 0)[0])
        if has_ended:
            self._kill_group()  # what it started may hold its output open
        self._read()
        if len(self._output) > self._limit:
            return self.kill(cut=True)
        if has_ended:
            return self._close(late=False, cut=False)
        return self.kill() if time.monotonic() >= self.deadline else None

    def wait(self, give_up: Callable[[], bool] = lambda: False) -> Ended:
        """Return how it ended, once it has."""
        while (ended := self.poll()) is None:
            if give_up():
                return self.kill()
            left = min(self.deadline - time.monotonic(), _TICK)
            select.select(self.descriptors, [], [], max(0.0, left))
        return ended

    def kill(self, *, cut: bool = False) -> Ended:
        """End it with all that it started."""
        self._kill_group()
        return self._close(late=not cut, cut=cut)

    def _read(self) -> None:
        """Take what it has written so far."""
        while self._reader is not None and len(self._output) <= self._limit:
            try:
                piece = os.read(self._reader, 65536)
            except BlockingIOError:
                return
            self._output += piece
            if not piece:
                os.close(self._reader)
                self._reader = None

    def _kill_group(self) -> None:
        kill_group(self._pid, self._mark)

    def _close(self, *, late: bool, cut: bool) -> Ended:
        status = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        for descriptor in self.descriptors:
            os.close(descriptor)
        return Ended(bytes(self._output), status, late, cut)


def run_child(
    work: Callable[[int], None],
    seconds: float,
    *,
    give_up: Callable[[], bool] = lambda: False,
    limit: int = _MAX_OUTPUT,
    runs_program: bool = False,
) -> Ended:
    """Run `work` in a child and return what it wrote to the file descriptor that it is given.

    The child and what it started are killed after `seconds`. Raises OSError if none can be made.
    """
    return Child(work, seconds, limit, runs_program=runs_program).wait(give_up)


def _be_child(work: Callable[[int], None], writer: int, mark: str) -> NoReturn:
    status = INTERNAL_ERROR
    try:
        os.environ[MARK] = mark
        gc.disable()  # it would write to each page that is still the parent's, and so copy it
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
        log.error(f"{type(error).__name__}\n{''.join(format_tb(error.__traceback__))}")
    finally:
        os._exit(status)
