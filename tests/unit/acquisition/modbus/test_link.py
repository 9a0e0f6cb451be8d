"""No doubtful answer may become a value, and none may hold up the poller."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sja_units.acquisition.modbus.endpoint import Pacing, Transport
from sja_units.acquisition.modbus.habits import Habits
from sja_units.acquisition.modbus.link import ExceptionResponse, Link, LinkError, make_request
from sja_units.acquisition.modbus.tcp import Network
from sja_units.acquisition.points.types import RegisterTable
from tests.unit.acquisition.conftest import MakeDevice, MakeRogue
from tests.unit.acquisition.harness import free_port
from tests.unit.acquisition.rogue import Rogue, answer
from tests.unit.acquisition.wire import answer_rtu, with_crc

DATA = bytes(range(20))
RTU_ANSWER = with_crc(bytes((1, 3, 20)) + DATA)
READ = make_request("holding", 0, 10)
LONG = 20.0  # a timeout that no healthy exchange comes near to


def link_to(port: int, transport: Transport = "tcp") -> Link:
    return Link(transport, Network("127.0.0.1", port, is_datagram=transport == "udp"))


@pytest.mark.parametrize("table", ["holding", "input"])
def test_registers_of_a_real_server(make_device: MakeDevice, table: RegisterTable) -> None:
    link = link_to(make_device().port)
    data = link.read(1, make_request(table, 300, 125), LONG)
    assert [int.from_bytes(data[i : i + 2], "big") for i in range(0, 250, 2)] == [*range(300, 425)]
    link.close()


@pytest.mark.parametrize("table", ["coil", "discrete"])
def test_bits_of_a_real_server(make_device: MakeDevice, table: RegisterTable) -> None:
    link = link_to(make_device().port)
    data = link.read(1, make_request(table, 1, 2000), LONG)
    assert data == b"\x55" * 250
    link.close()


def test_an_exception_is_told_with_its_code_and_the_connection_goes_on(
    make_device: MakeDevice,
) -> None:
    link = link_to(make_device(illegal=frozenset({7})).port)
    with pytest.raises(ExceptionResponse) as refusal:
        link.read(1, READ, LONG)
    assert refusal.value.code == 2
    with pytest.raises(ExceptionResponse) as refusal:
        link.read(9, READ, LONG)
    assert refusal.value.code == 11
    assert link.read(1, make_request("holding", 8, 1), LONG) == b"\x00\x08"
    link.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"unit": 2},
        {"function": 4},
        {"function": 0x84},
        {"count": 18},
        {"protocol": 1},
        {"length": 0},
        {"length": 1},
        {"length": 2},
        {"length": 22},
        {"length": 255},
        {"length": 65535},
    ],
)
def test_an_answer_to_another_question_is_refused(
    make_rogue: MakeRogue, wrong: dict[str, int]
) -> None:
    rogue = make_rogue(lambda request: [answer(request, DATA, **wrong)])
    link = link_to(rogue.port)
    with pytest.raises(LinkError) as fault:
        link.read(1, READ, LONG)
    assert fault.value.state == "error"
    # What is doubtful ends with its connection; the next one is another.
    rogue.reply = lambda request: [answer(request, DATA)]
    assert link.read(1, READ, LONG) == DATA
    assert rogue.connections == 2
    link.close()


@pytest.mark.parametrize("data", [DATA[:-1], DATA[:-2], DATA + b"\0", DATA + b"\0\0", b""])
def test_a_short_or_long_answer_is_refused(make_rogue: MakeRogue, data: bytes) -> None:
    link = link_to(make_rogue(lambda request: [answer(request, data)]).port)
    with pytest.raises(LinkError):
        link.read(1, READ, LONG)


@pytest.mark.parametrize("extra", [b"\0", b"\xff" * 400])
def test_bytes_after_the_answer_are_refused(make_rogue: MakeRogue, extra: bytes) -> None:
    link = link_to(make_rogue(lambda request: [answer(request, DATA) + extra]).port)
    with pytest.raises(LinkError) as fault:
        link.read(1, READ, LONG)
    assert fault.value.state == "error"


def test_garbage_is_refused(make_rogue: MakeRogue) -> None:
    link = link_to(make_rogue(lambda _: [b"HTTP/1.1 400 Bad Request\r\n\r\n"]).port)
    with pytest.raises(LinkError) as fault:
        link.read(1, READ, LONG)
    assert fault.value.state == "error"


def test_an_answer_to_an_older_transaction_is_passed_over(make_rogue: MakeRogue) -> None:
    def reply(request: bytes) -> list[bytes]:
        return [answer(request, b"\xee" * 20, transaction=0xBEEF), answer(request, DATA)]

    link = link_to(make_rogue(reply).port)
    assert link.read(1, READ, LONG) == DATA
    link.close()


def test_a_late_answer_never_answers_the_next_request(make_rogue: MakeRogue) -> None:
    rogue = make_rogue(lambda request: [0.3, answer(request, b"\xee" * 20)])
    link = link_to(rogue.port)
    with pytest.raises(LinkError) as fault:
        link.read(1, READ, 0.05)
    assert fault.value.state == "timeout"
    rogue.reply = lambda request: [answer(request, DATA)]
    assert link.read(1, READ, LONG) == DATA
    link.close()


def test_the_only_connection_of_a_device_is_given_back_before_another_is_asked_for(
    make_rogue: MakeRogue,
) -> None:
    """ha-alphaess #16, evcc #4954: a connection left half open held the device's only one."""
    faults: list[list[bytes | float | None]] = [[], [b"garbage"], [None]]

    def reply(request: bytes) -> list[bytes | float | None]:
        return faults.pop() if faults else [answer(request, DATA)]

    # It serves one connection at a time, and the next one when the other side has closed it.
    rogue = make_rogue(reply)
    link = link_to(rogue.port)
    while faults:
        with pytest.raises(LinkError):
            link.read(1, READ, 0.3)
    assert link.read(1, READ, LONG) == DATA
    link.close()
    other = link_to(rogue.port)
    assert other.read(1, READ, LONG) == DATA
    other.close()


