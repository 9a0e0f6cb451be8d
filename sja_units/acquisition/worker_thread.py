"""A thread that says how long its next step may take, and hands its own failure to the loop."""

import time
from threading import Thread

MARGIN_SECONDS = 10.0
"""On top of each stated bound: a machine under load must not look like a hang."""


class WorkerThread(Thread):
    """Subclasses do their work in `work` and state bounds with `due_within`."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self.due_by = time.monotonic() + MARGIN_SECONDS
        self.failure: BaseException | None = None

    def due_within(self, seconds: float) -> None:
        """State that the next step takes no longer than that."""
        self.due_by = time.monotonic() + seconds + MARGIN_SECONDS

    def is_on_time(self, now: float) -> bool:
        return now <= self.due_by

    def work(self) -> None:
        raise NotImplementedError

    def run(self) -> None:
        try:
            self.work()
        except BaseException as error:
            self.failure = error
