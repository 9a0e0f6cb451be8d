"""`sjactl watch`, and how jobs look on terminals of all widths."""

import json
import re
import signal
import time
from collections.abc import Iterator

import pytest

from tests.machines.machine import Machine
from tests.system.counterparts import ModbusDevice
from tests.system.jobs import unit_of, wait_active, write_idle
from tests.system.screens import Screen


@pytest.fixture(scope="module")
def device(shared_machine: Machine) -> ModbusDevice:
    """The job's device, which is off at first."""
    return ModbusDevice(shared_machine, 1502)


@pytest.fixture(scope="module")
def job(shared_machine: Machine, device: ModbusDevice) -> str:
    job = write_idle(shared_machine, "line1", title="1号线 海天注塑机")
    shared_machine.run(
        "sed", "-i", f"s/^port = .*/port = {device.port}/", f"/etc/sja-units/{job}.toml"
    )
    shared_machine.run("systemctl", "start", unit_of(job))
    wait_active(shared_machine, job)
    return job


@pytest.fixture
def screen(shared_machine: Machine, job: str) -> Iterator[Screen]:
    with Screen(shared_machine, "sjactl", "watch") as screen:
        await_text(screen, "q quits")
        yield screen


def await_text(screen: Screen, *words: str, seconds: float = 60) -> None:
    Machine.wait_for(
        lambda: all(word in screen.text for word in words), seconds, what=f"{words} on the screen"
    )


def find_process(machine: Machine) -> str:
    return machine.run("pgrep", "--full", "bin/sjactl watch").stdout.strip()


def assert_given_back(screen: Screen) -> None:
    assert not screen.is_other
    assert screen.has_old_modes
    assert "\x1b[?25h" in screen.raw.rpartition("\x1b[?25l")[2]
    assert "Traceback" not in screen.raw


def test_a_change_is_shown_and_nothing_is_asked_meanwhile(
    shared_machine: Machine, screen: Screen, job: str, device: ModbusDevice
) -> None:
    machine = shared_machine
    await_text(screen, job, "海天", "degraded")
    pid = find_process(machine)
    listed = machine.run("busctl", "list", "--unique", "--no-legend").stdout.splitlines()
    (sender,) = [words[0] for words in map(str.split, listed) if words[1] == pid]
    machine.spawn("monitor", "sh", "-c", "exec busctl monitor --json=short >/root/messages")

    def count_questions() -> int:
        lines = machine.read("/root/messages").splitlines()
        return sum(message["sender"] == sender for message in map(json.loads, lines))

    ask = "busctl list >/root/names; cat /root/messages"
    machine.wait_for(lambda: machine.sh(ask).stdout, what="the bus to be listened to")

    def is_quiet() -> bool:
        before = count_questions()
        time.sleep(3)
        return count_questions() == before

    machine.wait_for(is_quiet, what="the last change to have been looked at")
    asked = count_questions()
    # What no signal tells of is seen, too, and without a question.
    other = write_idle(machine, "line2")
    await_text(screen, other, "stopped")
    assert count_questions() == asked
    # The worker tells systemd of its device, and systemd tells that it was told.
    device.start()
    await_text(screen, "1 running")
    machine.wait_for(lambda: count_questions() > asked, what="systemd to be asked after its signal")
    machine.run("systemctl", "start", unit_of(other))
    await_text(screen, "1 degraded")
    machine.run("systemctl", "stop", "monitor", unit_of(other))
    await_text(screen, "1 stopped")
    machine.run("sjactl", "remove", other)
    Machine.wait_for(lambda: other not in screen.text, what="the job to go")
    device.stop()
    await_text(screen, "1 degraded")


@pytest.mark.parametrize("keys", [b"q", b"\x03"])
def test_it_ends_by_a_key(screen: Screen, keys: bytes) -> None:
    assert screen.is_other
    assert not screen.has_old_modes
    screen.press(keys)
    assert screen.wait_end() == 0
    assert_given_back(screen)


def test_it_gives_the_terminal_back_to_who_stops_it(
    shared_machine: Machine, screen: Screen, job: str
) -> None:
    pid = find_process(shared_machine)
    screen.press(b"\x1a")
    Machine.wait_for(lambda: not screen.is_other if screen.text else False, what="the way back")
    assert screen.has_old_modes
    ps = ("ps", "--no-headers", "-o", "stat", "-p", pid)
    Machine.wait_for(lambda: "T" in shared_machine.run(*ps).stdout, what="it to be stopped")
    screen.resume()
    Machine.wait_for(lambda: screen.is_other if screen.text else False, what="the picture again")
    await_text(screen, job, "q quits")
    shared_machine.run("kill", "-TERM", pid)
    assert screen.wait_end() == 128 + signal.SIGTERM
    assert_given_back(screen)


