"""What a device refuses is found, left out, told, and tried again."""

import time
from collections.abc import Callable
from random import Random
from types import SimpleNamespace
from typing import cast

import pytest

from sja_units.acquisition import backoff
from sja_units.acquisition.config import AcquisitionConfig, Device
from sja_units.acquisition.modbus.connect import open_link
from sja_units.acquisition.modbus.link import ExceptionResponse, Link, LinkError, Request
from sja_units.acquisition.modbus.steps import Steps, run
from sja_units.acquisition.poll import bad_registers, device_state, read_plan
from sja_units.acquisition.poll.device import Answer, DeviceReader
from sja_units.acquisition.poll.read_plan import PATIENCE_CYCLES
from sja_units.config.job_file import parse
from tests.unit.acquisition.conftest import MakeDevice
from tests.unit.acquisition.harness import free_port
from tests.waiting import wait_for


def configure(port: int, addresses: range, extra: str = "") -> Device:
    points = "\n".join(
        f'[[device.point]]\nname = "p{a}"\ntable = "holding"\naddress = {a}\ntype = "uint16"'
        for a in addresses
    )
    text = f"""
[sink]
type = "local"
[[device]]
name = "d"
host = "127.0.0.1"
port = {port}
timeout = "10s"
{extra}
{points}
"""
    settings = parse("acquisition", text, "x").settings
    assert isinstance(settings, AcquisitionConfig)
    return settings.devices[0]


def make_reader(device: Device) -> tuple[DeviceReader, Link]:
    return DeviceReader(device), open_link(device.endpoint)


class Answering:
    """A link to a device that refuses, with a code, what a test says; it counts requests."""

    def __init__(self) -> None:
        self.refuse: Callable[[range], int] = lambda _: 0
        self.asked = 0

    def exchange(self, _unit: int, request: Request, _timeout: float) -> Steps[bytes]:
        yield from ()
        self.asked += 1
        first, count = (int.from_bytes(request.pdu[i : i + 2], "big") for i in (1, 3))
        if code := self.refuse(range(first, first + count)):
            raise ExceptionResponse(code)
        return bytes(request.size)


def make_answering(addresses: range, extra: str = "") -> tuple[DeviceReader, Answering, Link]:
    """Return a reader, the device, and the same as what the reader takes."""
    device = Answering()
    return DeviceReader(configure(1, addresses, extra)), device, cast(Link, device)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets so many seconds pass, by the reader's clock."""
    passed = [0.0]
    clock = SimpleNamespace(
        monotonic=lambda: time.monotonic() + passed[0], monotonic_ns=time.monotonic_ns
    )
    for module in (read_plan, device_state, bad_registers, backoff):
        monkeypatch.setattr(module, "time", clock)

    def let_pass(seconds: float) -> None:
        passed[0] += seconds

    return let_pass


def points_read(answers: list[Answer]) -> list[int]:
    return sorted(i for answer in answers for i in answer.block.points)


def condition_of(reader: DeviceReader) -> str:
    return reader.state.condition


def read_often(reader: DeviceReader, link: Link, cycles: int = PATIENCE_CYCLES) -> list[Answer]:
    """Return the answers of the last of so many cycles."""
    for _ in range(cycles):
        answers = run(reader.read(link))
    return answers


def read_until_none_is_bad(reader: DeviceReader, link: Link) -> None:
    def is_well() -> bool:
        run(reader.read(link))
        return not reader.plan.bad_registers.describe()

    wait_for(is_well, "all registers")


def test_one_bad_register_costs_only_itself(make_device: MakeDevice) -> None:
    """Telegraf #14671, solax #1570 and more: one illegal register cost its whole block."""
    peer = make_device(illegal=frozenset({37}))
    reader, link = make_reader(configure(peer.port, range(100)))
    for _ in range(PATIENCE_CYCLES):
        assert reader.plan.bad_registers.describe() == []
        assert points_read(run(reader.read(link))) == [i for i in range(100) if i != 37]
        assert condition_of(reader) == "healthy"
    (bad,) = reader.plan.bad_registers.describe()
    assert "37" in bad
    assert "p37" in bad
    # From now on it is two requests, around the hole.
    assert [(b.address, b.size) for b in reader.plan.requests] == [(0, 37), (38, 62)]
    before = peer.registers.answered
    assert points_read(run(reader.read(link))) == [i for i in range(100) if i != 37]
    assert peer.registers.answered - before == 2
    link.close()


