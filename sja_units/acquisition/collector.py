"""From what the pollers have read to lines on the disk, each with the time of its read."""

import time
from collections.abc import Callable, Iterator

from sja_units.acquisition.config import AcquisitionConfig
from sja_units.acquisition.influxdb.encoder import LineEncoder, Lines
from sja_units.acquisition.last_cycle import LastCycle
from sja_units.acquisition.poll.inbox import Inbox, Reading
from sja_units.acquisition.spool.writer import Spool
from sja_units.acquisition.timestamps import ClockStepDetector, is_plausible
from sja_units.runtime import log

_SHARED_SYNC_SECONDS = 0.02
_SLICE_SAMPLES = 10_000  # that are put on the disk at once: about 1 MiB


class Collector:
    """Takes what has come, in the main thread."""

    def __init__(
        self,
        config: AcquisitionConfig,
        inbox: Inbox,
        spool: Spool,
        last_cycle: LastCycle,
        on_progress: Callable[[], None],
    ) -> None:
        """on_progress: called after each part of what has come, as it may be much."""
        self._inbox = inbox
        self._spool = spool
        self._last_cycle = last_cycle
        self._on_progress = on_progress
        self._encoders = {
            device.name: LineEncoder(device, config.sink.layout, config.interval)
            for device in config.devices
        }
        several = len({device.endpoint.key for device in config.devices}) > 1
        self._spacing = _SHARED_SYNC_SECONDS if several else 0.0
        self._clock_steps = ClockStepDetector()
        self.clock_is_set = True
        self.due = 0.0  # when to collect again, by the monotonic clock; 0: as soon as there is news
        self.samples = 0
        self.no_value: dict[str, str] = {}  # by DEVICE.POINT: why it had none when it was read last
        self.last_success: dict[str, int] = {}  # by device: the time of its last values, in ns

    def collect(self) -> None:
        """Put on the disk what has come, with one sync for all of it."""
        self.clock_is_set = is_plausible(time.time_ns())
        if not self.clock_is_set:
            return  # what was read waits, and gets its time once there is one
        if lost := self._inbox.take_dropped():
            self._spool.count_dropped(lost, "too much has come while the disk was slow")
        offset_ns = time.time_ns() - time.monotonic_ns()
        if step := self._clock_steps.note(offset_ns):
            log.warning(step)
        for lines, oldest in self._make_slices(offset_ns):
            self._put(lines, oldest)
            self._on_progress()

    def _make_slices(self, offset_ns: int) -> Iterator[tuple[list[str], int]]:
        """Yield the lines of what has come, with their oldest time; at least once, be it none.

        What waited for the clock would be too much for the memory as a whole.
        """
        lines: list[str] = []
        oldest = samples = 0
        for reading in self._inbox.take():
            if samples >= _SLICE_SAMPLES:
                yield lines, oldest
                lines, oldest, samples = [], 0, 0
            made = self._record(reading, offset_ns)
            lines += made.lines
            samples += made.samples
            oldest = min(oldest or made.time_ns, made.time_ns)
        yield lines, oldest

    def _record(self, reading: Reading, offset_ns: int) -> Lines:
        name = reading.device.name
        made = self._encoders[name].make_lines(reading.answers, offset_ns)
        for point, why in made.no_value:
            if why:
                self.no_value[f"{name}.{point}"] = why
            else:
                self.no_value.pop(f"{name}.{point}", None)
        self.samples += made.samples
        self.last_success[name] = made.time_ns
        self._last_cycle.note(name, reading.answers, made.lines, made.time_ns, offset_ns)
        return made

    def _put(self, lines: list[str], oldest: int) -> None:
        began = time.monotonic()
        if lines:
            self._spool.put(("\n".join(lines) + "\n").encode(), len(lines), oldest)
        else:
            self._spool.flush()
        # Endpoints answer at about the same time: they share a sync, the more so on a slow disk.
        now = time.monotonic()
        self.due = now + max(self._spacing, now - began) if lines else 0.0
