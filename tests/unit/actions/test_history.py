"""Runs from entries as systemd 252 and 257 write them; the real ones are in tests/system."""

from collections.abc import Iterable, Iterator
from itertools import count, islice

import pytest

from sja_units.actions.history import assemble
from sja_units.actions.run import Moment, Now, Run
from sja_units.hooks import journal
from sja_units.job import Job
from sja_units.systemd.journal_read import Entry

JOB = Job("acquisition", "line1")
STARTING = "7d4958e842da4a758f6c1cdc7b36dcc5"
STARTED = "39f53479d3a045ac8e11786248231fbf"
NOT_STARTED = "be02cf6855d2428ba40df7e9d022f03d"
STOPPING = "de5b426a63be47a7b6ac3eaac82e2f6f"
STOPPED = "9d1aaa27d60140bd96365438aad20286"
EXITED = "98e322203f7a4ed290d09fe03c09fe15"
FAILED = "d9b373ed55a64feb8242e02dbe79a49c"
SUCCEEDED = "7ad2d189f7e94e70a38c781354912448"


def stamp(seconds: float, boot: str = "b1") -> Entry:
    micros = str(int(seconds * 1e6))
    return {"__REALTIME_TIMESTAMP": micros, "__MONOTONIC_TIMESTAMP": micros, "_BOOT_ID": boot}


def step(seconds: float, step: str, run: str, boot: str = "b1", **fields: str) -> Entry:
    return {
        **stamp(seconds, boot),
        "_PID": "1",
        "_UID": "0",
        "MESSAGE_ID": step,
        "UNIT": JOB.unit,
        "INVOCATION_ID": run,
        **fields,
    }


def say(seconds: float, run: str, message: str, comm: str = "python") -> Entry:
    own = {"_SYSTEMD_INVOCATION_ID": run, "MESSAGE": message, "_COMM": comm}
    return {**stamp(seconds), "_PID": "77", "_UID": "61234", **own}


def hook(seconds: float, run: str, number: str, **fields: str) -> Entry:
    """Return an entry of a hook, which may have ended before the journal looked at it."""
    own = {"_PID": "99", "_UID": "0", "MESSAGE_ID": number, "SJA_INVOCATION_ID": run}
    return {**stamp(seconds), **own, **fields}


def target(seconds: float, unit: str, boot: str = "b1") -> Entry:
    return {**stamp(seconds, boot), "_PID": "1", "MESSAGE_ID": STOPPED, "UNIT": unit}


def put_together(entries: Iterable[Entry], *, boot: str = "b1", now: float = 1000) -> list[Run]:
    """Return the runs of entries, oldest entry first."""
    end = Moment(999 * 10**9, 999 * 10**9)
    backwards = list(entries)[::-1]
    return list(assemble(JOB, backwards, Now(boot, int(now * 1e9)), lambda _: end))


def live(start: float, run: str, boot: str = "b1") -> list[Entry]:
    return [step(start, STARTING, run, boot), step(start + 1, STARTED, run, boot)]


def fail(at: float, run: str, status: str = "78", **fields: str) -> list[Entry]:
    exited = {"COMMAND": "ExecStart", "EXIT_CODE": "exited", "EXIT_STATUS": status, **fields}
    return [step(at, EXITED, run, **exited), step(at + 1, FAILED, run, UNIT_RESULT="exit-code")]


def test_an_end_by_exit_status_has_the_worker_s_last_error() -> None:
    words = [say(5, "r1", "first"), say(6, "r1", "last"), say(7, "r1", " ")]
    (run,) = put_together([*live(1, "r1"), *words, *fail(8, "r1")])
    assert (run.result, run.exit_code, run.message) == ("exit-code", 78, "last")
    assert run.seconds == 8
    assert run.ready == Moment(2 * 10**9, 2 * 10**9)


def test_words_that_arrive_late_belong_to_their_own_run() -> None:
    entries = [*live(1, "r1"), *fail(3, "r1"), step(5, STARTING, "r2"), say(5.1, "r1", "broken")]
    newer, older = put_together(entries)
    assert (newer.result, newer.ended, newer.message) == (None, None, "")
    assert older.message == "broken"


def test_a_killed_worker_has_no_last_word() -> None:
    killed = {"EXIT_CODE": "killed", "EXIT_STATUS": "9"}
    entries = [*live(1, "r1"), say(2, "r1", "all is well"), *fail(8, "r1", **killed)]
    (run,) = put_together(entries)
    assert (run.signal, run.exit_code) == ("KILL", None)
    assert "SIGKILL" in run.message