def test_a_register_that_answers_again_comes_back(
    make_device: MakeDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bad_registers, "RETRY_REFUSED_SECONDS", 0.0)
    peer = make_device(illegal=frozenset({3, 5}))
    reader, link = make_reader(configure(peer.port, range(10)))
    read_often(reader, link)
    assert len(reader.plan.bad_registers.describe()) == 2
    peer.registers.illegal = frozenset()
    read_until_none_is_bad(reader, link)
    assert points_read(run(reader.read(link))) == list(range(10))
    link.close()


def test_a_gap_that_is_refused_is_not_read_along(make_device: MakeDevice) -> None:
    peer = make_device(illegal=frozenset({3}))
    reader, link = make_reader(configure(peer.port, range(0, 12, 6)))
    assert points_read(run(reader.read(link))) == [0, 1]
    assert reader.plan.bad_registers.describe() == []
    assert len(reader.plan.requests) == 2
    link.close()


def test_a_device_that_refuses_all_is_an_error_and_comes_back(
    make_device: MakeDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bad_registers, "RETRY_REFUSED_SECONDS", 0.0)
    peer = make_device(illegal=frozenset(range(4)))
    reader, link = make_reader(configure(peer.port, range(4)))
    assert read_often(reader, link) == []
    assert condition_of(reader) == "error"
    assert len(reader.plan.bad_registers.describe()) == 4
    peer.registers.illegal = frozenset()
    read_until_none_is_bad(reader, link)
    assert condition_of(reader) == "healthy"
    link.close()


def test_a_unit_that_is_away_behind_a_gateway_is_lost_alone(make_device: MakeDevice) -> None:
    peer = make_device(units=frozenset({1}))
    away, link = make_reader(configure(peer.port, range(4), "unit_id = 2"))
    here = DeviceReader(configure(peer.port, range(4)))
    assert run(away.read(link)) == []
    assert (condition_of(away), away.state.consecutive_failures) == ("timeout", 1)
    assert points_read(run(here.read(link))) == [0, 1, 2, 3]
    assert condition_of(here) == "healthy"
    link.close()


def test_an_endpoint_that_is_away_is_told_to_the_poller() -> None:
    reader, link = make_reader(configure(free_port(), range(4)))
    with pytest.raises(LinkError):
        run(reader.read(link))
    assert condition_of(reader) == "disconnected"
    assert reader.state.message
    assert not reader.state.is_due()


