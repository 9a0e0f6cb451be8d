"""One thread an endpoint: its devices in turn, on a fixed grid of the monotonic clock."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from threading import Event
from typing import NamedTuple

from sja_units.acquisition.backoff import BackOff
from sja_units.acquisition.config import Device
from sja_units.acquisition.modbus.connect import open_link
from sja_units.acquisition.modbus.link import LinkError
from sja_units.acquisition.poll.device import Answer, DeviceReader
from sja_units.acquisition.worker_thread import WorkerThread
from sja_units.text import lookup_seconds

INBOX_READINGS = 20_000


class Reading(NamedTuple):
    """What a device answered in one cycle."""

    device: Device
    answers: tuple[Answer, ...]


class Inbox:
    """What was read and not yet written, from the pollers to the main thread."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._readings: deque[Reading] = deque(maxlen=INBOX_READINGS)
        self._wake = wake
        self._dropped = 0
        self._dropped_told = 0

    def __len__(self) -> int:
        return len(self._readings)

    def put(self, reading: Reading) -> None:
        if len(self._readings) == INBOX_READINGS:
            self._dropped += 1
        self._readings.append(reading)
        self._wake()

    def take(self) -> list[Reading]:
        """Return all that has come since the last time, oldest first."""
        return [self._readings.popleft() for _ in range(len(self._readings))]

    def take_dropped(self) -> int:
        """Return how many readings had no room since the last time."""
        dropped = self._dropped - self._dropped_told
        self._dropped_told += dropped
        return dropped


class Poller(WorkerThread):
    """Polls the devices of one endpoint."""

    def __init__(
        self, devices: Sequence[Device], interval: float, start: float, inbox: Inbox
    ) -> None:
        """start: the moment of the monotonic clock at which the grid begins."""
        first = devices[0]
        super().__init__(f"poll {first.endpoint}")
        self._lookup_seconds = lookup_seconds(first.endpoint.host)
        self.readers = [DeviceReader(device, self._allow) for device in devices]
        self.cycles = 0
        self.late_cycles = 0
        self._interval = interval
        self._start = start
        self._inbox = inbox
        self._link = open_link(first.endpoint)
        self._back_off = BackOff()
        self._ordered_to_stop = Event()

    def stop(self) -> None:
        """Ask the thread to end after the request that is under way."""
        for reader in self.readers:
            reader.stopping = True
        self._ordered_to_stop.set()

    def _allow(self, seconds: float) -> None:
        self.due_within(seconds + self._lookup_seconds)

    def work(self) -> None:
        tick = 0
        while not self._ordered_to_stop.is_set():
            if self._back_off.is_due():
                self._poll()
            self.cycles += 1
            elapsed = time.monotonic() - self._start
            following = max(tick, int(elapsed / self._interval)) + 1
            self.late_cycles += following - tick - 1
            tick = following
            wait = self._start + tick * self._interval - time.monotonic()
            self.due_within(wait)
            self._ordered_to_stop.wait(wait)
        self._link.close()

    def _poll(self) -> None:
        late = self._find_late()
        for i, reader in enumerate(self.readers):
            if self._ordered_to_stop.is_set():
                return
            if not reader.is_due() or reader.device.unit_id in late:
                continue
            try:
                answers = reader.read(self._link)
            except LinkError as fault:
                self._back_off.fail()
                for other in self.readers[i + 1 :]:
                    other.note_endpoint_lost(fault)
                return
            if answers:
                self._inbox.put(Reading(reader.device, tuple(answers)))
        self._back_off.reset()

    def _find_late(self) -> set[int]:
        """Return the units whose old answer may still come: to wait would cost the others time."""
        units = {reader.device.unit_id for reader in self.readers}
        now = time.monotonic()
        return {unit for unit in units if self._link.drained_at(unit) > now and len(units) > 1}


def make_pollers(devices: Sequence[Device], interval: float, inbox: Inbox) -> list[Poller]:
    """Return one poller an endpoint, all on one grid."""
    endpoints: dict[tuple[str, str, int], list[Device]] = {}
    for device in devices:
        endpoints.setdefault(device.endpoint.key, []).append(device)
    start = time.monotonic()
    return [Poller(group, interval, start, inbox) for group in endpoints.values()]
