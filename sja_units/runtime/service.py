"""The loop that every worker runs in: signals, READY, STATUS, watchdog and health.json.

The protocol is sd_notify(3); this is the only file that speaks it.
"""

import faulthandler
import json
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

import sdnotify

from sja_units.fs.atomic import replace_file
from sja_units.job import Job
from sja_units.runtime import log

_BEAT_SECONDS = 10.0  # after so long health.json is written again, to show that it is true


def format_time(seconds: float) -> str:
    """Return a Unix time as RFC 3339 in UTC with microseconds."""
    micros = round(seconds * 1_000_000)
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(micros // 1_000_000))
    return f"{whole}.{micros % 1_000_000:06d}Z"


class Runtime:
    """What a worker has of the outside world. Make one, in the main thread, before any other."""

    def __init__(self, job: Job, state_dir: str, run_dir: str) -> None:
        self.job = job
        self.state_dir = state_dir
        self.run_dir = run_dir
        self.stopping = False
        self.on_stop: Callable[[], object] = self._do_nothing  # called by a signal's handler
        self._notifier = sdnotify.SystemdNotifier()
        self._status = ""
        self._since = format_time(time.time())
        self._is_ready = False
        self._unreported = ""
        self._fields: dict[str, Any] = {}
        self._valid_for = 0.0
        self._next_beat = 0.0
        self.watchdog = _watchdog_seconds()
        self._ping_every = self.watchdog / 3
        self._next_ping = 0.0
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._wake_reader.setblocking(False)
        self._wake_writer.setblocking(False)
        # The watchdog kills with SIGABRT: the journal then shows where each thread stood.
        faulthandler.enable()
        signal.set_wakeup_fd(self._wake_writer.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._order_stop)

    def _notify(self, state: str) -> None:
        # sdnotify sends Latin-1 and drops the rest in silence, systemd wants UTF-8: characters
        # that stand for the bytes of UTF-8 pass through as those bytes.
        self._notifier.notify(state.encode().decode("latin-1"))

    def _do_nothing(self) -> None:
        """Whoever waits with `wait` is woken by the signal itself."""

    def _order_stop(self, _number: int, _frame: object) -> None:
        self.stopping = True
        self.on_stop()
        self._notify("STOPPING=1")

    def status(self, text: str) -> None:
        """Show one sentence in `systemctl status`."""
        line = " ".join(text.split())
        if line != self._status:
            self._status = line
            # systemd takes one backslash of two away.
            self._notify("STATUS=" + line.replace("\\", r"\\"))

    def ready(self) -> None:
        """Tell systemd that the job does its work; later calls do nothing."""
        if not self._is_ready:
            self._is_ready = True
            self._notify("READY=1")
            # The job is active since now: that is what systemd will say, too.
            self._since = format_time(time.time())
            self._beat(self._valid_for)

    def ping(self) -> None:
        """Tell that the work moves, systemd and who reads health.json; call it from the loop that
        does the work.
        """
        now = time.monotonic()
        if now >= self._next_beat:
            self._beat(self._valid_for)
        if now >= self._next_ping:
            self._next_ping = now + self._ping_every
            self._notify("WATCHDOG=1")

    def allow(self, seconds: float) -> None:
        """Let the next step of the loop take that long before it is taken for a hang."""
        needed = max(seconds + 5, self._ping_every * 3)
        # health.json is written again so often that it is true for that long at any time.
        if seconds + 5 > self._valid_for - _BEAT_SECONDS:
            self._beat(max(seconds + 5, self._valid_for))
        if self._ping_every:
            self._notify(f"WATCHDOG_USEC={int(needed * 1_000_000)}\nWATCHDOG=1")

    def extend(self, seconds: float) -> None:
        """Ask systemd to let a start or stop that is under way take that much longer from now."""
        self._notify(f"EXTEND_TIMEOUT_USEC={int(seconds * 1_000_000)}")

    def trigger_watchdog(self) -> None:
        """Have systemd end the job at once as one that hangs; return where no watchdog is set."""
        if self.watchdog:
            self._notify("WATCHDOG=trigger")
            time.sleep(self.watchdog)

    @property
    def pause(self) -> float:
        """Seconds that a loop may sleep before it has to `ping` again."""
        return min(self._ping_every or _BEAT_SECONDS, _BEAT_SECONDS)

    def wait(self, seconds: float, descriptors: Sequence[int] = ()) -> None:
        """Sleep that long; less when a signal or `wake` comes or a descriptor can be read."""
        if self.stopping:
            return
        wake = self._wake_reader.fileno()
        ready, _, _ = select.select([wake, *descriptors], [], [], max(0.0, seconds))
        if wake in ready:
            self._wake_reader.recv(4096)

    def wait_until(self, deadline: float) -> None:
        """Sleep until that time of the monotonic clock, or until told to stop; ping meanwhile."""
        while not self.stopping and (left := deadline - time.monotonic()) > 0:
            self.ping()
            self.wait(min(left, self.pause))

    def wake(self) -> None:
        """End a `wait` of the main thread; any thread may call it."""
        try:
            self._wake_writer.send(b"\0")
        except BlockingIOError:
            return  # full: the main thread is about to wake anyway

    def leave(self) -> None:
        """Let a program that takes this process's place live by its own lights.

        It is not watched, and its end is not explained by what was said before.
        """
        self._notify("STATUS=\nWATCHDOG_USEC=0")

    def report(self, fields: dict[str, Any], valid_for: float) -> bool:
        """Publish the worker's own view of itself in health.json.

        valid_for: seconds after which a reader should no longer believe it. `ping` prolongs it,
        `allow` for the time of the next step. Return whether it could be written.
        """
        self._fields, self._valid_for = fields, valid_for
        self._beat(valid_for)
        return not self._unreported

    def _beat(self, valid_for: float) -> None:
        if not self._fields:
            return
        self._next_beat = time.monotonic() + _BEAT_SECONDS
        health = {
            "pid": os.getpid(),
            "since": self._since,
            "updated": format_time(time.time()),
            "valid_for": round(valid_for, 3),
            "status": self._status,
            **self._fields,
        }
        data = json.dumps(health, ensure_ascii=False).encode()
        try:
            replace_file(f"{self.run_dir}/health.json", data, 0o644, sync=False)
        except OSError as error:
            # The work goes on; who looks sees that the worker does not report.
            self._tell_unreported(f"health.json cannot be written: {error.strerror}")
        else:
            self._tell_unreported("")

    def _tell_unreported(self, fault: str) -> None:
        if fault != self._unreported:
            self._unreported = fault
            log.warning(fault or "health.json is written again")


def _watchdog_seconds() -> float:
    """Return the watchdog's time as systemd set it for this process, 0 without a watchdog."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return 0.0
    return int(os.environ.get("WATCHDOG_USEC", "0")) / 1_000_000
