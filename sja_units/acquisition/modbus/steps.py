"""Work that waits, written once: for a loop that does many at a time, and for a thread alone.

Steps are a generator. It yields what it waits for, and goes on once that has come or its time is
over; it may be woken earlier, so that it looks for itself what has come. What it returns is the
result, what it raises the fault.
"""

import select
import time
from collections.abc import Callable, Generator
from typing import NamedTuple, TypeVar

T = TypeVar("T")

READABLE = select.POLLIN
WRITABLE = select.POLLOUT


class Call:
    """A function that can only block, such as a look-up of a name; made beside the loop."""

    def __init__(self, function: Callable[[], object]) -> None:
        self._function = function
        self._result: object = None
        self._error: Exception | None = None
        self.is_started = False
        self.is_done = False

    def run(self) -> None:
        """Call the function, and keep what it returns or raises."""
        self.is_started = True
        try:
            self._result = self._function()
        except Exception as error:
            self._error = error
        self.is_done = True

    def result(self) -> object:
        """Return what the function has returned; raise what it has raised."""
        if self._error is not None:
            raise self._error
        return self._result


class Wait(NamedTuple):
    """What steps wait for: a descriptor, a call, or else just a moment of the monotonic clock."""

    until: float
    fd: int = -1
    events: int = 0
    call: Call | None = None


Steps = Generator[Wait, None, T]


def sleep_until(moment: float) -> Steps[None]:
    """Let time pass; nothing ends it earlier."""
    while time.monotonic() < moment:
        yield Wait(moment)


def run(
    steps: Steps[T],
    sleep: Callable[[float], object] = time.sleep,
    allow: Callable[[float], object] = float,
) -> T:
    """Do the steps in this thread and return their result.

    sleep: what to wait with where there is no descriptor; it may return early.
    allow: is told, before each wait, until when it may last.
    """
    try:
        while True:
            wait = next(steps)
            allow(wait.until)
            if wait.call is not None:
                wait.call.run()
            elif wait.fd < 0:
                sleep(max(0.0, wait.until - time.monotonic()))
            else:
                poll = select.poll()
                poll.register(wait.fd, wait.events)
                poll.poll(max(0.0, wait.until - time.monotonic()) * 1000)
    except StopIteration as end:
        result: T = end.value
        return result
