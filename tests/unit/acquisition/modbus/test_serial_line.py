"""Serial lines: a real slave over a real pty pair, and whatever else comes over a wire."""

import errno
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from modbus_tk.modbus_rtu import RtuServer

from sja_units.acquisition.modbus import serial_line, tty_holder
from sja_units.acquisition.modbus.endpoint import SerialSettings, Transport
from sja_units.acquisition.modbus.link import ExceptionResponse, Link, LinkError, make_request
from sja_units.acquisition.modbus.serial_line import SerialLine
from sja_units.errors import WorkerError
from tests.peers.serial_device import make_slave
from tests.unit.acquisition.wire import SlowSlave, Wire, keep
from tests.waiting import wait_for

LONG = 20.0
SHORT = 0.2
READ = make_request("holding", 100, 10)
DATA = b"".join(a.to_bytes(2, "big") for a in range(100, 110))


def mode(baudrate: int = 9600, parity: str = "N", stopbits: int = 1) -> SerialSettings:
    return SerialSettings(baudrate, 8, parity, stopbits)


def link_to(path: str, transport: Transport = "rtu") -> Link:
    return Link(transport, SerialLine(path, mode()))


@pytest.fixture
def wire() -> Iterator[Wire]:
    wire = Wire()
    yield wire
    wire.unplug()


@pytest.fixture
def slave(wire: Wire) -> Iterator[RtuServer]:
    server = make_slave(wire.slave, [1, 2])
    yield server
    server.stop()


@pytest.fixture
def link(wire: Wire) -> Iterator[Link]:
    link = link_to(wire.master)
    yield link
    link.close()


def expect(link: Link, state: str, timeout: float = SHORT) -> LinkError:
    with pytest.raises(LinkError) as fault:
        link.read(1, READ, timeout)
    assert fault.value.state == state
    return fault.value


@pytest.mark.usefixtures("slave")
def test_registers_of_a_real_slave(link: Link) -> None:
    for unit in (1, 2, 1):
        assert link.read(unit, READ, LONG) == DATA
    data = link.read(2, make_request("holding", 0, 125), LONG)
    assert data == b"".join(a.to_bytes(2, "big") for a in range(125))


@pytest.mark.usefixtures("slave")
def test_an_exception_of_a_real_slave(link: Link) -> None:
    with pytest.raises(ExceptionResponse) as refusal:
        link.read(1, make_request("holding", 995, 10), LONG)
    assert refusal.value.code == 2
    assert link.read(1, READ, LONG) == DATA


@pytest.mark.usefixtures("slave")
def test_a_unit_that_is_away_costs_its_neighbour_nothing(link: Link) -> None:
    with pytest.raises(LinkError) as fault:
        link.read(9, READ, SHORT)
    assert fault.value.state == "timeout"
    began = time.monotonic()
    assert link.read(2, make_request("holding", 100, 9), LONG) == DATA[:18]
    assert time.monotonic() - began < LONG / 2


@pytest.mark.usefixtures("slave")
@pytest.mark.parametrize("count", [1, 2, 10])
def test_the_echo_of_our_own_frame_is_dropped(wire: Wire, link: Link, count: int) -> None:
    wire.echoes = True
    for _ in range(3):
        assert link.read(1, make_request("holding", 100, count), LONG) == DATA[: count * 2]
    with pytest.raises(ExceptionResponse):
        link.read(1, make_request("holding", 995, 10), LONG)


