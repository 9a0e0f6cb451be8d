"""The devices of an acquisition job in `sjactl status`: how each is, what it reads, how fast."""

from collections.abc import Iterator

from sja_units.actions.last_cycle import LastCycle, LastValue, read_last_cycle
from sja_units.cli.output import format as render
from sja_units.cli.output.samples import show_value
from sja_units.errors import SjaError
from sja_units.jobs.snapshot import JobStatus
from sja_units.text import count

_MOST_DEVICES = 20
_MOST_VALUES = 4


def describe_devices(status: JobStatus) -> Iterator[str]:
    """Yield a line for each device of a job that runs."""
    devices = status.health.get("devices")
    if not isinstance(devices, dict):
        return
    try:
        last = read_last_cycle(status.job)
    except (SjaError, OSError):
        last = LastCycle(0.0, [])  # nothing was read yet, or it is not for who asks
    for name, device in list(devices.items())[:_MOST_DEVICES]:
        state = device.get("state") if isinstance(device, dict) else None
        own = [value for value in last.values if value.device == name and value.value is not None]
        yield render.clean(f"{name}: {state or 'unknown'}{_describe(own, last.interval)}")
    if len(devices) > _MOST_DEVICES:
        yield f"and {count(len(devices) - _MOST_DEVICES, 'more device')}"


def _describe(values: list[LastValue], interval: float) -> str:
    if not values:
        return ""
    rate = f", {len(values) / interval:,.4g} values/s" if interval > 0 else ""
    shown = ", ".join(
        f"{value.point} {show_value(value.value)} {value.unit}".rstrip()
        for value in values[:_MOST_VALUES]
        if value.value is not None
    )
    more = f" and {len(values) - _MOST_VALUES:,} more" if len(values) > _MOST_VALUES else ""
    return f"{rate}: {shown}{more}"
