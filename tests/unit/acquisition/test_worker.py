"""A whole worker between a real Modbus server and a real HTTP server."""

import random
import signal
import time
from functools import partial

import pytest

from tests.unit.acquisition.conftest import MakeDevice, MakeRogue, MakeWorker
from tests.unit.acquisition.database import Database
from tests.unit.acquisition.harness import Worker, free_port, has_connections
from tests.unit.acquisition.line_parser import parse_line
from tests.unit.acquisition.rogue import answer
from tests.waiting import wait_for

pytestmark = pytest.mark.slow


DEVICE = """
[[device]]
name = "{name}"
host = "127.0.0.1"
port = {port}
timeout = "{timeout}"
{extra}
[[device.point]]
name = "n"
table = "holding"
address = 1000
type = "uint32"
[[device.point]]
name = "where"
table = "holding"
address = 1005
type = "uint16"
"""


def configure(
    sink: str, *ports: int, interval: str = "50ms", timeout: str = "1s", extra: str = ""
) -> str:
    devices = [
        DEVICE.format(name=f"d{i}", port=port, timeout=timeout, extra=extra)
        for i, port in enumerate(ports)
    ]
    return f'interval = "{interval}"\n[sink]\n{sink}\n' + "".join(devices)


def influx(port: int) -> str:
    return f'url = "http://127.0.0.1:{port}"\ndatabase = "edge"'


def wait_for_rows(database: Database, more: int = 10) -> None:
    goal = len(database.column("n")) + more
    wait_for(lambda: len(database.column("n")) >= goal, f"{more} more rows")


def state_of(worker: Worker, device: str) -> object:
    return worker.health().get("devices", {}).get(device, {}).get("state")


def test_values_go_from_the_device_to_the_database(
    make_device: MakeDevice, make_worker: MakeWorker, database: Database
) -> None:
    device = make_device()
    worker = make_worker(configure(influx(database.port), device.port))
    worker.start()
    worker.wait_until_ready()
    wait_for_rows(database)
    wait_for(lambda: worker.health().get("samples", 0) >= 20, "samples in health.json")
    wait_for(lambda: worker.heard("WATCHDOG=1"), "a ping")
    assert worker.heard("STATUS=1/1 device healthy")
    health = worker.health()
    assert health["ok"] is True
    assert health["devices"]["d0"]["last_success"]
    assert health["sink"]["state"] == "healthy"
    assert worker.end() == 0
    # The order to stop loses nothing: every read that was answered is there once.
    assert database.column("n") == [*range(1, device.registers.answered + 1)]
    assert set(database.column("where")) == {1005}
    assert database.repeated == 0


def values_on_disk(worker: Worker) -> set[int]:
    files = (worker.state / "spool").glob("*.lp")
    # The last line may be torn by the kill.
    lines = (line for file in files for line in file.read_text().rpartition("\n")[0].split("\n"))
    return {int(parse_line(line).fields["n"]) for line in lines if line and line[0] != "#"}


def test_no_kill_loses_or_doubles_what_was_read(
    make_device: MakeDevice, make_worker: MakeWorker, database: Database
) -> None:
    device = make_device()
    # The time-out is long: a busy machine must not ask twice, for then an answer would be lost.
    config = configure(influx(database.port), device.port, interval="10ms", timeout="20s")
    worker = make_worker(config)
    rng = random.Random(7)
    excused: set[int] = set()
    for _ in range(5):
        worker.start()
        wait_for_rows(database, 20)
        time.sleep(rng.uniform(0, 0.05))
        worker.end(signal.SIGKILL)
        # A request may be on its way, and counts as answered once the device has come to it.
        wait_for(lambda: not has_connections(device.port), "the device to close its connection")
        # What the device sent in the last moment had not been taken yet.
        held = values_on_disk(worker) | {int(n) for n in database.column("n")}
        excused |= set(range(max(held) + 1, device.registers.answered + 1))
    worker.start()
    wait_for_rows(database, 5)
    assert worker.end() == 0
    rows = database.column("n")
    assert set(range(1, device.registers.answered + 1)) - set(rows) <= excused
    assert len(rows) == len(set(rows))


