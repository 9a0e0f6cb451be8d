"""What an acquisition job says of itself: figures, and one sentence. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sja_units.acquisition.influxdb.refusals import Refusal
from sja_units.acquisition.spool.writer import SpoolState
from sja_units.runtime.service import format_time
from sja_units.text import count


class DeviceState(NamedTuple):
    """How one device is."""

    name: str
    state: str  # healthy, error, timeout, disconnected
    last_success_ns: int | None
    consecutive_failures: int
    message: str
    bad_registers: list[str]
    busy: int


class SinkState(NamedTuple):
    """How the way to the database is."""

    state: str  # unknown, healthy, error (tried again), refused (a person has to act), local
    last_success_ns: int | None
    message: str
    parked: int  # lines
    refusals: Sequence[Refusal]  # recent ones


class Totals(NamedTuple):
    """What the job has done since it started."""

    cycles: int
    late_cycles: int
    samples: int
    cycle_seconds: float  # of the longest of the last cycles


def summarize(
    totals: Totals,
    devices: Sequence[DeviceState],
    spool: SpoolState,
    sink: SinkState,
    faults: Sequence[str],
    no_value: Mapping[str, str],
) -> dict[str, Any]:
    """Return the kind's own fields of health.json; `message` is the sentence for STATUS.

    faults: of the job as a whole. no_value: by DEVICE.POINT, why it had none when it was read last.
    """
    faults = [*faults, *_find_faults(devices, spool, sink)]
    healthy = sum(device.state == "healthy" for device in devices)
    sentence = f"{healthy}/{count(len(devices), 'device')} healthy"
    return {
        "ok": not faults,
        "message": " · ".join((sentence, *faults)),
        **totals._asdict(),
        "devices": {device.name: _describe_device(device) for device in devices},
        "no_value": dict(no_value),
        "spool": {
            "bytes": spool.bytes,
            "batches": spool.batches,
            "oldest": _time(spool.oldest_ns),
            "dropped": spool.dropped,
            "overflow": spool.overflow_lines,
            "write_errors": spool.write_errors,
        },
        "sink": {
            "state": sink.state,
            "last_success": _time(sink.last_success_ns),
            "message": sink.message,
            "parked": sink.parked,
            "refused": [refusal._asdict() for refusal in sink.refusals],
        },
    }


def is_news(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Tell whether more than figures has changed."""
    return not before or _keep_states(before) != _keep_states(after)


def _keep_states(fields: Mapping[str, Any]) -> list[object]:
    devices = fields["devices"].values()
    states = [(each["state"], each["message"], each["last_success"] is None) for each in devices]
    bad_registers = [each["bad_registers"] for each in devices]
    sink = fields["sink"]
    has_sent = sink["last_success"] is not None
    return [fields["message"], fields["no_value"], states, bad_registers, sink["state"], has_sent]


def _find_faults(devices: Sequence[DeviceState], spool: SpoolState, sink: SinkState) -> list[str]:
    faults = []
    for device in devices:
        if device.state != "healthy":
            faults.append(f"{device.name}: {device.message}")
        elif device.bad_registers:
            faults.append(f"{device.name}: {count(len(device.bad_registers), 'bad register')}")
    if sink.state in ("error", "refused"):
        faults.append(f"database: {sink.message}, {count(spool.lines, 'line')} kept")
    if sink.refusals:
        faults.append(f"database: {describe_refusals(sink.refusals)}")
    if spool.fault:
        waiting = f"{count(spool.overflow_lines, 'line')} waiting"
        if spool.volatile_lines:
            waiting += f", {spool.volatile_lines:,} of them in memory only"
        faults.append(f"spool: cannot write to disk: {spool.fault}, {waiting}")
    if spool.is_dropping:
        faults.append(f"spool: full, {count(spool.dropped, 'line')} dropped")
    return faults


def describe_refusals(refusals: Sequence[Refusal]) -> str:
    """Return what the database refuses, in a few words."""
    first = refusals[0]
    what = first.field or "lines"
    what += f" of {first.measurement}" if first.measurement else ""
    more = f" and {len(refusals) - 1} more" if len(refusals) > 1 else ""
    return f"refuses {what}{more}: {first.reason}"


def _describe_device(device: DeviceState) -> dict[str, Any]:
    return {
        "state": device.state,
        "last_success": _time(device.last_success_ns),
        "consecutive_failures": device.consecutive_failures,
        "message": device.message,
        "bad_registers": device.bad_registers,
        "busy": device.busy,
    }


def _time(ns: int | None) -> str | None:
    return None if ns is None else format_time(ns / 1e9)
