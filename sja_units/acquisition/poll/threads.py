"""The threads that poll: one loop for all that a selector can wait for, one for each serial line.

A serial line has a thread because its frames are told apart by silences of a few milliseconds,
which must not wait for other devices.
"""

import select
import socket
import time
from collections.abc import Sequence
from heapq import heappop, heappush
from math import inf
from threading import Event, Thread

from sja_units.acquisition.modbus.steps import Call, Steps, run
from sja_units.acquisition.poll.inbox import Inbox
from sja_units.acquisition.poll.poller import Poller
from sja_units.acquisition.worker_thread import WorkerThread

GATHER_SECONDS = 0.02
"""Endpoints answer at about the same time: their readings are announced together."""


class PollThread(WorkerThread):
    """What the job's main thread sees of either."""

    def stop(self) -> None:
        """Ask it to end after the requests that are under way."""
        raise NotImplementedError


def make_threads(pollers: Sequence[Poller], inbox: Inbox) -> list[PollThread]:
    """Return the threads for all pollers, not yet started."""
    on_lines = [poller for poller in pollers if poller.endpoint.serial]
    on_network = [poller for poller in pollers if not poller.endpoint.serial]
    threads: list[PollThread] = [SerialThread(poller, inbox) for poller in on_lines]
    return threads + ([PollLoop(on_network, inbox)] if on_network else [])


class SerialThread(PollThread):
    """Polls the devices of one serial line."""

    def __init__(self, poller: Poller, inbox: Inbox) -> None:
        super().__init__(f"poll {poller.endpoint}")
        self._poller = poller
        self._inbox = inbox
        self._ordered_to_stop = Event()

    def stop(self) -> None:
        self._poller.stop()
        self._ordered_to_stop.set()

    def work(self) -> None:
        run(self._poller.run(), self._sleep, self._allow)

    def _sleep(self, seconds: float) -> None:
        if self._inbox:
            self._inbox.announce()
        self._ordered_to_stop.wait(seconds)

    def _allow(self, until: float) -> None:
        self.due_within(max(0.0, until - time.monotonic()))


class _Task:
    """The steps of one poller, and what they wait for."""

    __slots__ = ("call", "fd", "steps", "timer", "until")

    def __init__(self, steps: Steps[None]) -> None:
        self.steps = steps
        self.fd = -1
        self.call: Call | None = None
        self.until = 0.0
        self.timer = inf  # the earliest of its entries among the timers


class PollLoop(PollThread):
    """Polls all endpoints whose connection a selector can wait for."""

    def __init__(self, pollers: Sequence[Poller], inbox: Inbox) -> None:
        super().__init__("poll")
        self._pollers = pollers
        self._inbox = inbox
        self._announce_at = inf
        self._epoll = select.epoll()
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        self._epoll.register(self._woken.fileno(), select.EPOLLIN)
        self._tasks = {_Task(poller.run()) for poller in pollers}
        self._by_fd: dict[int, _Task] = {}
        self._timers: list[tuple[float, int, _Task]] = []
        self._entries = 0  # so far; keeps those of one moment apart and in their order
        self._waiting = 0  # tasks that wait for a descriptor

    def stop(self) -> None:
        for poller in self._pollers:
            poller.stop()
        self._wake()

    def _wake(self) -> None:
        try:
            self._waker.send(b"\0")
        except BlockingIOError:
            return  # full: it is about to wake anyway

    def work(self) -> None:
        for task in list(self._tasks):
            self._resume(task)
        while self._tasks:
            now = time.monotonic()
            self._announce(now)
            wait = max(0.0, min(self._timers[0][0], self._announce_at) - now)
            self.due_within(wait)
            for fd, _ in self._epoll.poll(wait):
                if fd == self._woken.fileno():
                    self._note_woken()
                elif (task := self._by_fd[fd]).fd == fd:
                    self._resume(task)
            self._resume_due(time.monotonic())
        if self._inbox:
            self._inbox.announce()
        self._epoll.close()
        self._woken.close()
        self._waker.close()

    def _announce(self, now: float) -> None:
        """Tell of what was read once nobody is about to answer, but no later than in a moment."""
        if not self._inbox:
            self._announce_at = inf
        elif not self._waiting or now >= self._announce_at:
            self._announce_at = inf
            self._inbox.announce()
        elif self._announce_at == inf:
            self._announce_at = now + GATHER_SECONDS

    def _note_woken(self) -> None:
        self._woken.recv(4096)
        for task in list(self._tasks):
            if task.fd < 0 and (task.call is None or task.call.is_done):
                self._resume(task)

    def _resume_due(self, now: float) -> None:
        timers = self._timers
        while timers and timers[0][0] <= now:
            moment, _, task = heappop(timers)
            if moment != task.timer:
                continue  # an earlier one has come in between
            task.timer = inf
            if task.until > now:
                self._set_timer(task)
            elif task in self._tasks:
                self._resume(task)

    def _resume(self, task: _Task) -> None:
        """Go on with a task until it waits again."""
        if task.fd >= 0:
            task.fd = -1
            self._waiting -= 1
        try:
            wait = next(task.steps)
        except StopIteration:
            self._tasks.discard(task)
            return
        task.until, task.call = wait.until, wait.call
        if wait.fd >= 0:
            self._arm(task, wait.fd, wait.events)
        elif wait.call is not None and not wait.call.is_started:
            self._start(wait.call)
        if wait.until < task.timer:
            self._set_timer(task)

    def _set_timer(self, task: _Task) -> None:
        task.timer = task.until
        self._entries += 1
        heappush(self._timers, (task.until, self._entries, task))

    def _arm(self, task: _Task, fd: int, events: int) -> None:
        task.fd = fd
        self._by_fd[fd] = task
        self._waiting += 1
        try:
            self._epoll.modify(fd, events | select.EPOLLONESHOT)
        except FileNotFoundError:
            self._epoll.register(fd, events | select.EPOLLONESHOT)

    def _start(self, call: Call) -> None:
        def work() -> None:
            call.run()
            self._wake()

        call.is_started = True
        Thread(target=work, name="look up", daemon=True).start()
