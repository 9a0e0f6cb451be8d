"""Questions to one device for a person: within a time, once more where no answer can be trusted."""

import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sja_units.acquisition.config import Device
from sja_units.acquisition.modbus.link import (
    ExceptionResponse,
    Link,
    LinkError,
    Request,
    make_request,
)
from sja_units.acquisition.points.decode import Value, make_decoder
from sja_units.acquisition.points.point import Point, list_scale_points
from sja_units.acquisition.points.scaling import make_scaled_decoder, read_scale
from sja_units.acquisition.points.types import RegisterTable
from sja_units.acquisition.poll.device import DIVIDING, UNREACHABLE

PACE_SECONDS = 0.05
NO_TIME = "not asked: the time was over"


class Found(NamedTuple):
    """What one point holds."""

    point: Point
    words: tuple[int, ...]  # its registers, or its one bit; () where it was not read
    value: Value | None
    fault: str  # why it was not read


class ProbeClient:
    """Asks one device through a link, within a time for everything together."""

    def __init__(self, device: Device, link: Link, deadline: float) -> None:
        self._device = device
        self._link = link
        self._deadline = deadline
        self.first_seconds: float | None = None
        self.request_seconds: float | None = None

    def ask(self, table: RegisterTable, address: int, count: int) -> bytes:
        """Return the data of a request, asked once more where no answer can be trusted.

        Raises ExceptionResponse, and LinkError where the repeat failed, too.
        """
        request = make_request(table, address, count)
        is_first = True
        while True:
            try:
                return self._ask_once(request)
            except ExceptionResponse as response:
                if response.code in DIVIDING or not is_first:
                    raise
                time.sleep(PACE_SECONDS)  # it speaks of how the device is, not of what was asked
            except LinkError as error:
                is_deaf = error.state == "timeout" and self._link.may_be_deaf()
                if error.at_connect or not (is_first or is_deaf):
                    raise
                if self._link.drained_at(self._device.unit_id) >= self._deadline:
                    raise
            is_first = False

    def _ask_once(self, request: Request) -> bytes:
        began = time.monotonic()
        left = self._deadline - began
        if left <= 0:
            raise LinkError("timeout", NO_TIME)
        timeout = min(self._device.timeout, left)
        try:
            data = self._link.read(self._device.unit_id, request, timeout)
        except ExceptionResponse as refusal:
            if refusal.code in UNREACHABLE:
                raise LinkError("timeout", str(refusal)) from None
            self._note(time.monotonic() - began)
            raise
        self._note(time.monotonic() - began)
        return data

    def _note(self, seconds: float) -> None:
        if self.first_seconds is None:
            self.first_seconds = seconds
        else:
            self.request_seconds = min(seconds, self.request_seconds or seconds)


def try_point(client: ProbeClient, point: Point) -> Found:
    """Return what a point holds, read by itself as a job would read it. Raises LinkError."""
    try:
        found = read_point(point, client.ask(point.table, point.address, point.size), 0)
        if point.scale_register is None:
            return found
        scales = [
            read_point(each, client.ask(each.table, each.address, 1), 0)
            for each in list_scale_points([point])
        ]
    except ExceptionResponse as refusal:
        return Found(point, (), None, str(refusal))
    return apply_scales([found, *scales])[0]


def apply_scales(found: Sequence[Found]) -> list[Found]:
    """Return what points hold, by the scales that stand in registers of the same device."""
    scales = {
        (each.point.table, each.point.address): read_scale(to_bytes(each.words), 0)
        for each in found
        if each.point.write_as == "nothing" and each.words
    }
    return [_rescale(each, scales) for each in found]


def _rescale(found: Found, scales: Mapping[tuple[RegisterTable, int], int | None]) -> Found:
    point = found.point
    if point.scale_register is None or not found.words:
        return found
    power = scales.get((point.table, point.scale_register))
    decode = make_scaled_decoder(point, lambda: power)
    return found._replace(value=decode(to_bytes(found.words), 0))


def to_bytes(words: Sequence[int]) -> bytes:
    """Return registers as they were sent."""
    return b"".join(word.to_bytes(2, "big") for word in words)


def read_point(point: Point, data: bytes, distance: int) -> Found:
    """Return what a point holds, out of the data of a block that begins `distance` before it."""
    if point.is_bits:
        words: tuple[int, ...] = (data[distance >> 3] >> (distance & 7) & 1,)
    else:
        places = range(distance * 2, (distance + point.size) * 2, 2)
        words = tuple(int.from_bytes(data[i : i + 2], "big") for i in places)
    return Found(point, words, make_decoder(point)(data, distance), "")


def read_singly(
    client: ProbeClient, addresses: Sequence[tuple[RegisterTable, int]]
) -> tuple[dict[tuple[RegisterTable, int], int], dict[tuple[RegisterTable, int], str]]:
    """Return what registers or bits hold, and why others could not be read; all by their place.

    One request for each, with a pause after it: some devices do not take more than that well.
    """
    words: dict[tuple[RegisterTable, int], int] = {}
    faults: dict[tuple[RegisterTable, int], str] = {}
    for place in addresses:
        try:
            data = client.ask(*place, 1)
        except (ExceptionResponse, LinkError) as fault:
            faults[place] = str(fault)
            if isinstance(fault, LinkError) and fault.at_connect:
                break
        else:
            words[place] = data[0] & 1 if len(data) == 1 else int.from_bytes(data, "big")
        time.sleep(PACE_SECONDS)
    return words, faults
