"""One point from all sides: each type and byte order, and the addresses near by."""

import time
from typing import Any, NamedTuple

from sja_units.acquisition.config import AcquisitionConfig, Device
from sja_units.acquisition.guess import Meaning, gather, list_addresses, list_meanings, list_places
from sja_units.acquisition.modbus import LinkFault
from sja_units.acquisition.points import BYTE_ORDERS, Point
from sja_units.acquisition.trial import Asker, Found, open_link, read_point, read_singly, try_once
from sja_units.cli.probe_text import name_place, show_value, show_words, tabulate
from sja_units.errors import UsageFault


class Study(NamedTuple):
    """All that was read for one point."""

    found: Found  # as configured, in one request
    words: dict[tuple[str, int], int]
    faults: dict[tuple[str, int], str]


def find_point(settings: AcquisitionConfig, words: str) -> tuple[Device, Point]:
    """Return the point called DEVICE.POINT or POINT. Raises UsageFault unless it is just one."""
    pairs = [(device, point) for device in settings.devices for point in device.points]
    found = [(d, p) for d, p in pairs if words in (f"{d.name}.{p.name}", p.name)]
    if len(found) == 1:
        return found[0]
    if found:
        names = " or ".join(f"{d.name}.{p.name}" for d, p in found)
        raise UsageFault(f"{words!r} may be {names}: say which")
    from difflib import get_close_matches

    names = [f"{d.name}.{p.name}" for d, p in pairs] + [p.name for _, p in pairs]
    close = get_close_matches(words, names, n=1)
    raise UsageFault(f"there is no point {words!r}", f"did you mean {close[0]}?" if close else "")
