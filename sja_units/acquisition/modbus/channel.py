"""What Modbus frames need of a connection, whatever it is made of."""

from typing import Protocol

from sja_units.acquisition.modbus.steps import Steps


class Channel(Protocol):
    """One connection to an endpoint. What goes wrong is an OSError with words for people.

    Deadlines are moments of the monotonic clock; TimeoutError says that one is over.
    """

    def ensure_open(self, timeout: float, not_before: float) -> Steps[bool]:
        """Make sure it is open and that nothing is under way on it; return whether it is new.

        It takes up to `timeout` seconds, and again from `not_before` on: what comes until then is
        dropped, as it may be a late answer that looks like the next one.
        """

    def send(self, data: bytes, deadline: float) -> Steps[None]: ...

    def receive(self, size: int, deadline: float) -> Steps[bytes]:
        """Return what has come: `size` bytes at the most, or a datagram as a whole."""

    def drain(self) -> None:
        """Make sure that what still comes is not taken for an answer to the next request."""

    def close(self) -> None: ...


def left(deadline: float, now: float) -> float:
    """Return the seconds to a deadline; raise TimeoutError once there are none."""
    if deadline <= now:
        raise TimeoutError
    return deadline - now