def test_what_comes_unasked_never_answers_a_request(make_rogue: MakeRogue) -> None:
    rogue = make_rogue(lambda request: [answer(request, DATA), 0.05, answer(request, b"\xee" * 20)])
    link = link_to(rogue.port)
    for _ in range(3):
        assert link.read(1, READ, LONG) == DATA
        time.sleep(0.1)
    link.close()


@pytest.mark.slow
def test_one_byte_at_a_time_does_not_outlive_the_deadline(make_rogue: MakeRogue) -> None:
    def reply(request: bytes) -> Iterator[bytes | float]:
        for byte in answer(request, DATA):
            yield bytes([byte])
            yield 0.1

    link = link_to(make_rogue(reply).port)
    began = time.monotonic()
    with pytest.raises(LinkError) as fault:
        link.read(1, READ, 0.5)
    assert fault.value.state == "timeout"
    # 29 bytes would have taken 2.9 s.
    assert time.monotonic() - began < 2.5


def test_a_device_that_closes_after_each_answer_loses_no_read(make_rogue: MakeRogue) -> None:
    link = link_to(make_rogue(lambda request: [answer(request, DATA), None]).port)
    for _ in range(5):
        assert link.read(1, READ, LONG) == DATA
        time.sleep(0.02)
    link.close()


def test_a_device_that_closes_instead_of_answering(make_rogue: MakeRogue) -> None:
    link = link_to(make_rogue(lambda _: [None]).port)
    with pytest.raises(LinkError) as fault:
        link.read(1, READ, LONG)
    assert fault.value.state == "disconnected"
    assert not fault.value.at_connect


def test_nobody_listens() -> None:
    with pytest.raises(LinkError) as fault:
        link_to(free_port()).read(1, READ, LONG)
    assert fault.value.state == "disconnected"
    assert fault.value.at_connect


