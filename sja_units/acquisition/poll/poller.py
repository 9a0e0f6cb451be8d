"""The cycles of one endpoint: its devices in turn, on a fixed grid of the monotonic clock."""

import time
from collections.abc import Sequence

from sja_units.acquisition.backoff import BackOff
from sja_units.acquisition.config import Device
from sja_units.acquisition.modbus.connect import open_link
from sja_units.acquisition.modbus.link import LinkError
from sja_units.acquisition.modbus.steps import Steps, Wait
from sja_units.acquisition.poll.device import DeviceReader
from sja_units.acquisition.poll.inbox import Inbox, Reading
from sja_units.acquisition.poll.punctuality import Punctuality


class Poller:
    """Polls the devices of one endpoint; others only look at its public fields."""

    def __init__(
        self, devices: Sequence[Device], interval: float, start: float, inbox: Inbox
    ) -> None:
        """start: the moment of the monotonic clock at which the grid begins."""
        self.endpoint = devices[0].endpoint
        self.readers = [DeviceReader(device) for device in devices]
        self.cycles = 0
        self.late_cycles = 0
        self.punctuality = Punctuality(interval)
        self._interval = interval
        self._start = start
        self._inbox = inbox
        self._link = open_link(self.endpoint)
        self._back_off = BackOff()
        self._is_stopping = False

    def stop(self) -> None:
        """Have it end after the request that is under way."""
        self._is_stopping = True
        for reader in self.readers:
            reader.stopping = True

    def run(self) -> Steps[None]:
        """Poll until told to stop."""
        tick = 0
        while not self._is_stopping:
            began = time.monotonic()
            if self._back_off.is_due():
                yield from self._poll()
            self.cycles += 1
            now = time.monotonic()
            following = max(tick, int((now - self._start) / self._interval)) + 1
            missed = following - tick - 1
            self.late_cycles += missed
            self.punctuality.note(now, now - began, missed)
            tick = following
            moment = self._start + tick * self._interval
            while not self._is_stopping and time.monotonic() < moment:
                yield Wait(moment)
        self._link.close()

    def _poll(self) -> Steps[None]:
        late = self._find_late()
        for i, reader in enumerate(self.readers):
            if self._is_stopping:
                return
            if not reader.is_due() or reader.device.unit_id in late:
                continue
            try:
                answers = yield from reader.read(self._link)
            except LinkError as error:
                self._back_off.fail()
                for other in self.readers[i + 1 :]:
                    other.note_endpoint_lost(error)
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
