"""Faults of all kinds at random: no sample lost that was stored, none doubled."""

import random
import time
from collections.abc import Callable
from functools import partial

import pytest

from tests.machines.machine import Machine
from tests.system.faults import OVERFLOW, FaultyLine
from tests.system.jobs import view

_ANSWERS = (
    *("307", "400", "401", "404", "413", "429", "500", "503", "late-503"),
    *("cut", "closing", "denied", "no-gzip"),
)


def _list_database_faults(line: FaultyLine) -> dict[str, Callable[[], None]]:
    spoiled = {f"answers {mode}": partial(line.answer, mode) for mode in _ANSWERS}
    return {
        "is well": lambda: None,
        "is stopped": line.stop_database,
        "is killed": line.kill_database,
        **spoiled,
    }


def _list_machine_faults(line: FaultyLine, seconds: float) -> dict[str, Callable[[], None]]:
    wait = partial(time.sleep, seconds)
    return {
        "nothing": lambda: None,
        "kill -9": line.kill,
        "hang": line.freeze,
        "restart": line.restart,
        "a bit flips": line.flip_bit,
        "power cut": line.cut_power,
        "disk full": partial(line.fill_disk, wait),
        "disk full, kill -9": partial(line.fill_disk, line.kill),
        "disk full, restart": partial(line.fill_disk, line.restart),
        "disk read-only": partial(line.spoil_disk, wait),
        "disk full, then read-only": partial(line.spoil_full_disk, wait),
    }


def test_random_faults_lose_and_double_nothing(
    machine: Machine, pytestconfig: pytest.Config
) -> None:
    line = FaultyLine(machine, "press1", 1502)
    spoil(line, pytestconfig)
    assert_account(line)
    assert machine.exists(f"{OVERFLOW}/{line.name}")
    machine.run("sjactl", "remove", line.job)
    assert not machine.exists(f"{OVERFLOW}/{line.name}")


def spoil(line: FaultyLine, pytestconfig: pytest.Config) -> None:
    """Let all kinds of faults happen to a job, as often as there is time."""
    seed = pytestconfig.getoption("--faults-seed") or random.SystemRandom().randrange(1, 10**6)
    print(f"again with --faults-seed={seed}")
    dice = random.Random(seed)
    end = time.monotonic() + pytestconfig.getoption("--faults-seconds")
    # Shuffled decks, so that a short run has met each fault, too.
    databases: list[str] = []
    machines: list[str] = []
    while time.monotonic() < end or machines:
        at_once = _list_database_faults(line)
        in_turn = _list_machine_faults(line, dice.uniform(0.5, 3))
        databases = databases or dice.sample(sorted(at_once), len(at_once))
        machines = machines or dice.sample(sorted(in_turn), len(in_turn))
        database, fault = databases.pop(), machines.pop()
        print(f"database {database}, {fault}")
        at_once[database]()
        time.sleep(dice.uniform(0, 2))
        in_turn[fault]()
        time.sleep(dice.uniform(0, 2))
        line.mend_database()


def assert_account(line: FaultyLine, *, at_once: int = 1) -> None:
    """Stop the job: each answer of its devices is stored once, or parked, or was on its way.

    at_once: how many answers can be on their way, or in one batch.
    """
    line.await_sent()
    dropped = _read_dropped(line)
    line.stop()
    missing, extra = line.compare()
    lost = missing - line.parked()
    assert not extra, f"stored more often than read: {sorted(extra)}"
    # A bit costs the batch that it is in, and may make its header count as a line.
    assert dropped <= (at_once + 1) * line.flipped
    spared = at_once * (line.ended + line.flipped)
    assert lost.total() <= spared, f"neither stored nor parked: {sorted(lost)}"


def _read_dropped(line: FaultyLine) -> int:
    dropped: int = view(line.machine, line.job)["health"]["spool"]["dropped"]
    return dropped
