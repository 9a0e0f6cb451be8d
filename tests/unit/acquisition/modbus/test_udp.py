"""Modbus over datagrams, which get lost, come twice, late, or from somebody else."""

import socket
import time
from collections.abc import Iterable, Iterator

import pytest

from sja_units.acquisition.modbus.link import ExceptionResponse, Link, LinkError, make_request
from sja_units.acquisition.modbus.tcp import Network
from tests.unit.acquisition.conftest import MakeDevice
from tests.unit.acquisition.relay import DatagramRelay, keep

LONG = 20.0
READ = make_request("holding", 100, 3)
DATA = bytes((0, 100, 0, 101, 0, 102))


@pytest.fixture
def relay(make_device: MakeDevice) -> Iterator[DatagramRelay]:
    relay = DatagramRelay(make_device(illegal=frozenset({7})).port)
    yield relay
    relay.close()


@pytest.fixture
def link(relay: DatagramRelay) -> Iterator[Link]:
    link = Link("udp", Network("127.0.0.1", relay.port, is_datagram=True))
    yield link
    link.close()


def expect(link: Link, state: str, timeout: float = LONG) -> None:
    with pytest.raises(LinkError) as fault:
        link.read(1, READ, timeout)
    assert fault.value.state == state


def test_registers_and_exceptions(link: Link) -> None:
    for _ in range(3):
        assert link.read(1, READ, LONG) == DATA
    with pytest.raises(ExceptionResponse):
        link.read(1, make_request("holding", 7, 1), LONG)
    data = link.read(1, make_request("holding", 200, 125), LONG)
    assert data[-2:] == (324).to_bytes(2, "big")


def test_a_lost_datagram_costs_one_timeout(relay: DatagramRelay, link: Link) -> None:
    relay.change = lambda _: []
    expect(link, "timeout", 0.2)
    relay.change = keep
    assert link.read(1, READ, LONG) == DATA


def test_what_comes_twice_or_empty_is_passed_over(relay: DatagramRelay, link: Link) -> None:
    relay.change = lambda answer: [b"", answer, answer]
    for address in range(100, 110):
        data = link.read(1, make_request("holding", address, 1), LONG)
        assert int.from_bytes(data, "big") == address
        time.sleep(0.01)


def test_a_late_answer_never_answers_the_next_request(relay: DatagramRelay, link: Link) -> None:
    def delay(answer: bytes) -> Iterable[bytes]:
        time.sleep(0.3)
        return [answer]

    relay.change = delay
    expect(link, "timeout", 0.1)
    relay.change = keep
    assert link.read(1, make_request("holding", 200, 3), LONG)[:2] == b"\0\xc8"


def test_an_answer_to_an_older_transaction_is_passed_over(relay: DatagramRelay, link: Link) -> None:
    relay.change = lambda answer: [b"\xbe\xef" + answer[2:-1] + b"\xff", answer]
    assert link.read(1, READ, LONG) == DATA


@pytest.mark.parametrize("extra", [b"\0", b"\xff" * 2000])
def test_what_is_longer_than_it_says_is_refused(
    relay: DatagramRelay, link: Link, extra: bytes
) -> None:
    relay.change = lambda answer: [answer + extra]
    expect(link, "error")
    relay.change = keep
    assert link.read(1, READ, LONG) == DATA


def test_what_is_cut_off_is_no_value(relay: DatagramRelay, link: Link) -> None:
    relay.change = lambda answer: [answer[:-2]]
    expect(link, "timeout", 0.3)
    relay.change = keep
    assert link.read(1, READ, LONG) == DATA


def test_nobody_else_is_heard(relay: DatagramRelay, link: Link) -> None:
    """A datagram from another address must not be an answer, whatever it holds."""
    forged = DATA[:-1] + b"\xff"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.2", 0))
        relay.change = lambda answer: _forge(stranger, relay, answer, forged)
        for _ in range(5):
            assert link.read(1, READ, LONG) == DATA
    assert len(relay.requests) == 5


def _forge(
    stranger: socket.socket, relay: DatagramRelay, answer: bytes, data: bytes
) -> Iterable[bytes]:
    stranger.sendto(answer[:9] + data, relay.peer)
    yield answer


def test_nobody_listens() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    expect(Link("udp", Network("127.0.0.1", port, is_datagram=True)), "disconnected")
