"""How people are told, and what did not get through to them."""

from collections import Counter

from sja_units.alerts.record import Channel
from sja_units.alerts.store import read_records, read_transient
from sja_units.config.host import Alert, read_host_config


def list_channels(alert: Alert) -> tuple[Channel, ...]:
    """Return how people are told."""
    channels: list[Channel] = []
    if alert.command:
        channels.append("command")
    if alert.webhook:
        channels.append("webhook")
    return tuple(channels)


def count_undelivered() -> dict[str, int]:
    """Return how many events each channel, the heartbeat included, failed to deliver so far.

    Raises ConfigError, PermissionError.
    """
    alert = read_host_config().alert
    if alert is None:
        return {}
    boxes = [record.outbox for record in read_records().values()]
    tried = Counter(channel for box in boxes for channel, each in box.items() if each.tries)
    found: dict[str, int] = {channel: tried[channel] for channel in list_channels(alert)}
    return found | (
        {"heartbeat": int(bool(read_transient().beat_fault))} if alert.heartbeat else {}
    )