def test_nothing_is_lost_while_the_database_is_away(
    make_device: MakeDevice, make_worker: MakeWorker
) -> None:
    """Telegraf #802, #5536, #69: values that waited were dropped, at a restart without a word."""
    device = make_device()
    port = free_port()
    worker = make_worker(configure(influx(port), device.port))
    worker.start()
    wait_for(lambda: worker.health().get("sink", {}).get("state") == "error", "a failing sink")
    wait_for(lambda: worker.health()["spool"]["batches"] > 10, "batches that wait")
    health = worker.health()
    assert health["ok"] is False
    assert health["spool"]["oldest"]
    assert "database" in health["message"]
    assert worker.end() == 0
    worker.start()
    database = Database(port)
    wait_for(lambda: worker.health().get("ok"), "health")
    assert worker.end() == 0
    database.close()
    assert database.column("n") == [*range(1, device.registers.answered + 1)]


def test_a_device_that_comes_back_is_read_again_without_a_flood_of_lines(
    make_device: MakeDevice, make_worker: MakeWorker, database: Database
) -> None:
    """Home Assistant #68161 and many more: nothing but a restart brought a device back.

    EPICS #6 and more: and while it was away, the log was flooded.
    """
    port = free_port()
    worker = make_worker(configure(influx(database.port), port))
    worker.start()
    wait_for(lambda: worker.health().get("cycles", 0) > 20, "cycles")
    assert state_of(worker, "d0") == "disconnected"
    assert worker.health()["ok"] is False
    make_device(port=port)
    wait_for(lambda: state_of(worker, "d0") == "healthy", "the device")
    wait_for_rows(database)
    assert worker.end() == 0
    told = [line for line in worker.journal().splitlines() if "d0" in line]
    assert len(told) == 2


def test_a_device_that_falls_silent_gets_no_more_rows(
    make_rogue: MakeRogue, make_worker: MakeWorker, database: Database
) -> None:
    """ThingsBoard #2065: the last values were written again and again, as if just read."""
    device = make_rogue(lambda request: [answer(request, bytes(12))])
    worker = make_worker(configure(influx(database.port), device.port, timeout="200ms"))
    worker.start()
    wait_for_rows(database)
    device.reply = lambda _: []
    wait_for(lambda: state_of(worker, "d0") == "timeout", "a timeout")
    wait_for(lambda: worker.health()["spool"]["batches"] == 0, "all to be sent")
    rows, health = len(database.column("n")), worker.health()
    wait_for(lambda: worker.health()["cycles"] > health["cycles"] + 20, "more cycles")
    assert len(database.column("n")) == rows
    last = worker.health()["devices"]["d0"]["last_success"]
    assert last == health["devices"]["d0"]["last_success"]
    assert worker.end() == 0


def test_a_device_that_never_answers_costs_the_others_nothing(
    make_device: MakeDevice, make_rogue: MakeRogue, make_worker: MakeWorker, database: Database
) -> None:
    """Telegraf #11782 and many more: one dead device stopped the others."""
    silent = make_rogue(lambda _: [])
    garbling = make_rogue(lambda request: [answer(request, b"\0\0", function=9)])
    device = make_device()
    ports = (silent.port, garbling.port, device.port)
    worker = make_worker(configure(influx(database.port), *ports, timeout="30s"))
    worker.start()
    wait_for_rows(database, 40)
    wait_for(lambda: state_of(worker, "d1") == "error", "an error")
    assert state_of(worker, "d2") == "healthy"
    assert worker.health()["message"].startswith("1/3 devices healthy")
    worker.end(signal.SIGKILL)


