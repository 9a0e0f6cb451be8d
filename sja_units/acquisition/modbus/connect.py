"""The link to a device, over whatever its transport is."""

from sja_units.acquisition.config import Device
from sja_units.acquisition.modbus.channel import Channel
from sja_units.acquisition.modbus.endpoint import Way
from sja_units.acquisition.modbus.link import Link
from sja_units.acquisition.modbus.tcp import Network


def open_link(device: Device) -> Link:
    """Return the link to a device; the connection opens with the first request."""
    return Link(device.way.transport, make_channel(device.way))


def make_channel(way: Way) -> Channel:
    # A worker imports only what its devices need.
    if way.mode:
        from sja_units.acquisition.modbus.serial_line import SerialLine

        return SerialLine(way.tty, way.mode)
    if way.tls:
        from sja_units.acquisition.modbus.tls import TlsNetwork

        return TlsNetwork(way.host, way.port, way.tls)
    return Network(way.host, way.port, is_datagram=way.transport == "udp")
