"""A clock that runs while the machine runs, from one boot to the next: the age of what is kept.

No step of the wall clock moves it. Within one boot it follows CLOCK_BOOTTIME, whether a worker runs
or not; what a machine was off, and the time from its boot to the worker's first start, do not count
(in a container CLOCK_BOOTTIME is the host's, which may have run for months).
"""

import re
import time
import zlib
from contextlib import suppress

from sja_units.fs.atomic import replace_file
from sja_units.fs.safe_open import read_regular

_FILE = re.compile(rb"(sja-clock (-?\d{1,12})) ([0-9a-f]{8})\n")


class RunningClock:
    """Counts seconds."""

    def __init__(self, path: str, reached: int) -> None:
        """path: a file that lasts for one boot, "" for none.

        reached: what the clock had come to when that was last put on the disk.
        """
        offset = _read_offset(path) if path else None
        # Not behind what is on the disk: else what is there would seem to come from the future.
        behind = reached - _boottime()
        self._offset = behind if offset is None else max(offset, behind)
        if path and self._offset != offset:
            text = b"sja-clock %d" % self._offset
            with suppress(OSError):
                replace_file(path, b"%b %08x\n" % (text, zlib.crc32(text)), sync=False)

    def now(self) -> int:
        return _boottime() + self._offset


def _boottime() -> int:
    return int(time.clock_gettime(time.CLOCK_BOOTTIME))


def _read_offset(path: str) -> int | None:
    try:
        match = _FILE.fullmatch(read_regular(path, 100))
    except OSError:
        return None
    return int(match[2]) if match and zlib.crc32(match[1]) == int(match[3], 16) else None