def test_a_unit_behind_a_gateway_that_is_away_does_not_stop_its_neighbour(
    make_device: MakeDevice, make_worker: MakeWorker, database: Database
) -> None:
    device = make_device(units=frozenset({1}))
    away = DEVICE.format(name="away", port=device.port, timeout="1s", extra="unit_id = 5")
    worker = make_worker(configure(influx(database.port), device.port) + away)
    worker.start()
    wait_for_rows(database)
    wait_for(lambda: state_of(worker, "away") == "timeout", "a timeout")
    assert state_of(worker, "d0") == "healthy"
    assert worker.end() == 0


def test_a_bad_register_is_told_in_health(
    make_device: MakeDevice, make_worker: MakeWorker, database: Database
) -> None:
    device = make_device(illegal=frozenset({1005}))
    worker = make_worker(configure(influx(database.port), device.port))
    worker.start()
    wait_for_rows(database)
    wait_for(lambda: worker.health().get("devices", {}).get("d0", {}).get("bad_registers"), "it")
    health = worker.health()
    (bad,) = health["devices"]["d0"]["bad_registers"]
    assert "1005" in bad
    assert health["ok"] is False
    assert health["devices"]["d0"]["state"] == "healthy"
    assert worker.end() == 0
    assert database.column("where") == []


def test_a_local_job_keeps_what_it_reads(make_device: MakeDevice, make_worker: MakeWorker) -> None:
    device = make_device()
    worker = make_worker(configure('type = "local"', device.port))
    for batches in (10, 20):
        worker.start()
        wait_for(partial(_holds, worker, batches), "batches")
        assert worker.end() == 0
    assert values_on_disk(worker) == {*range(1, device.registers.answered + 1)}


def _holds(worker: Worker, batches: int) -> bool:
    return int(worker.health().get("spool", {}).get("batches", 0)) >= batches


def test_a_second_worker_on_the_same_state_ends_with_75(
    make_device: MakeDevice, make_worker: MakeWorker
) -> None:
    worker = make_worker(configure('type = "local"', make_device().port))
    worker.start()
    worker.wait_until_ready()
    second = make_worker((worker.run_dir / "config").read_text())
    second.environment["STATE_DIRECTORY"] = str(worker.state)
    second.start()
    assert second.process
    assert second.process.wait(30) == 75
    assert len(second.journal().splitlines()) == 1


def test_it_is_ready_without_device_and_database(make_worker: MakeWorker) -> None:
    worker = make_worker(configure(influx(free_port()), free_port()))
    worker.start()
    worker.wait_until_ready()
    assert worker.end() == 0


def test_late_cycles_are_counted_and_do_not_pile_up(
    make_rogue: MakeRogue, make_worker: MakeWorker, database: Database
) -> None:
    slow = make_rogue(lambda request: [0.12, answer(request, b"\0" * 12)])
    worker = make_worker(configure(influx(database.port), slow.port))
    worker.start()
    wait_for(lambda: worker.health().get("late_cycles", 0) > 10, "late cycles")
    health = worker.health()
    assert health["cycles"] <= health["late_cycles"]
    assert health["cycle_seconds"] > 0.1
    wait_for(lambda: worker.health()["ok"] is False, "degraded")
    assert "d0" in worker.health()["message"]
    assert state_of(worker, "d0") == "healthy"
    assert worker.end() == 0


UNSET_CLOCK = """
import os, time
real = time.time_ns
time.time_ns = lambda: real() if os.path.exists({set_!r}) else 60 * 10**9
"""


def test_a_clock_that_is_not_set_yet_makes_no_samples_of_1970(
    make_device: MakeDevice, make_worker: MakeWorker, database: Database
) -> None:
    """AI-on-the-edge #3790 and others: no battery, no network time yet."""
    device = make_device()
    worker = make_worker(configure(influx(database.port), device.port))
    is_set = worker.state / "clock-is-set"
    began = time.time_ns()
    worker.start(UNSET_CLOCK.format(set_=str(is_set)))
    wait_for(lambda: device.registers.answered > 10, "reads")
    wait_for(lambda: "clock" in worker.health().get("message", ""), "a message about the clock")
    assert worker.health()["ok"] is False
    assert database.values == {}
    is_set.touch()
    wait_for(lambda: worker.health().get("ok"), "health")
    assert worker.end() == 0
    # What was read before is there, too, with the time at which it was read.
    assert database.column("n") == [*range(1, device.registers.answered + 1)]
    assert all(began < time_ns < time.time_ns() for _, time_ns, _ in database.values)


