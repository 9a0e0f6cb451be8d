"""Metrics of an acquisition job, from its health.json. Nothing in there is trusted. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from sja_units.openmetrics import (
    Family,
    Figure,
    Labels,
    Sample,
    count_items,
    counter,
    find,
    gauge,
    read_figures,
    read_state,
    timestamp,
)

_PREFIX = "sja_acquisition"
_DEVICE_STATES = ("healthy", "error", "timeout", "disconnected")
_SINK_STATES = ("unknown", "healthy", "error", "refused", "local")
_DEVICE_STATE = Family(f"{_PREFIX}_device_state", "gauge", "How a device is.")
_SINK_STATE = Family(f"{_PREFIX}_sink_state", "gauge", "How the way to the database is.")
_FIGURES = (
    counter(f"{_PREFIX}_cycles", "Cycles since the worker started.", "cycles"),
    counter(f"{_PREFIX}_late_cycles", "Cycles that began late.", "late_cycles"),
    counter(f"{_PREFIX}_samples", "Values that were read.", "samples"),
    gauge(f"{_PREFIX}_spool_bytes", "Not sent yet.", "spool", "bytes", unit="bytes"),
    gauge(f"{_PREFIX}_spool_batches", "Batches not sent yet.", "spool", "batches"),
    timestamp(f"{_PREFIX}_spool_oldest", "Oldest value not sent yet.", "spool", "oldest"),
    counter(f"{_PREFIX}_spool_dropped_lines", "Lost, spool full.", "spool", "dropped"),
    counter(
        f"{_PREFIX}_spool_write_errors",
        "Times that the disk took nothing.",
        *("spool", "write_errors"),
    ),
    timestamp(
        f"{_PREFIX}_sink_last_success",
        "When the database last took values.",
        *("sink", "last_success"),
    ),
    counter(
        f"{_PREFIX}_sink_parked_lines",
        "Lines that the database refused.",
        *("sink", "parked"),
    ),
    Figure(
        Family(f"{_PREFIX}_sink_refused_fields", "gauge", "Fields refused in the last minutes."),
        ("sink", "refused"),
        count_items,
    ),
)
_DEVICE_FIGURES = (
    gauge(
        f"{_PREFIX}_device_consecutive_failures",
        "Failures of a device in a row.",
        "consecutive_failures",
    ),
    timestamp(f"{_PREFIX}_device_last_success", "When a device last answered.", "last_success"),
    Figure(
        Family(f"{_PREFIX}_device_bad_registers", "gauge", "Registers that a device refuses."),
        ("bad_registers",),
        count_items,
    ),
)
FAMILIES = (
    *(figure.family for figure in _FIGURES),
    *(_SINK_STATE, _DEVICE_STATE),
    *(figure.family for figure in _DEVICE_FIGURES),
)


def measure(labels: Labels, health: Mapping[str, Any]) -> Iterator[tuple[Family, Sample]]:
    """Yield what a job's health.json says."""
    yield from read_figures(labels, health, _FIGURES)
    yield from read_state(labels, _SINK_STATE, _SINK_STATES, find(health, ("sink", "state")))
    devices = health.get("devices")
    for name, device in devices.items() if isinstance(devices, dict) else ():
        named = {**labels, "device": name}
        yield from read_state(named, _DEVICE_STATE, _DEVICE_STATES, find(device, ("state",)))
        yield from read_figures(named, device, _DEVICE_FIGURES)
