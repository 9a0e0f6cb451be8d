"""The loop of an acquisition job: collect what the pollers read, put it on disk, say how it is."""

import os
import sys
import time
import traceback
from _thread import allocate_lock
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sja_units.acquisition import health
from sja_units.acquisition.collector import Collector
from sja_units.acquisition.config import AcquisitionConfig
from sja_units.acquisition.influxdb.dead_letter import DeadLetter
from sja_units.acquisition.last_cycle import LastCycle
from sja_units.acquisition.points.plan import describe_plan
from sja_units.acquisition.poll.inbox import Inbox
from sja_units.acquisition.poll.poller import make_pollers
from sja_units.acquisition.poll.threads import make_threads
from sja_units.acquisition.spool.writer import Spool, SpoolState
from sja_units.acquisition.worker_thread import WorkerThread
from sja_units.errors import WorkerError, WrongConfig
from sja_units.runtime import log
from sja_units.runtime.service import Runtime
from sja_units.text import count, describe_os_error

if TYPE_CHECKING:
    from sja_units.acquisition.influxdb.sink import Sink

REPORT_SECONDS = 1.0
VALID_SECONDS = 20.0
_REPORT_EARLY_SECONDS = 0.4
_QUIET_REPORT_SECONDS = 5.0
_FLUSH_SECONDS = 5.0
_STOP_POLLERS_SECONDS = 20.0
# For so long, not for Python's 5 ms, may other threads keep a poller waiting whose time has come.
_SWITCH_SECONDS = 0.0005


def run(config: AcquisitionConfig, runtime: Runtime) -> None:
    """Acquire until told to stop. Raises WorkerError where the job cannot go on."""
    sys.setswitchinterval(_SWITCH_SECONDS)
    Acquisition(config, runtime).run()


