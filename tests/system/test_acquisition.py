"""Acquisition jobs against a real device and real databases: no sample missing, none doubled."""

import re
from collections.abc import Iterator
from itertools import count, pairwise

import pytest

from tests.machines.machine import Machine
from tests.system.counterparts import Influx, ModbusDevice, StateFolder, VictoriaMetrics
from tests.system.jobs import view, wait_state
from tests.system.lines import (
    Line,
    assert_complete,
    create_acquisition,
    describe_device,
    lines_since,
    mark_journal,
)

_numbers = count(1)


@pytest.fixture
def influx(shared_machine: Machine) -> Influx:
    """InfluxDB, which runs in the machine that the tests of this file share."""
    database = Influx(shared_machine)
    database.start()
    return database


@pytest.fixture
def line(shared_machine: Machine, influx: Influx) -> Iterator[Line]:
    """A job of its own for each test, which reads and writes."""
    number = next(_numbers)
    line = Line(shared_machine, influx, f"press{number}", 1500 + number)
    yield line
    line.stop()
    line.device.stop()


def test_kills_lose_no_sample(line: Line) -> None:
    for done in range(3):
        line.signal_worker("KILL")
        line.wait_restarts(done + 1)
    shown = view(line.machine, line.job)
    assert (shown["state"], shown["restarts"]) == ("running", 3)
    assert (shown["error"]["result"], shown["error"]["exit_code"]) == ("signal", None)
    assert_complete(line, lost=3)


def test_a_hangup_is_no_end(line: Line) -> None:
    """Mic92/dotfiles #5894: systemd took a death by SIGHUP for a clean end, for days."""
    line.signal_worker("HUP")
    line.wait_restarts(1)
    assert_complete(line, lost=1)


def test_a_hang_ends_by_the_watchdog_and_loses_no_sample(line: Line) -> None:
    place = mark_journal(line.machine)
    line.signal_worker("STOP")
    line.wait_restarts(1)
    assert view(line.machine, line.job)["error"]["result"] == "watchdog"
    said = "\n".join(lines_since(line.machine, line.unit, place))
    # faulthandler's stack of the main thread, down to where the program began.
    assert re.search(r"File .*/sja_units/worker\.py., line \d+ in main", said)
    assert_complete(line, lost=1)


def test_device_away_and_back(line: Line) -> None:
    """Home Assistant #68161, openHAB #10071 and many more, in a whole machine."""
    place = mark_journal(line.machine)
    line.device.stop()
    shown = wait_state(line.machine, line.job, "degraded")
    assert line.name in shown["status"]
    assert shown["health"]["devices"][line.name]["state"] == "disconnected"
    failures = shown["health"]["devices"][line.name]["consecutive_failures"]

    def has_failed_again() -> bool:
        device = view(line.machine, line.job)["health"]["devices"][line.name]
        return bool(device["consecutive_failures"] > failures + 1)

    line.machine.wait_for(has_failed_again, what="more tries to reach the device")
    line.device.start()
    line.wait_reads()
    shown = view(line.machine, line.job)
    assert (shown["restarts"], shown["error"]) == (0, None)
    said = lines_since(line.machine, line.unit, place)
    assert [line.name in words for words in said] == [True, True], said
    assert_complete(line, lost=1)


def test_database_away_and_back(line: Line, influx: Influx) -> None:
    place = mark_journal(line.machine)
    influx.stop()
    line.wait_kept(20)
    influx.start()
    line.wait_reads()
    shown = view(line.machine, line.job)
    assert (shown["restarts"], shown["error"]) == (0, None)
    said = lines_since(line.machine, line.unit, place)
    assert ["database" in words for words in said] == [True, True], said
    assert_complete(line)


def test_what_waits_for_the_database_outlives_restarts(line: Line, influx: Influx) -> None:
    """Telegraf #802, #69, #18285: a restart dropped what waited."""
    influx.stop()
    line.wait_kept(5)
    line.machine.run("sjactl", "restart", line.job)
    line.wait_kept(10)
    line.signal_worker("KILL")
    line.wait_kept(15)
    influx.start()
    line.wait_reads()
    assert_complete(line, lost=1)


def test_database_killed(line: Line, influx: Influx) -> None:
    for _ in range(2):
        influx.kill()
        influx.wait()
        line.wait_reads()
    assert_complete(line)


def test_a_stop_leaves_nothing_unsent(line: Line, influx: Influx) -> None:
    line.stop()
    assert line.compare() == ({}, {})
    # Also where it has given up on the database for a while, which is back by then.
    line.machine.run("sjactl", "start", line.job)
    influx.stop()
    line.wait_kept(20)
    influx.start()
    line.stop()
    assert line.compare() == ({}, {})


def test_power_cuts_lose_no_sample(machine: Machine) -> None:
    influx = Influx(machine)
    influx.start()
    line = Line(machine, influx, "press1", 1502)
    for _ in range(2):
        machine.cut()
        machine.boot()
        # The job is up before its peers: that is no reason to fail.
        wait_state(machine, line.job, "degraded", "running")
        line.device.start()
        influx.start()
        line.wait_reads()
    assert_complete(line, lost=2)


def test_victoria_metrics(shared_machine: Machine) -> None:
    database = VictoriaMetrics(shared_machine)
    database.start()
    line = Line(shared_machine, database, "press0", 1500)
    # It would keep what is sent twice, so the kill and the stop come when nothing is under way.
    line.device.freeze()
    shared_machine.wait_for(lambda: line.compare()[0].total() <= 1, what="all to be stored")
    line.signal_worker("KILL")
    database.stop()
    line.device.thaw()
    line.wait_kept(10)
    assert view(shared_machine, line.job)["restarts"] == 1
    database.start()
    line.wait_reads()
    assert_complete(line, lost=1)
    line.device.stop()
    database.stop()


def test_a_dead_device_costs_the_others_nothing(shared_machine: Machine, influx: Influx) -> None:
    alive, dead = ModbusDevice(shared_machine, 1600), ModbusDevice(shared_machine, 1601)
    alive.start()
    dead.start()
    devices = [
        describe_device("alive", alive.port),
        describe_device("dead", dead.port, timeout="2s", retries=0),
    ]
    job = create_acquisition(shared_machine, "pair", devices, influx.sink)
    wait_state(shared_machine, job, "running")
    dead.freeze()

    def failures() -> int:
        return int(view(shared_machine, job)["health"]["devices"]["dead"]["consecutive_failures"])

    shared_machine.wait_for(lambda: failures() >= 3, what="the dead device to be given up thrice")
    shown = view(shared_machine, job)
    assert shown["state"] == "degraded"
    assert "dead: " in shown["status"]
    assert shown["health"]["devices"]["alive"]["state"] == "healthy"
    shared_machine.run("sjactl", "stop", job)
    times = [at for at, _ in influx.rows("alive", "counter")]
    # Whoever waited for the dead one would have a gap of its whole time-out.
    assert max(later - at for at, later in pairwise(times)) < 2e9
    alive.stop()
    dead.stop()


def test_local_data_stay_in_the_state_folder(shared_machine: Machine) -> None:
    line = Line(shared_machine, StateFolder(shared_machine), "local", 1700)
    for done, signal in enumerate(("KILL", "TERM")):
        line.signal_worker(signal)
        line.wait_restarts(done + 1)
    assert_complete(line, lost=1)
    line.device.stop()