def test_a_device_that_refused_all_for_a_while_is_read_in_full_once_a_point_answers(
    later: Callable[[float], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """A PLC that boots, or was in STOP, refuses everything; it must not come back bit by bit."""
    reader, device, link = make_answering(range(300))
    device.refuse = lambda _: 2
    for _ in range(45):
        run(reader.read(link))
        later(1)
    assert len(reader.plan.bad_registers.describe()) == 300
    assert "refuses all" in reader.state.message
    # Of those that were left out together, one line tells.
    assert len(capsys.readouterr().err.splitlines()) < 15
    device.refuse = lambda _: 0
    later(60)
    assert points_read(run(reader.read(link))) == list(range(300))
    assert reader.plan.bad_registers.describe() == []
    assert len(capsys.readouterr().err.splitlines()) == 2  # it is back, and what answers again
    device.asked = 0
    assert points_read(run(reader.read(link))) == list(range(300))
    assert device.asked == 3


@pytest.mark.parametrize("code", [1, 2, 3, 4, 6])
def test_a_device_that_refuses_all_holds_up_its_neighbours_only_so_long(code: int) -> None:
    reader, device, link = make_answering(range(300))
    device.refuse = lambda _: code
    for _ in range(6):
        device.asked = 0
        run(reader.read(link))
        assert device.asked < 150
    device.refuse = lambda _: 0
    left = set(range(300)) - set(points_read(run(reader.read(link))))
    assert len(left) == len(reader.plan.bad_registers.describe()) < 100


def test_what_stays_refused_is_not_tried_at_length_with_what_answers_again(
    later: Callable[[float], None],
) -> None:
    reader, device, link = make_answering(range(0, 300, 2))
    bad = {4, 5, 100, 200}
    device.refuse = lambda asked: 2 if bad.intersection(asked) else 0
    read_often(reader, link)
    assert len(reader.plan.bad_registers.describe()) == 3
    bad.remove(100)
    for _ in range(3):
        later(60)
        answers = run(reader.read(link))
    assert len(reader.plan.bad_registers.describe()) == 2
    assert points_read(answers) == [i for i in range(150) if i not in (2, 100)]


def test_refusals_that_were_a_mood_cost_no_requests_for_ever(
    later: Callable[[float], None],
) -> None:
    reader, device, link = make_answering(range(500))

    def refuse_once(asked: range) -> int:
        if len(asked) == 1:
            return 0
        device.refuse = lambda _: 0
        return 3

    for _ in range(20):
        device.refuse = refuse_once
        assert points_read(run(reader.read(link))) == list(range(500))
        later(20)
    assert len(reader.plan.requests) > 4
    for _ in range(30):
        later(100)
        assert points_read(run(reader.read(link))) == list(range(500))
    assert len(reader.plan.requests) == 4


def test_a_gap_that_stays_refused_is_found_again_and_costs_no_value(
    later: Callable[[float], None],
) -> None:
    reader, device, link = make_answering(range(0, 40, 8))
    device.refuse = lambda asked: 2 if 3 in asked or 20 in asked else 0
    for _ in range(20):
        assert points_read(run(reader.read(link))) == list(range(5))
        later(300)
    assert reader.plan.bad_registers.describe() == []
    assert len(reader.plan.requests) == 3


@pytest.mark.parametrize("code", [1, 2, 3])
def test_what_speaks_of_the_request_costs_only_its_register_at_once(code: int) -> None:
    reader, device, link = make_answering(range(100))
    device.refuse = lambda asked: code if 37 in asked else 0
    for _ in range(PATIENCE_CYCLES):
        assert reader.plan.bad_registers.describe() == []
        assert points_read(run(reader.read(link))) == [i for i in range(100) if i != 37]
    (bad,) = reader.plan.bad_registers.describe()
    assert f"({code})" in bad


@pytest.mark.parametrize("code", [4, 5, 6, 7, 8, 9, 10, 11, 0x80])
def test_what_speaks_of_the_device_divides_only_after_three_cycles_of_nothing_else(
    code: int,
) -> None:
    reader, device, link = make_answering(range(0, 300, 3), "max_registers = 100\nretries = 0")
    device.refuse = lambda asked: code if 150 in asked else 0
    read = [set(points_read(run(reader.read(link)))) for _ in range(20)]
    for answered in read[: PATIENCE_CYCLES - 1]:
        assert 40 < len(answered) < 99
        assert not answered & {49, 50, 51}
    assert read[-1] == set(range(100)) - {50}
    (bad,) = reader.plan.bad_registers.describe()
    assert f"({code})" in bad


@pytest.mark.slow
@pytest.mark.parametrize("code", [4, 5, 6, 7, 10, 11])
def test_a_mood_costs_nothing_while_a_repeat_is_answered(code: int) -> None:
    """One request in twenty was answered with 4: three quarters of the values were lost."""
    reader, device, link = make_answering(range(300))
    moods = Random(1)
    device.refuse = lambda _: code if moods.random() < 0.3 else 0
    lost = sum(len(points_read(run(reader.read(link)))) < 300 for _ in range(100))
    assert lost < 10
    assert reader.plan.bad_registers.describe() == []


def test_a_register_that_is_refused_now_and_then_is_never_left_out() -> None:
    reader, device, link = make_answering(range(50))
    for cycle in range(30):
        device.refuse = (lambda asked: 2 if 7 in asked else 0) if cycle % 3 else (lambda _: 0)
        run(reader.read(link))
        assert reader.plan.bad_registers.describe() == []


class Silent:
    """What a device may be silent to, by the test's own rule."""

    def __init__(self, device: Answering, *holes: int) -> None:
        self.holes = set(holes)
        self.unanswered = 0
        device.refuse = self.hear

    def hear(self, asked: range) -> int:
        if self.holes.intersection(asked):
            self.unanswered += 1
            raise LinkError("timeout", "no answer within 1 s")
        return 0


@pytest.mark.parametrize("holes", [(3,), (41,), (3, 41), (0, 8), (99,)])
def test_silence_to_what_a_device_lacks_costs_only_that(
    later: Callable[[float], None], holes: tuple[int, ...]
) -> None:
    """Many a device is silent where others refuse: also in a gap that is read along."""
    points = range(0, 100, 4)
    reader, device, link = make_answering(points)
    silent = Silent(device, *holes)
    for _ in range(60):
        run(reader.read(link))
        later(10)
    expected = [i for i, address in enumerate(points) if address not in holes]
    silent.unanswered = 0
    assert points_read(run(reader.read(link))) == expected
    assert len(reader.plan.bad_registers.describe()) == len(points) - len(expected)
    assert silent.unanswered <= len(holes)
    assert reader.state.consecutive_failures == 0


def test_a_device_that_is_off_at_first_is_read_in_as_few_requests_as_ever(
    later: Callable[[float], None],
) -> None:
    reader, device, link = make_answering(range(0, 300))
    silent = Silent(device, *range(300))
    for _ in range(200):
        device.asked = 0
        run(reader.read(link))
        assert device.asked <= 1 + reader.device.retries + 1
        later(10)
    silent.holes.clear()
    for _ in range(3):
        answers = run(reader.read(link))
        later(1)
    assert points_read(answers) == list(range(300))
    assert len(reader.plan.requests) == 3
    assert reader.plan.bad_registers.describe() == []


def test_a_device_that_was_away_for_long_leaves_out_nothing_for_one_silence(
    later: Callable[[float], None],
) -> None:
    reader, device, link = make_answering(range(0, 400, 100), "retries = 0")
    silent = Silent(device, *range(0, 400, 100))
    for _ in range(30):
        run(reader.read(link))
        later(10)
    silent.holes = {300}
    run(reader.read(link))
    assert reader.plan.bad_registers.describe() == []
    silent.holes.clear()
    assert points_read(run(reader.read(link))) == [0, 1, 2, 3]


def test_what_was_answered_once_and_is_silent_beside_others_costs_little_time(
    later: Callable[[float], None],
) -> None:
    reader, device, link = make_answering(range(0, 300))
    run(reader.read(link))
    silent = Silent(device, 150)
    silent_at_first = 5
    read_often(reader, link, silent_at_first)
    silent.unanswered = 0
    for _ in range(100):
        assert len(points_read(run(reader.read(link)))) == 175
        later(1)
    assert silent.unanswered <= 2
    assert condition_of(reader) == "error"
    assert "no answer" in reader.state.message
    silent.holes.clear()
    later(200)
    run(reader.read(link))
    assert points_read(run(reader.read(link))) == list(range(300))
    assert condition_of(reader) == "healthy"


@pytest.mark.slow
def test_what_is_busy_now_and_then_is_no_fault() -> None:
    reader, device, link = make_answering(range(4))
    for _ in range(20):
        device.refuse = lambda _: 6
        run(reader.read(link))
        device.refuse = lambda _: 0
        run(reader.read(link))
        assert condition_of(reader) == "healthy"


def test_what_was_read_before_the_endpoint_went_away_counts() -> None:
    reader, device, link = make_answering(range(0, 300, 100), "retries = 1")

    def lose(asked: range) -> int:
        if 0 in asked:
            return 0
        device.refuse = fail_to_connect
        raise LinkError("timeout", "no answer within 1 s")

    def fail_to_connect(_: range) -> int:
        raise LinkError("disconnected", "connection refused", at_connect=True)

    device.refuse = lose
    assert points_read(run(reader.read(link))) == [0]
    assert (condition_of(reader), reader.state.message) == ("disconnected", "connection refused")
    with pytest.raises(LinkError):
        run(reader.read(link))
    assert reader.state.consecutive_failures == 2