class Acquisition:
    """The main thread's view of a running job."""

    def __init__(self, config: AcquisitionConfig, runtime: Runtime) -> None:
        self._runtime = runtime
        # Costs a third of what a socket would; a signal ends the waiting for it, too.
        self._news = allocate_lock()
        runtime.on_stop = self._wake
        self._inbox = Inbox(self._wake)
        root = os.path.dirname(os.path.dirname(runtime.run_dir))
        self._overflow = f"{root}/overflow/{runtime.job.name}"
        self._spool = _open_spool(runtime.state_dir, self._overflow, config)
        self._dropped_before = self._spool.state().dropped
        self._sink = self._make_sink(config)
        self._pollers = make_pollers(config.devices, config.interval, self._inbox)
        self._poll_threads = make_threads(self._pollers, self._inbox)
        folder = f"{root}/last/{runtime.job.name}"
        self._last_cycle = LastCycle(folder, str(runtime.job), config.interval)
        self._collector = Collector(config, self._inbox, self._spool, self._last_cycle, self._ping)
        self._report_at = 0.0
        self._reported: dict[str, Any] = {}
        self._reported_at = 0.0

    def _make_sink(self, config: AcquisitionConfig) -> "Sink | None":
        if config.sink.type == "local":
            return None
        # A worker imports only what its sink needs.
        from sja_units.acquisition.influxdb.client import Uploader
        from sja_units.acquisition.influxdb.sink import Sink

        dead_letter = DeadLetter(self._runtime.state_dir)
        try:
            uploader = Uploader(config.sink)
        except OSError as error:
            raise WrongConfig(f"sink.{error.strerror}") from None
        return Sink(self._spool.reader, uploader, dead_letter)

    @property
    def _threads(self) -> list[WorkerThread]:
        return [*self._poll_threads, *([self._sink] if self._sink else [])]

    def run(self) -> None:
        self._tell_plan()
        for thread in self._threads:
            thread.start()
        self._report()
        self._runtime.ready()
        while not self._runtime.stopping:
            self._check_threads()
            # Where it is awake anyway, a report that is nearly due spares it the next time. Before
            # what has come: the sink has sent all from before, and nothing needs to be looked up.
            if time.monotonic() >= self._report_at - _REPORT_EARLY_SECONDS:
                self._report()
            self._collect()
            self._news.acquire(timeout=self._next_wait())
        self._stop()

    def _tell_plan(self) -> None:
        readers = [reader for poller in self._pollers for reader in poller.readers]
        requests = [request for reader in readers for request in reader.plan.requests]
        points = count(sum(reader.device.count_written() for reader in readers), "point")
        log.info(f"{describe_plan(requests)}, {points} of {count(len(readers), 'device')}")

    def _check_threads(self) -> None:
        """Raise what ended a thread; ping otherwise."""
        for thread in self._threads:
            if isinstance(thread.failure, WorkerError):
                raise thread.failure
            if thread.failure is not None:
                log.error("".join(traceback.format_exception(thread.failure)))
                raise RuntimeError(f"the thread {thread.name!r} has ended")
        self._ping()

    def _ping(self) -> None:
        """Ping only while every thread keeps its own word."""
        now = time.monotonic()
        if all(thread.is_on_time(now) for thread in self._threads):
            self._runtime.ping()

    def _wake(self) -> None:
        """End the waiting of the main thread; any thread may call it."""
        with suppress(RuntimeError):  # it is awake already
            self._news.release()

    def _next_wait(self) -> float:
        now = time.monotonic()
        if self._collector.due > now:
            return self._collector.due - now
        return max(0.0, self._report_at - now)

    def _collect(self) -> None:
        if time.monotonic() < self._collector.due:
            return
        known = len(self._collector.last_success)
        self._collector.collect()
        if len(self._collector.last_success) > known:
            self._report_at = 0.0  # people look at once after a start: do not say "not read yet"

    def _report(self) -> None:
        now = time.monotonic()
        self._report_at = now + REPORT_SECONDS
        self._last_cycle.publish()
        fields = self._look()
        is_quiet = now < self._reported_at + _QUIET_REPORT_SECONDS
        if is_quiet and not health.is_news(self._reported, fields):
            return
        self._reported, self._reported_at = fields, now
        self._runtime.status(str(fields["message"]))
        self._runtime.report(fields, VALID_SECONDS)

    def _look(self) -> dict[str, Any]:
        totals = health.Totals(
            cycles=max(poller.cycles for poller in self._pollers),
            late_cycles=sum(poller.late_cycles for poller in self._pollers),
            samples=self._collector.samples,
            cycle_seconds=round(max(each.punctuality.seconds for each in self._pollers), 3),
        )
        devices = [
            health.DeviceState(
                reader.device.name,
                reader.state.condition,
                self._collector.last_success.get(reader.device.name),
                reader.state.consecutive_failures,
                reader.state.message,
                reader.plan.bad_registers.describe(),
                reader.busy,
            )
            for poller in self._pollers
            for reader in poller.readers
        ]
        sink = health.SinkState("local", None, "", 0, [])
        if self._sink:
            sink = health.SinkState(
                self._sink.sender.state,
                self._sink.sender.last_success_ns,
                self._sink.sender.message,
                self._sink.dead_letter.parked,
                self._sink.recent_refusals.list(),
            )
        return health.summarize(
            totals,
            devices,
            self._spool.state(),
            sink,
            self._find_faults(),
            self._collector.no_value,
        )

    def _find_faults(self) -> list[str]:
        faults = []
        if not self._collector.clock_is_set:
            faults.append("the clock is not set: values wait until it is")
        return faults + [late for each in self._pollers if (late := each.describe_lateness())]

    def _stop(self) -> None:
        """Finish what is under way, put it on the disk, send what can be sent in a few seconds."""
        self._runtime.status("stopping: what was read is put on the disk")
        for thread in self._poll_threads:
            thread.stop()
        self._join(self._poll_threads, _STOP_POLLERS_SECONDS)
        self._collector.collect()
        if self._sink:
            self._sink.stop(time.monotonic() + _FLUSH_SECONDS)
            self._join([self._sink], _FLUSH_SECONDS + 1)
        self._tell_rest()
        self._spool.close()

    def _join(self, threads: Sequence[WorkerThread], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        for thread in threads:
            while thread.is_alive() and time.monotonic() < deadline:
                thread.join(0.2)
                self._runtime.ping()

    def _tell_rest(self) -> None:
        if self._inbox:
            lost = count(len(self._inbox), "reading")
            log.warning(f"stopped: {lost} lost, because the clock was never set")
        rest = self._spool.state()
        if rest.overflow_lines > rest.volatile_lines:
            lines = count(rest.overflow_lines - rest.volatile_lines, "line")
            log.warning(
                f"stopped: {lines} wait in {self._overflow}, which a reboot empties, because the "
                f"disk cannot be written to: {rest.fault}"
            )
        if rest.volatile_lines:
            lost = count(rest.volatile_lines, "line")
            log.error(f"stopped: {lost} lost, because the disk cannot be written to: {rest.fault}")
        kept = rest.lines - rest.overflow_lines
        if self._sink is None:
            log.info(f"stopped: {count(kept, 'line')} on the disk")
        elif kept:
            log.notice(f"stopped: {count(kept, 'line')} stay on the disk, to be sent")
        else:
            self._tell_all_sent(self._sink, rest)

    def _tell_all_sent(self, sink: "Sink", rest: SpoolState) -> None:
        """Say that nothing is left to send, and what has not come to the database all the same."""
        lost = []
        if dropped := rest.dropped - self._dropped_before:
            lost.append(f"{count(dropped, 'line')} dropped")
        if parked := sink.dead_letter.parked:
            lost.append(f"{count(parked, 'line')} that it refused kept in dead-letter.lp")
        if rest.damaged:
            lost.append("damaged parts of the spool put aside")
        if lost:
            log.notice(f"stopped: nothing is left to send, but {', '.join(lost)}")
        elif sink.sender.last_success_ns is None:
            log.info("stopped: nothing was read")
        else:
            log.info("stopped: everything that was read is in the database")


def _open_spool(state_dir: str, overflow: str, config: AcquisitionConfig) -> Spool:
    folder = f"{state_dir}/spool"
    try:
        return Spool(folder, config.spool, overflow, keeps_all=config.sink.type == "local")
    except OSError as error:
        raise WorkerError(f"{folder} cannot be used: {describe_os_error(error)}") from None
