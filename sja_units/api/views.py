"""How the jobs are, for many who ask: one thread with one connection to systemd looks for all."""

import os
import queue
import select
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Protocol

from sja_units.errors import SjaError
from sja_units.job import Job
from sja_units.jobs.snapshot import JobStatus
from sja_units.jobs.status import get_status, list_status
from sja_units.systemd.cache import CachedSystemd
from sja_units.systemd.client import Systemd

# Seconds. A worker writes its health.json just after it has told systemd of its new status.
_SETTLE = 0.1
_FILES = 2.0  # between two looks for what changes in files alone


class Views(Protocol):
    """Knows how the jobs are. Methods raise SjaError."""

    def list_all(self) -> list[JobStatus]:
        """Return all jobs."""
        ...

    def get(self, job: Job) -> JobStatus:
        """Return all about one."""
        ...


class DirectViews:
    """Asks systemd each time."""

    def list_all(self) -> list[JobStatus]:
        with Systemd() as systemd:
            return list_status(systemd)

    def get(self, job: Job) -> JobStatus:
        with Systemd() as systemd:
            (view,) = get_status(systemd, [job])
            return view


class WatchedViews:
    """Looks again only when something may have changed, and tells followers of it."""

    def __init__(self, publish: Callable[[list[JobStatus]], bool]) -> None:
        """publish: takes all jobs when they may have changed; returns whether anybody follows."""
        self._publish = publish
        self._asked: queue.SimpleQueue[Future[list[JobStatus]]] = queue.SimpleQueue()
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._is_over = False
        self._systemd: CachedSystemd | None = None
        self._single: Systemd | None = None  # for questions about one job
        self._single_lock = threading.Lock()
        self._seen = -1
        self._looked = 0.0
        self._follows = False
        self._thread = threading.Thread(target=self._work, name="views", daemon=True)
        self._thread.start()

    def list_all(self) -> list[JobStatus]:
        future: Future[list[JobStatus]] = Future()
        self._asked.put(future)
        self.wake()
        return future.result()

    def get(self, job: Job) -> JobStatus:
        with self._single_lock:
            if self._single is None:
                self._single = Systemd().__enter__()
            try:
                (view,) = get_status(self._single, [job])
            except BaseException:
                self._single.__exit__()
                self._single = None
                raise
            return view

    def follow(self) -> None:
        """Let `publish` be called from now on, until it says that nobody follows any more."""
        self._follows = True
        self._seen = -1
        self.wake()

    def wake(self) -> None:
        with suppress(BlockingIOError):
            os.write(self._wake_write, b"\0")

    def close(self) -> None:
        self._is_over = True
        self.wake()
        self._thread.join()

    def _work(self) -> None:
        while not self._is_over:
            asked = self._take_asked()
            if asked or self._is_due():
                self._look(asked)
            self._wait()
        self._disconnect()
        for future in self._take_asked():
            future.set_exception(SjaError("the door closes"))

    def _take_asked(self) -> list[Future[list[JobStatus]]]:
        asked = []
        with suppress(queue.Empty):
            while True:
                asked.append(self._asked.get_nowait())
        return asked

    def _is_due(self) -> bool:
        if not self._follows:
            return False
        changed = self._systemd is None or self._systemd.changes != self._seen
        return changed or time.monotonic() >= self._looked + _FILES

    def _look(self, asked: list[Future[list[JobStatus]]]) -> None:
        try:
            views = self._survey()
        except Exception as error:
            self._disconnect()
            for future in asked:
                future.set_exception(error)
            self._looked = time.monotonic()
            return
        for future in asked:
            future.set_result(views)
        if self._follows:
            self._follows = self._publish(views)
        self._looked = time.monotonic()

    def _survey(self) -> list[JobStatus]:
        if self._systemd is not None:
            try:
                return self._ask(self._systemd)
            except SjaError:
                self._disconnect()  # D-Bus may have been restarted meanwhile
        self._systemd = CachedSystemd().__enter__()
        return self._ask(self._systemd)

    def _ask(self, systemd: CachedSystemd) -> list[JobStatus]:
        systemd.wait(0)  # for what it has told meanwhile
        self._seen = systemd.changes
        return list_status(systemd)

    def _wait(self) -> None:
        seconds = max(0.0, self._looked + _FILES - time.monotonic()) if self._follows else 60.0
        try:
            if self._systemd is None:
                select.select([self._wake_read], [], [], seconds)
            elif self._seen != self._systemd.changes and self._follows:
                self._systemd.wait(_SETTLE, [self._wake_read])
            else:
                self._systemd.wait(seconds, [self._wake_read])
        except SjaError:
            self._disconnect()
        with suppress(BlockingIOError):
            os.read(self._wake_read, 4096)

    def _disconnect(self) -> None:
        if self._systemd is not None:
            with suppress(Exception):
                self._systemd.__exit__()
            self._systemd = None