@pytest.mark.parametrize(
    ("between", "stopped", "result"),
    [
        ([], "stop", "stopped"),
        ([], "restart", "restarted"),
        ([target(3, "sja-jobs.target")], "stop", "maintenance"),
        ([target(2.9, "multi-user.target"), target(3, "sja-jobs.target")], "stop", "shutdown"),
    ],
)
def test_a_stop_is_told_from_another(between: list[Entry], stopped: str, result: str) -> None:
    order = [
        step(4, STOPPING, "r1", JOB_TYPE="stop"),
        step(5, SUCCEEDED, "r1"),
        step(5, STOPPED, "r1", JOB_TYPE=stopped),
    ]
    later = [target(6, "sja-jobs.target"), target(7, "multi-user.target")]
    (run,) = put_together([*live(1, "r1"), *between, *order, *later])
    assert (run.result, run.is_failure) == (result, False)


def test_an_end_without_an_order_is_a_failure() -> None:
    ended = [step(4, SUCCEEDED, "r1"), step(4, STOPPED, "r1", JOB_TYPE="restart")]
    (run,) = put_together([*live(1, "r1"), *ended])
    assert (run.result, run.is_failure) == ("success", True)


def test_a_run_without_an_end_ended_with_its_boot() -> None:
    first = [*live(1, "r1", "b1"), target(9, "multi-user.target", "b1")]
    entries = [*first, *live(1, "r2", "b2"), *live(1, "r3", "b3")]
    goes_on, cut, down = put_together(entries, boot="b3")
    assert (goes_on.result, goes_on.ended) == (None, None)
    assert (cut.result, cut.seconds) == ("power-cut", 998)
    assert down.result == "shutdown"


def test_a_lost_end_is_not_taken_for_a_run_that_goes_on() -> None:
    newer, older = put_together([*live(1, "r1"), *live(5, "r2")])
    assert newer.ended is None
    assert older.result == "unknown"
    assert older.ended is not None


def test_a_run_from_before_the_journal_has_no_start() -> None:
    (run,) = put_together(fail(8, "r1"))
    assert (run.started, run.seconds, run.result) == (None, None, "exit-code")


def test_a_wait_for_the_next_try_is_no_part_of_a_run() -> None:
    wait = hook(1, "r1", journal.WAITS, SJA_PAUSE="60")
    waiting = [step(1, STARTING, "r1"), wait]
    assert put_together(waiting, now=30) == []
    assert put_together([*waiting, step(30, SUCCEEDED, "r1")]) == []
    (begun,) = put_together(waiting, now=100)
    assert begun.ended is None
    (run,) = put_together([*waiting, *fail(65, "r1")])
    assert run.seconds == 5


def test_a_failed_assertion_is_a_run_of_its_own() -> None:
    assertion = step(9, NOT_STARTED, "r1", JOB_RESULT="assert")
    failed = step(4, NOT_STARTED, "r1", JOB_RESULT="failed")
    newer, older = put_together([*live(1, "r1"), *fail(3, "r1"), failed, assertion])
    assert (newer.result, newer.seconds, newer.is_failure) == ("assert", 0, True)
    assert older.exit_code == 78


def test_only_as_much_is_read_as_is_asked_for() -> None:
    read = []

    def flap() -> Iterator[Entry]:
        for i in count():
            run = f"r{i}"
            for entry in [*live(1, run), *fail(3, run)][::-1]:
                read.append(entry)
                yield entry

    runs = assemble(JOB, flap(), Now("b1", 0), lambda _: Moment(0, 0))
    assert len(list(islice(runs, 20))) == 20
    assert len(read) == 80


@pytest.mark.parametrize("digits", ["9" * 5000, "999999999", "-5", "²", "1e9", ""])
def test_a_pause_that_is_none_changes_nothing(digits: str) -> None:
    wait = hook(1, "r1", journal.WAITS, SJA_PAUSE=digits)
    (run,) = put_together([step(1, STARTING, "r1"), wait, *fail(65, "r1")])
    assert run.started == Moment(10**9, 10**9)


def test_a_program_cannot_write_its_job_s_history() -> None:
    """Whatever it calls itself, and whatever fields it gives its entries."""
    fields = {"UNIT": JOB.unit, "INVOCATION_ID": "r2", "SJA_INVOCATION_ID": "r1", "SJA_PAUSE": "60"}
    forged = [
        {
            **say(2, "r1", "waiting 60 s before the next try (11 failed in a row)", "begin"),
            **fields,
        },
        *[
            {**say(3, "r1", "it did its work", "end"), **fields, "MESSAGE_ID": number}
            for number in (journal.WAITS, journal.COMPLETED, STARTING, STARTED, FAILED, SUCCEEDED)
        ],
    ]
    orders = [step(4, STOPPING, "r1", JOB_TYPE="stop"), step(5, SUCCEEDED, "r1")]
    plain = put_together([*live(1, "r1"), *orders])
    assert put_together([*live(1, "r1"), *forged, *orders]) == plain


def test_what_the_end_hook_says_makes_a_run_completed() -> None:
    entries = [*live(1, "r1"), step(5, SUCCEEDED, "r1"), hook(5, "r1", journal.COMPLETED)]
    (run,) = put_together(entries)
    assert (run.result, run.exit_code) == ("completed", 0)
