"""What the database has refused of late, for health. Pure."""

import time
from typing import NamedTuple

from sja_units.acquisition.influxdb.fields import split_line

RECENT_SECONDS = 600.0
_MOST = 100
_NAMED_FIELDS = 3


class Refusal(NamedTuple):
    """What is refused, and why."""

    measurement: str
    field: str  # "" where it is the whole line
    reason: str


class RecentRefusals:
    """Remembers each refusal for RECENT_SECONDS; the sink's thread adds, others list."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], tuple[float, Refusal]] = {}

    def add(self, line: bytes, reason: str) -> None:
        parts = split_line(line)
        fields = [key.field for key in parts.keys] if parts else []
        measurement = parts.measurement if parts else ""
        now = time.monotonic()
        seen = dict(self._seen)
        for field in fields if 0 < len(fields) <= _NAMED_FIELDS else ("",):
            seen[measurement, field] = (now, Refusal(measurement, field, reason))
        # Replaced and never changed: another thread may be listing it.
        self._seen = dict(sorted(seen.items(), key=lambda item: item[1], reverse=True)[:_MOST])

    def list(self) -> list[Refusal]:
        """Return what is recent, the newest first."""
        since = time.monotonic() - RECENT_SECONDS
        return [refusal for at, refusal in self._seen.values() if at >= since]

    def clear(self) -> None:
        self._seen = {}
