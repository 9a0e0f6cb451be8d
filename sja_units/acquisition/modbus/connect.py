"""The link to an endpoint, over whatever its transport is."""

from sja_units.acquisition.modbus.channel import Channel
from sja_units.acquisition.modbus.endpoint import NO_PACING, Endpoint, Pacing
from sja_units.acquisition.modbus.link import Link
from sja_units.acquisition.modbus.tcp import Network


def open_link(endpoint: Endpoint, pacing: Pacing = NO_PACING) -> Link:
    """Return the link to an endpoint; the connection opens with the first request."""
    return Link(endpoint.transport, make_channel(endpoint), pacing)


def make_channel(endpoint: Endpoint) -> Channel:
    # A worker imports only what its devices need.
    if endpoint.serial:
        from sja_units.acquisition.modbus.serial_line import SerialLine

        return SerialLine(endpoint.tty, endpoint.serial)
    if endpoint.tls:
        from sja_units.acquisition.modbus.tls import TlsNetwork

        return TlsNetwork(endpoint.host, endpoint.port, endpoint.tls)
    return Network(endpoint.host, endpoint.port, is_datagram=endpoint.transport == "udp")