def test_a_new_size_is_used_at_once(screen: Screen, job: str) -> None:
    screen.resize(40, 8)
    Machine.wait_for(
        lambda: screen.text.splitlines()[7:] == ["q quits"], what="a picture of eight lines"
    )
    assert "#" not in screen.text
    assert job in screen.text


def test_a_lost_bus_is_connected_again_or_ends_it_with_a_clear_line(machine: Machine) -> None:
    job = write_idle(machine, "line1")
    machine.run("systemctl", "start", unit_of(job))
    with Screen(machine, "sjactl", "watch", job) as screen:
        await_text(screen, job, "degraded")
        machine.run("systemctl", "daemon-reload")
        machine.run("systemctl", "daemon-reexec")
        machine.run("systemctl", "stop", unit_of(job))
        await_text(screen, "stopped")
        machine.run("systemctl", "kill", "--signal=KILL", "dbus.service")
        machine.run("systemctl", "start", unit_of(job))
        await_text(screen, "degraded")
        machine.run("systemctl", "stop", "dbus.socket", "dbus.service")
        assert screen.wait_end() == 1
        assert_given_back(screen)
        assert "D-Bus" in screen.text


def test_piped_changes_are_lines(shared_machine: Machine, job: str) -> None:
    machine = shared_machine
    machine.spawn("watcher", "sh", "-c", f"exec sjactl watch {job} >/root/changes")

    def read() -> list[list[str]]:
        return [line.split() for line in machine.read("/root/changes").splitlines()]

    def await_state(state: str, *, count: int = 0) -> int:
        """Wait for a line that is not among the first `count`; return how many there are."""
        machine.wait_for(lambda: read()[count:] and read()[-1][5] == state, what=state)
        return len(read())

    machine.wait_for(lambda: machine.exists("/root/changes"), what="the file")
    await_state("degraded")
    assert read()[0][3] == "-"
    machine.run("systemctl", "stop", unit_of(job))
    await_state("stopped")
    machine.run("systemctl", "start", unit_of(job))
    count = await_state("degraded")
    machine.run("systemctl", "kill", "--signal=KILL", unit_of(job))
    await_state("degraded", count=count)
    assert {line[2] for line in read()} == {job}
    assert "\x1b" not in machine.read("/root/changes")
    machine.run("systemctl", "kill", "--signal=INT", "watcher")
    machine.wait_for(
        lambda: machine.show("watcher", "ActiveState")["ActiveState"] != "active", what="the end"
    )
    assert "Failed" not in machine.journal("watcher.service")
    assert machine.run("sjactl", "watch", "none", check=False).returncode == 4


def test_nothing_is_cut_at_the_edge_of_a_terminal(shared_machine: Machine, job: str) -> None:
    machine = shared_machine
    title = "三号车间 海天注塑机 温度与压力" * 3
    write_idle(machine, "a234567890123456789012b", title=title + "\\u001b[2J\\u202e e\\u0301 👩‍🏭")
    for columns, verbs in ((80, ["list"]), (40, ["list", "why", "status"])):
        for verb in verbs:
            words = [verb] if verb == "list" else [verb, job]
            with Screen(machine, "sjactl", *words, columns=columns, lines=40) as screen:
                assert screen.wait_end() == 0
                assert "degraded" in screen.text
                if verb == "list":
                    assert "#" not in screen.text
                    assert len(screen.text.split("\n\n")[0].splitlines()) == 3
                    assert "\x1b[3" in screen.raw  # in colour
    piped = machine.run("sjactl", "list").stdout
    assert title in piped
    assert "\x1b" not in piped
    for words in (["env", "NO_COLOR=1", "sjactl", "list"], ["sjactl", "--no-color", "watch"]):
        with Screen(machine, *words) as screen:
            await_text(screen, job)
            screen.press(b"q")
            assert screen.wait_end() == 0
            assert set(re.findall(r"\x1b\[([0-9;]*)m", screen.raw)) <= {"0"}
    machine.run("sjactl", "remove", "a234567890123456789012b")