@pytest.mark.slow
@pytest.mark.usefixtures("slave")
@pytest.mark.parametrize(
    ("disturb", "state"),
    [
        (lambda data: b"\x00" + data, "error"),
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "error"),
        (lambda data: b"\x02" + data[1:], "error"),
        (lambda data: data + b"\xff", "error"),
        (lambda data: os.urandom(40), "error"),
        (lambda data: data[: len(data) // 2], "timeout"),
        (lambda data: b"", "timeout"),
    ],
)
def test_what_is_garbled_is_dropped_and_the_next_answer_is_right(
    wire: Wire, link: Link, disturb: Callable[[bytes], bytes], state: str
) -> None:
    assert link.read(1, READ, LONG) == DATA
    wire.to_master = disturb
    # The slave's answer may come in pieces, of which any may be garbled: never a value.
    fault = expect(link, state, 1.0)
    assert not fault.at_connect
    wire.to_master = keep
    assert link.read(1, READ, LONG) == DATA


@pytest.mark.usefixtures("slave")
def test_what_nobody_asked_for_is_no_answer(wire: Wire, link: Link) -> None:
    assert link.read(1, READ, LONG) == DATA
    frames: list[bytes] = []

    def record(data: bytes) -> bytes:
        frames.append(data)
        return data

    wire.to_master = record
    assert link.read(1, READ, LONG) == DATA
    wire.say(b"".join(frames))
    assert link.read(1, make_request("holding", 200, 10), LONG)[:2] == b"\0\xc8"


@pytest.mark.slow
@pytest.mark.usefixtures("slave")
def test_a_late_answer_never_answers_another_question(wire: Wire, link: Link) -> None:
    """A device that needs longer than the timeout: what it says belongs to an older request."""

    def delay(data: bytes) -> bytes:
        time.sleep(0.3)
        return data

    wire.to_master = delay
    other = make_request("holding", 200, 10)
    answers = []
    for request in (READ, other, READ, other):
        with suppress(LinkError):
            answers.append((request, link.read(1, request, 0.25)))
    wire.to_master = keep
    for request, data in answers:
        assert data[:2] == (b"\0\x64" if request == READ else b"\0\xc8")
    assert link.read(1, other, LONG)[:2] == b"\0\xc8"


@pytest.mark.slow
@pytest.mark.parametrize("repeats", [1, 2])
def test_repeats_to_a_slow_slave_leave_no_answer_for_another_question(
    wire: Wire, link: Link, repeats: int
) -> None:
    slave = SlowSlave(wire, 1.2)
    for first in (100, 200):
        for _ in range(1 + repeats):
            with suppress(LinkError):
                assert first_word(link, 1, first, 1.0) == first
    slave.seconds = 0.0
    assert first_word(link, 1, 400, LONG) == 400


@pytest.mark.slow
def test_a_slow_unit_never_makes_its_neighbour_answer_another_question(
    wire: Wire, link: Link
) -> None:
    slave = SlowSlave(wire, 1.4)
    expect(link, "timeout", 1.0)
    slave.seconds = 0.8
    for unit, first in ((2, 200), (2, 200), (2, 300), (1, 400), (2, 500)):
        with suppress(LinkError):
            assert first_word(link, unit, first, 1.0) == first


def first_word(link: Link, unit: int, address: int, timeout: float) -> int:
    data = link.read(unit, make_request("holding", address, 10), timeout)
    return int.from_bytes(data[:2], "big")


@pytest.mark.usefixtures("slave")
def test_frames_are_apart_by_three_and_a_half_characters(wire: Wire) -> None:
    link = Link("rtu", SerialLine(wire.master, mode(1200)))
    assert mode(1200).character_seconds == pytest.approx(10 / 1200)
    link.read(1, READ, LONG)
    began = time.monotonic()
    for _ in range(5):
        link.read(1, READ, LONG)
    link.close()
    assert time.monotonic() - began >= 5 * 3.5 * 10 / 1200


@pytest.mark.slow
def test_a_line_that_is_never_silent(wire: Wire) -> None:
    # Silence is long at this rate, so that a busy machine does not make any.
    link = Link("rtu", SerialLine(wire.master, mode(300)))
    ended = threading.Event()

    def babble() -> None:
        while not ended.wait(0.001):
            wire.say(b"\x55")

    thread = threading.Thread(target=babble)
    thread.start()
    try:
        fault = expect(link, "disconnected", 0.5)
    finally:
        ended.set()
        thread.join()
    assert "silent" in str(fault)
    link.close()


def test_unplugged_and_plugged_in_again(wire: Wire, tmp_path: Path) -> None:
    path = tmp_path / "ttyUSB0"
    path.symlink_to(wire.master)
    server = make_slave(wire.slave, [1])
    link = link_to(str(path))
    assert link.read(1, READ, LONG) == DATA
    server.stop()
    wire.unplug()
    expect(link, "disconnected")
    path.unlink()
    assert "plugged in" in str(expect(link, "disconnected"))
    again = Wire()
    server = make_slave(again.slave, [1])
    path.symlink_to(again.master)
    assert link.read(1, READ, LONG) == DATA
    link.close()
    server.stop()
    again.unplug()


def test_what_is_no_serial_port(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", Path("/dev/null")):
        fault = expect(link_to(str(path)), "disconnected")
        assert fault.at_connect
        assert "serial port" in str(fault)


def test_a_port_that_came_after_the_start_is_let_in_by_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """systemd resolves DeviceAllow= when a unit starts; a later device node is not in it."""
    monkeypatch.setenv("RUNTIME_DIRECTORY", f"{tmp_path}/a")

    def refuse(*_: object) -> int:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    never_let_in, was_away = (link_to(str(tmp_path / "ttyUSB0")) for _ in range(2))
    expect(was_away, "disconnected")
    # Only there: whatever else runs in this process must go on.
    monkeypatch.setattr(serial_line, "os", SimpleNamespace(**vars(os) | {"open": refuse}))
    assert "sjactl apply" in str(expect(never_let_in, "disconnected"))
    with pytest.raises(WorkerError):
        was_away.read(1, READ, SHORT)


_HOLD = """
import sys
from sja_units.acquisition.modbus.serial_line import SerialLine
from sja_units.acquisition.modbus.steps import run
from sja_units.acquisition.modbus.endpoint import SerialSettings
line = SerialLine(sys.argv[1], SerialSettings(9600, 8, "N", 1))
run(line.ensure_open(5.0, 0.0))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.usefixtures("slave")
@pytest.mark.parametrize("is_job", [True, False])
def test_another_program_waits_and_says_for_whom(
    wire: Wire, link: Link, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_job: bool
) -> None:
    for name in ("holder", "waiter"):
        (tmp_path / name).mkdir()
    environment = os.environ | ({"RUNTIME_DIRECTORY": f"{tmp_path}/holder"} if is_job else {})
    command = [sys.executable, "-c", _HOLD, wire.master]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment) as holder:
        assert holder.stdin
        assert holder.stdout
        assert holder.stdout.readline() == b"held\n"
        monkeypatch.setenv("RUNTIME_DIRECTORY", f"{tmp_path}/waiter")
        fault = expect(link, "disconnected")
        assert fault.at_connect
        assert ("acquisition/holder" if is_job else "another program") in str(fault)
        holder.kill()
        holder.wait()
        wait_for(lambda: reads(link), "the port to be free")
    assert tty_holder.find_holder(wire.master).startswith("acquisition/")
    link.close()
    assert not tty_holder.find_holder(wire.master).startswith("acquisition/")


def reads(link: Link) -> bool:
    try:
        return link.read(1, READ, LONG) == DATA
    except LinkError:
        return False


class AsciiSlave:
    """Answers with frames that are spelled out here, see "MODBUS over Serial Line" V1.02, 2.5.2."""

    def __init__(self, wire: Wire, *answers: bytes) -> None:
        self._answers = list(answers)
        self._wire = wire
        wire.to_slave = self._answer

    def _answer(self, data: bytes) -> bytes:
        if data.endswith(b"\r\n"):
            self._wire.say(self._answers.pop(0))
        return b""


ASCII_READ = make_request("holding", 0x6B, 3)
ASCII_DATA = bytes((0x02, 0x2B, 0x00, 0x00, 0x00, 0x64))
# The sum of 01 03 06 02 2B 00 00 00 64 is 9B; its two's complement is 65.
ASCII_ANSWER = b":010306022B0000006465\r\n"


def test_ascii(wire: Wire) -> None:
    link = link_to(wire.master, "ascii")
    AsciiSlave(wire, ASCII_ANSWER, ASCII_ANSWER.lower(), b"\xff\x0f:0103" + ASCII_ANSWER)
    for _ in range(3):
        assert link.read(1, ASCII_READ, LONG) == ASCII_DATA
    # The sum of 01 03 00 6B 00 03 is 72.
    assert wire.requests[0] == b":0103006B00038E\r\n"
    link.close()


def test_an_exception_in_ascii(wire: Wire) -> None:
    link = link_to(wire.master, "ascii")
    AsciiSlave(wire, b":0183027A\r\n")
    with pytest.raises(ExceptionResponse) as refusal:
        link.read(1, ASCII_READ, LONG)
    assert refusal.value.code == 2
    link.close()


def test_the_echo_of_our_own_frame_in_ascii(wire: Wire) -> None:
    wire.echoes = True
    link = link_to(wire.master, "ascii")
    AsciiSlave(wire, ASCII_ANSWER, b":0183027A\r\n")
    assert link.read(1, ASCII_READ, LONG) == ASCII_DATA
    with pytest.raises(ExceptionResponse):
        link.read(1, ASCII_READ, LONG)
    link.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    "wrong",
    [
        b":010306022B0000006466\r\n",
        b":020306022B0000006464\r\n",
        b":010406022B0000006464\r\n",
        b":010304022B00006797\r\n",
        b":010306022B00000064\r\n",
        b":01030602ZZ0000006465\r\n",
        b":010306022B000000646\r\n",
        b"010306022B0000006465\r\n",
        ASCII_ANSWER * 2,
        b"\r\n",
        b"A" * 600,
    ],
)
def test_ascii_frames_that_are_wrong(wire: Wire, wrong: bytes) -> None:
    link = link_to(wire.master, "ascii")
    AsciiSlave(wire, wrong, ASCII_ANSWER)
    with pytest.raises(LinkError) as fault:
        link.read(1, ASCII_READ, 2.0)
    assert fault.value.state == "error"
    assert link.read(1, ASCII_READ, LONG) == ASCII_DATA
    link.close()
