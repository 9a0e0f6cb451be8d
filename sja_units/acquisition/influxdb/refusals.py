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
        self._seen: dict[Refusal, float] = {}

    def add(self, line: bytes, reason: str) -> None:
        parts = split_line(line)
        names = [key.field for key in parts.keys] if parts else []
        refusal = Refusal(
            parts.measurement if parts else "",
            ", ".join(names) if len(names) <= _NAMED_FIELDS else "",
            reason,
        )
        seen = {**self._seen, refusal: time.monotonic()}
        # Replaced and never changed: another thread may be listing it.
        self._seen = dict(sorted(seen.items(), key=lambda item: -item[1])[:_MOST])

    def list(self) -> list[Refusal]:
        """Return what is recent, the newest first."""
        since = time.monotonic() - RECENT_SECONDS
        return [refusal for refusal, at in self._seen.items() if at >= since]

    def clear(self) -> None:
        self._seen = {}