def test_what_has_waited_for_the_clock_goes_to_the_disk_in_slices(
    make_rogue: MakeRogue, make_worker: MakeWorker
) -> None:
    device = make_rogue(lambda request: [answer(request, bytes(2 * request[11]))])
    points = "".join(
        f'[[device.point]]\nname = "p{a}"\ntable = "holding"\naddress = {a}\ntype = "uint16"\n'
        for a in range(120)
    )
    head, _, _ = configure('type = "local"', device.port, interval="10ms").partition(
        "[[device.point]]"
    )
    worker = make_worker(head.replace("[sink]", '[sink]\nlayout = "narrow"') + points)
    is_set = worker.state / "clock-is-set"
    worker.start(UNSET_CLOCK.format(set_=str(is_set)))
    wait_for(lambda: len(device.requests) > 300, "reads")
    is_set.touch()
    wait_for(lambda: worker.health().get("samples", 0) > 300 * 120, "all of it")
    assert worker.end() == 0
    batches = [
        int(line.split()[4])
        for file in (worker.state / "spool").glob("*.lp")
        for line in file.read_text().splitlines()
        if line.startswith("#")
    ]
    assert sum(batches) >= 300 * 120
    assert max(batches) <= 12_000


HUNG_POLLER = """
import time
from sja_units.acquisition import worker_thread
from sja_units.acquisition.modbus import link
worker_thread.MARGIN_SECONDS = 0.2
link.Link.exchange = lambda *_: time.sleep(1000)
"""


def test_a_poller_that_hangs_stops_the_pings(make_worker: MakeWorker) -> None:
    worker = make_worker(configure('type = "local"', free_port(), timeout="100ms"))
    worker.environment["WATCHDOG_USEC"] = "300000"
    worker.start(HUNG_POLLER)
    wait_for(lambda: worker.heard("WATCHDOG=1"), "a ping")
    # Twenty times as long as between two pings.
    wait_for(lambda: time.monotonic() - worker.last_ping > 2, "no more pings")
    assert worker.process
    assert worker.process.poll() is None
    worker.end(signal.SIGKILL)


def test_a_bug_in_a_thread_ends_the_worker_with_its_traceback(make_worker: MakeWorker) -> None:
    """ThingsBoard #2132: a task died of an exception, and the gateway seemed to be well."""
    worker = make_worker(configure('type = "local"', free_port()))
    worker.start(
        "from sja_units.acquisition.modbus import link\nlink.Link.exchange = lambda *_: 1 / 0"
    )
    assert worker.process
    assert worker.process.wait(30) == 1
    assert "ZeroDivisionError" in worker.journal()


def test_a_stop_says_no_more_than_is_true(
    make_device: MakeDevice, make_worker: MakeWorker, database: Database
) -> None:
    """ "Everything that was read is in the database" was said where none was reached."""
    away = make_worker(configure(influx(free_port()), free_port()))
    away.start()
    away.wait_until_ready()
    assert away.health()["sink"]["state"] == "unknown"
    assert away.end() == 0
    assert "nothing was read" in away.journal()

    worker = make_worker(configure(influx(database.port), make_device().port))
    worker.start()
    wait_for_rows(database)
    assert worker.end() == 0
    assert "everything that was read is in the database" in worker.journal()
    (segment, *_) = sorted((worker.state / "spool").glob("*.lp"))
    segment.write_bytes(segment.read_bytes() + b"# sja1 torn")
    worker.start()
    wait_for_rows(database)
    assert worker.end() == 0
    last = worker.journal().splitlines()[-1]
    assert "everything" not in last
    assert "put aside" in last