def test_a_name_that_does_not_exist() -> None:
    with pytest.raises(LinkError) as fault:
        Link("tcp", Network("press.invalid", 502)).read(1, READ, LONG)
    assert fault.value.at_connect


@settings(
    max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(splits=st.lists(st.integers(1, 28), max_size=4))
def test_an_answer_may_come_in_any_pieces(split_rogue: Rogue, splits: list[int]) -> None:
    def reply(request: bytes) -> Iterator[bytes]:
        whole = answer(request, DATA)
        at = 0
        for end in [*sorted(splits), len(whole)]:
            yield whole[at:end]
            at = end

    split_rogue.reply = reply
    link = link_to(split_rogue.port)
    assert link.read(1, READ, LONG) == DATA
    link.close()


@pytest.fixture
def split_rogue(make_rogue: MakeRogue) -> Rogue:
    return make_rogue(lambda _: [])


@pytest.mark.parametrize("transport", ["tcp", "rtu-over-tcp"])
@pytest.mark.slow
def test_a_converter_that_is_deaf_right_after_the_connection_is_read_by_the_same_one(
    make_rogue: MakeRogue, transport: Transport
) -> None:
    """To connect anew after each time-out would never reach it."""
    heard: list[bytes] = []

    def reply(request: bytes) -> list[bytes]:
        heard.append(request)
        right = answer(request, DATA) if transport == "tcp" else RTU_ANSWER
        return [right] if len(heard) > 1 else []

    rogue = make_rogue(reply)
    link = link_to(rogue.port, transport)
    with pytest.raises(LinkError):
        link.read(1, READ, 0.3)
    assert link.read(1, READ, LONG) == DATA
    assert rogue.connections == 1
    link.close()


@pytest.mark.slow
def test_a_connection_that_stays_silent_is_given_up(make_rogue: MakeRogue) -> None:
    rogue = make_rogue(lambda _: [])
    link = link_to(rogue.port)
    for _ in range(15):
        with pytest.raises(LinkError):
            link.read(1, READ, 0.1)
    assert rogue.connections > 1
    link.close()


@pytest.mark.slow
def test_delays_are_kept(make_rogue: MakeRogue) -> None:
    times: list[float] = []

    def welcome() -> list[bytes]:
        times.append(time.monotonic())
        return []

    def reply(request: bytes) -> list[bytes]:
        times.append(time.monotonic())
        return [answer(request, DATA)]

    rogue = make_rogue(reply)
    rogue.welcome = welcome
    link = Link("tcp", Network("127.0.0.1", rogue.port), Pacing(0.4, 0.2))
    for _ in range(3):
        assert link.read(1, READ, LONG) == DATA
    connected, *requests = times
    assert requests[0] - connected > 0.3
    assert all(later - earlier > 0.15 for earlier, later in pairwise(requests))
    link.close()


def test_an_answer_with_another_transaction_number_is_told(make_rogue: MakeRogue) -> None:
    link = link_to(make_rogue(lambda r: [answer(r, DATA, transaction=4711)]).port)
    with pytest.raises(LinkError) as error:
        link.read(1, READ, 0.3)
    assert error.value.state == "timeout"
    assert "4711" in str(error.value)
    link.close()


def test_the_key_that_would_spare_time_outs_is_named() -> None:
    habits = Habits()
    for _ in range(3):
        habits.note_ignored(1, READ, 5.0, is_fresh=True)
        habits.note_answered(1, READ)
    assert "connect_delay" in habits.describe()
    habits = Habits()
    for _ in range(3):
        habits.note_ignored(1, READ, 0.001, is_fresh=False)
        habits.note_answered(1, READ)
    assert "request_delay" in habits.describe()
    habits = Habits()
    for _ in range(3):  # a packet that was lost long after the last answer
        habits.note_ignored(1, READ, 0.9, is_fresh=False)
        habits.note_answered(1, READ)
    assert not habits.describe()


@pytest.mark.slow
@pytest.mark.parametrize("silent", ["first", "last"])
def test_a_name_with_an_address_that_swallows_packets_is_reached(
    make_rogue: MakeRogue, monkeypatch: pytest.MonkeyPatch, silent: str
) -> None:
    rogue = make_rogue(lambda request: [answer(request, DATA)])
    tried: list[str] = []
    # An address whose queue of connections is full answers no SYN any more.
    with socket.create_server(("127.0.0.2", rogue.port), backlog=0) as deaf, ExitStack() as held:
        for _ in range(4):
            caller = held.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(deaf.getsockname())

        def look_up(host: bytes, port: int, *, type: int, flags: int = 0) -> list[Any]:
            if flags:
                raise OSError(0, "a name")
            tried.append(host.decode())
            places = [("127.0.0.2", port), ("127.0.0.1", port)]
            found = [(socket.AF_INET, type, 0, "", place) for place in places]
            return found if silent == "first" else found[::-1]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        link = Link("tcp", Network("press.example", rogue.port))
        assert link.read(1, READ, 4.0) == DATA
        link.close()
        began = time.monotonic()
        assert link.read(1, READ, 20.0) == DATA  # what has worked comes first
        assert time.monotonic() - began < 8
        link.close()
    assert tried == ["press.example"] * 2


def test_rtu_over_tcp(make_rogue: MakeRogue) -> None:
    right = with_crc(bytes((1, 3, 20)) + DATA)
    rogue = make_rogue(lambda _: [right[:7], right[7:]])
    link = link_to(rogue.port, "rtu-over-tcp")
    assert link.read(1, READ, LONG) == DATA
    assert rogue.requests[0] == with_crc(bytes((1, 3, 0, 0, 0, 10)))
    rogue.reply = lambda _: [with_crc(bytes((1, 0x83, 2)))]
    with pytest.raises(ExceptionResponse) as refusal:
        link.read(1, READ, LONG)
    assert refusal.value.code == 2
    link.close()


@pytest.mark.slow
def test_a_converter_gives_a_late_answer_to_the_next_connection(make_rogue: MakeRogue) -> None:
    """What has no transaction is the answer to whatever was asked last."""
    held: list[bytes] = []

    def reply(request: bytes) -> list[bytes]:
        held.append(answer_rtu(request))
        return []

    rogue = make_rogue(reply)
    rogue.welcome = lambda: [0.1, *held]
    link = link_to(rogue.port, "rtu-over-tcp")
    with pytest.raises(LinkError):
        link.read(1, READ, 1.0)
    rogue.reply = lambda request: [answer_rtu(request)]
    for first in (200, 300):
        data = link.read(1, make_request("holding", first, 10), LONG)
        assert int.from_bytes(data[:2], "big") == first
    link.close()


@pytest.mark.slow
def test_a_gateway_that_closes_while_an_answer_may_be_late_is_not_away(
    make_rogue: MakeRogue,
) -> None:
    rogue = make_rogue(lambda _: [2.5, None])
    link = link_to(rogue.port, "rtu-over-tcp")
    with pytest.raises(LinkError):
        link.read(1, READ, 2.0)
    rogue.reply = lambda request: [answer_rtu(request)]
    assert link.read(1, READ, LONG)[:2] == b"\0\0"
    assert rogue.connections == 2
    link.close()


@pytest.mark.parametrize(
    "frame",
    [
        bytes((1, 3, 20)) + DATA + b"\0\0",
        with_crc(bytes((2, 3, 20)) + DATA),
        with_crc(bytes((1, 4, 20)) + DATA),
        with_crc(bytes((1, 3, 20)) + DATA) + b"\0",
        with_crc(bytes((1, 3, 18)) + DATA[:18]) + b"\0\0",
        b"\0" + with_crc(bytes((1, 3, 20)) + DATA),
    ],
)
def test_rtu_frames_that_are_wrong(make_rogue: MakeRogue, frame: bytes) -> None:
    link = link_to(make_rogue(lambda _: [frame]).port, "rtu-over-tcp")
    with pytest.raises(LinkError) as fault:
        link.read(1, READ, LONG)
    assert fault.value.state == "error"
