"""What people should know and do about an acquisition job, from its health.json. Pure.

Nothing in there is trusted.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from sja_units.acquisition.influxdb.refusal import parse_types
from sja_units.acquisition.influxdb.refusals import Refusal

_MOST = 5


def list_refusals(health: Mapping[str, Any]) -> list[Refusal]:
    """Return what the database has refused of late."""
    sink = health.get("sink")
    listed = sink.get("refused") if isinstance(sink, dict) else None
    found = []
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, dict):
            words = [entry.get(key) for key in Refusal._fields]
            found.append(Refusal(*(word if isinstance(word, str) else "" for word in words)))
    return found


def list_problems(health: Mapping[str, Any]) -> Iterator[str]:
    """Yield what `sjactl check` finds though the job runs."""
    refusals = list_refusals(health)
    for refusal in refusals[:_MOST]:
        yield f"its database refuses {_name(refusal)}: {refusal.reason}"
    if len(refusals) > _MOST:
        yield f"its database refuses {len(refusals) - _MOST} more fields"


def list_remedies(job: str, health: Mapping[str, Any]) -> Iterator[str]:
    """Yield sentences on what is refused, and what to do about it."""
    refusals = list_refusals(health)
    if not refusals:
        return
    for refusal in refusals[:_MOST]:
        yield f"The database refuses {_name(refusal)}: {refusal.reason}. {_find_remedy(refusal)}"
    if len(refusals) > _MOST:
        yield f"It refuses {len(refusals) - _MOST} more."
    yield (
        "All other values are written; those that were refused are kept: "
        f"`sjactl data {job} --refused` shows them, and once this is mended "
        f"`sjactl resend {job}` brings them in."
    )


def _name(refusal: Refusal) -> str:
    what = refusal.field or "lines"
    return f"{what} of {refusal.measurement}" if refusal.measurement else what


def _find_remedy(refusal: Refusal) -> str:
    if types := parse_types(refusal.reason):
        return (
            f"It holds that field as {types.known}, and this job sends {types.sent}: give the "
            "point another name, or its device another measurement, or send the type that the "
            f"database has (scale, offset, precision, write_as), or drop the field there."
        )
    if "invalid number" in refusal.reason:
        return (
            'InfluxDB 1.x takes no unsigned integers: write_as = "integer" or "float" '
            'instead of "unsigned".'
        )
    if "retention" in refusal.reason:
        return "It is older than what the database keeps."
    return ""
