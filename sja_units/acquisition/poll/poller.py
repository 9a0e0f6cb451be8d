"""The cycles of one endpoint: its devices in turn, on a fixed grid of the monotonic clock."""

import time
from collections.abc import Sequence

from sja_units.acquisition.backoff import BackOff
from sja_units.acquisition.config import Device, find_pacing
from sja_units.acquisition.modbus.connect import open_link
from sja_units.acquisition.modbus.link import LinkError
from sja_units.acquisition.modbus.steps import Steps, Wait
from sja_units.acquisition.poll.device import DeviceReader
from sja_units.acquisition.poll.inbox import Inbox, Reading
from sja_units.acquisition.poll.punctuality import Punctuality

_DEAD_SHARE = 9


class Poller:
    """Polls the devices of one endpoint; others only look at its public fields."""

    def __init__(
        self, devices: Sequence[Device], interval: float, start: float, inbox: Inbox
    ) -> None:
        """start: the moment of the monotonic clock at which the grid begins."""
        self.endpoint = devices[0].endpoint
        self._is_shared = len(devices) > 1
        self.readers = [DeviceReader(device, is_shared=self._is_shared) for device in devices]
        self.cycles = 0
        self.late_cycles = 0
        self.punctuality = Punctuality(interval)
        self._interval = interval
        self._start = start
        self._inbox = inbox
        self._link = open_link(self.endpoint, find_pacing(devices))
        self._closes = any(device.close_after_cycle for device in devices)
        self._back_off = BackOff()
        self._asked: list[DeviceReader] = []  # in this cycle
        self._dead: list[DeviceReader] = []  # in the order in which they are asked
        self._dead_at = 0.0  # when the next of them may be asked
        self._next_moment = start  # of the grid
        self._is_stopping = False

    def stop(self) -> None:
        """Have it end after the request that is under way."""
        self._is_stopping = True
        for reader in self.readers:
            reader.stopping = True

    def describe_lateness(self) -> str:
        """Return what there is to say where the interval is not kept, and what may help, or ""."""
        late = self.punctuality.describe()
        if not late:
            return ""
        habit = self._link.habits.describe()
        return f"{self.readers[0].device.name}: {late}" + (f"; {habit}" if habit else "")

    def run(self) -> Steps[None]:
        """Poll until told to stop."""
        tick = 0
        while not self._is_stopping:
            began = time.monotonic()
            self._next_moment = self._start + (tick + 1) * self._interval
            if self._back_off.is_due():
                yield from self._poll()
            if self._closes:
                self._link.close()
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
        try:
            for reader in self._list_living():
                yield from self._read(reader)
            yield from self._read_new()
            yield from self._read_dead()
        except LinkError as error:
            self._back_off.fail()
            for reader in self.readers:
                if reader not in self._asked:
                    reader.note_endpoint_lost(error)
        else:
            self._back_off.reset()
        finally:
            self._asked.clear()

    def _list_living(self) -> list[DeviceReader]:
        """Return the devices that come first: all but those of a shared endpoint that are silent.

        Of a device that is new nobody knows yet.
        """
        if not self._is_shared:
            return self.readers
        return [r for r in self.readers if r.state.has_answered and not r.state.is_silent]

    def _read_new(self) -> Steps[None]:
        """Read devices for the first time: as many as there is time for, but at least one."""
        if not self._is_shared:
            return
        for reader in self.readers:
            if not reader.state.has_answered and not reader.state.is_silent:
                yield from self._read(reader)
                if time.monotonic() >= self._next_moment:
                    return

    def _read_dead(self) -> Steps[None]:
        """Ask one of the silent devices, whose turn it is; after an answer the next one as well.

        Together they cost the living a tenth of the time at most.
        """
        dead = [reader for reader in self._dead if reader.state.is_silent]
        dead += [r for r in self.readers if r.state.is_silent and r not in dead]
        self._dead = dead
        if not self._is_shared or (time.monotonic() < self._dead_at and self._list_living()):
            return
        for reader in [each for each in dead if each.state.is_due()]:
            dead.remove(reader)
            dead.append(reader)
            began = time.monotonic()
            yield from self._read(reader)
            if reader.state.is_silent:
                now = time.monotonic()
                self._dead_at = now + _DEAD_SHARE * (now - began)
                return

    def _read(self, reader: DeviceReader) -> Steps[None]:
        """Read a device, unless it is not to be asked now. Raises LinkError if nobody can be."""
        if self._is_stopping or not reader.state.is_due() or self._is_late(reader):
            return
        self._asked.append(reader)
        answers = yield from reader.read(self._link)
        if answers:
            self._inbox.put(Reading(reader.device, tuple(answers)))

    def _is_late(self, reader: DeviceReader) -> bool:
        """Tell whether an old answer may still come: to wait for it would cost the others time."""
        units = {each.device.unit_id for each in self.readers}
        return len(units) > 1 and self._link.drained_at(reader.device.unit_id) > time.monotonic()


def make_pollers(devices: Sequence[Device], interval: float, inbox: Inbox) -> list[Poller]:
    """Return one poller an endpoint, all on one grid."""
    endpoints: dict[tuple[str, str, int], list[Device]] = {}
    for device in devices:
        endpoints.setdefault(device.endpoint.key, []).append(device)
    start = time.monotonic()
    return [Poller(group, interval, start, inbox) for group in endpoints.values()]
