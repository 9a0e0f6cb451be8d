"""`sjactl simulate`: a configuration's devices without the hardware."""

import shlex
import signal
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

import click

from sja_units.acquisition.config import Device
from sja_units.cli.params import ClientConfig, example
from sja_units.cli.target import read_path
from sja_units.errors import SjaError, UsageError
from sja_units.kinds import as_acquisition
from sja_units.text import count

if TYPE_CHECKING:
    from sja_units.acquisition.simulate.server import ModbusServer

_POLL_SECONDS = 0.1


class Endpoint(NamedTuple):
    """Devices that are reached through one connection, and the port that stands for it."""

    port: int
    devices: tuple[tuple[int, Device], ...]  # each with its number in the file, from 0


_EXAMPLE = example(
    "sjactl simulate line1.toml &",
    "sjactl probe line1.toml --set device.0.host=127.0.0.1 \\",
    "    --set device.0.port=1502",
)


@click.command("simulate", epilog=_EXAMPLE)
@click.argument("file", type=ClientConfig())
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=1502,
    show_default=True,
    help="Port of the first device; the next endpoint gets the next one.",
)
@click.option("--listen", metavar="ADDRESS", default="127.0.0.1", show_default=True)
def simulate_command(file: str, port: int, listen: str) -> int:
    """Serve the points of a configuration as Modbus/TCP devices, until Ctrl-C.

    Values move between 0 and 100, if the type can hold that, in the type and byte order of each
    point. So a configuration can be tried before there is any hardware.
    """
    settings = as_acquisition(read_path(file).file.settings)
    if settings is None:
        raise UsageError(f"{file} has no devices")
    endpoints = assign_ports(settings.devices, port)
    with ExitStack() as stack:
        servers = [stack.enter_context(_open(endpoint, listen)) for endpoint in endpoints]
        # Waited for, not handled: a handler that sets an event can come while that is locked.
        told = {signal.SIGTERM, signal.SIGINT}
        signal.pthread_sigmask(signal.SIG_BLOCK, told)
        for server in servers:
            threading.Thread(
                target=server.serve_forever, args=(_POLL_SECONDS,), daemon=True
            ).start()
            stack.callback(server.shutdown)
        for line in describe(endpoints, file, listen):
            click.echo(line, err=line.startswith(" "))
        signal.sigwait(told)
    return 0


def assign_ports(devices: Sequence[Device], first: int) -> list[Endpoint]:
    """Return the endpoints in the order of the file, with ports that follow each other."""
    found: dict[tuple[object, ...], list[tuple[int, Device]]] = {}
    for number, device in enumerate(devices):
        found.setdefault(tuple(device.endpoint.key), []).append((number, device))
    if first + len(found) > 65536:
        raise UsageError(f"--port {first} leaves too few ports for {count(len(found), 'endpoint')}")
    return [Endpoint(first + i, tuple(members)) for i, members in enumerate(found.values())]


def describe(endpoints: Sequence[Endpoint], file: str, listen: str) -> list[str]:
    """Return what listens where, a line each, and then how a configuration is pointed there."""
    lines, options, notes = [], [], []
    for endpoint in endpoints:
        for number, device in endpoint.devices:
            lines.append(
                f"{device.name} listens at {_format_place(listen, endpoint.port)}, "
                f"unit {device.unit_id}, "
                f"{count(len(device.points), 'point')}"
            )
            options += [f"--set device.{number}.host={listen}"]
            options += [f"--set device.{number}.port={endpoint.port}"]
            if device.endpoint.transport != "tcp":
                options.append(f"--set device.{number}.transport=tcp")
            if device.endpoint.serial or device.endpoint.tls:
                notes.append(f" {device.name}: its keys for {device.endpoint.transport} have to go")
    lines.append(" try it (`sjactl create` takes the same options); Ctrl-C ends it:")
    return [*lines, f"   sjactl probe {shlex.quote(file)} {' '.join(options)}", *notes]


def _format_place(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _open(endpoint: Endpoint, listen: str) -> "ModbusServer":
    from sja_units.acquisition.simulate.device import SimulatedUnit
    from sja_units.acquisition.simulate.server import ModbusServer

    numbers = {device.unit_id for _, device in endpoint.devices}
    units = {
        unit: SimulatedUnit(
            [p for _, device in endpoint.devices if device.unit_id == unit for p in device.points]
        )
        for unit in numbers
    }
    try:
        return ModbusServer(listen, endpoint.port, units)
    except OSError as error:
        raise SjaError(
            f"{listen}:{endpoint.port}: {error.strerror}",
            "choose another one with --port or --listen",
        ) from None
