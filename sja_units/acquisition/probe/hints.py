"""What a person can do about what a probe has found. Pure."""

from collections.abc import Sequence

from sja_units.acquisition.probe.client import NO_TIME
from sja_units.acquisition.probe.devices import Report


def hint(report: Report, holders: Sequence[str]) -> str:
    """Return what to look at, "" where nothing is wrong.

    holders: jobs that run and have a connection to the same endpoint.
    """
    fault, device = report.fault, report.device
    if fault is None or report.habit or report.is_silent_in_part:
        return _hint_answering(report)
    if str(fault) == NO_TIME:
        return "it is too slow, or has too many points that it refuses"
    names = " and ".join(holders)
    if names and fault.state in ("disconnected", "timeout"):
        return (
            f"{names} runs and keeps a connection to it, and many a device allows only one: "
            f"sjactl stop {' '.join(holders)}, try again, and start it anew"
        )
    if fault.at_connect and device.endpoint.transport in ("rtu", "ascii", "tls"):
        return ""  # the fault says it all
    if device.endpoint.tty and fault.state in ("timeout", "error"):
        return (
            f"are unit_id = {device.unit_id}, baudrate, parity and stopbits right, are A and B "
            "exchanged, is the line terminated?"
        )
    if fault.at_connect:
        return (
            "is it on, are host and port right, does a firewall stand between? Some devices "
            "allow only one connection: does another program hold it?"
        )
    if fault.state == "disconnected":
        return "does another program hold its only connection?"
    if fault.state == "timeout":
        return f"it takes the connection: is unit_id = {device.unit_id} right?"
    return f"is it a Modbus device, and is transport = {device.endpoint.transport!r} right?"


def _hint_answering(report: Report) -> str:
    """Return what to look at where the device answers."""
    if report.habit:
        return report.habit
    if report.is_silent_in_part:
        return (
            "it answers, but is silent where a request reaches registers that it lacks: "
            "max_gap = 0 would help, or a smaller max_registers"
        )
    refused = [found for found in report.found if found.fault]
    if not refused:
        return ""
    name = f"{report.device.name}.{refused[0].point.name}"
    if all("illegal function" in found.fault for found in refused):
        return "the device has no such table: try holding instead of input, or the other way round"
    return (
        "an address counts from zero: a manual's 40101 is reference = 40101 or address = 100; "
        f"--point {name} shows what stands near by"
    )
