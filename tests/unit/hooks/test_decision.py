"""The contract's table of what is wanted after which end, row by row, and what failures lead to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sja_units.hooks.decision import (
    COMPLETED,
    FAILED,
    NOTHING,
    RESTARTED,
    STARTED_AGAIN,
    STOPPED,
    TAKEN_ALONG,
    Decision,
    Ended,
    Notes,
    decide_end,
    decide_stop,
    decide_while_waiting,
    find_pause,
)
from sja_units.hooks.record import Record
from sja_units.hooks.systemd import View

NOW = 1_800_000_000
SECOND = 1_000_000
# It began at 100 s of the monotonic clock, and was up a second later.
UP = {"began": 100 * SECOND, "active_since": 101 * SECOND, "active_until": 102 * SECOND}
NEVER_UP = {"began": 100 * SECOND, "active_since": 50 * SECOND, "active_until": 60 * SECOND}
KILLED = Ended("signal", "killed", "KILL")


def view(base: dict[str, int] = UP, **shown: object) -> View:
    seen = View()
    for name, value in {**base, **shown}.items():
        setattr(seen, name, value)
    return seen


def end(ended: Ended, seen: View, notes: Notes | None = None) -> Decision:
    return decide_end(ended, seen, notes or Notes(), "2027-01-15T08:00:00.000000Z", NOW)


def fail(ended: Ended, seen: View, notes: Notes | None = None) -> tuple[Decision, Record]:
    made = end(ended, seen, notes)
    assert made.outcome == FAILED
    assert made.record is not None
    return made, made.record


@pytest.mark.parametrize(
    ("what", "seen", "outcome"),
    [
        ("stopped by order", view(job_type="stop"), STOPPED),
        ("a shutdown is under way", view(job_type="stop", shutdown="activating"), TAKEN_ALONG),
        ("a shutdown came", view(job_type="stop", shutdown="active"), TAKEN_ALONG),
        ("a shutdown is queued", view(job_type="stop", shutdown_job_type="start"), TAKEN_ALONG),
        (
            "sja-jobs.target stops",
            view(job_type="stop", target_job_type="stop"),
            TAKEN_ALONG,
        ),
        (
            "sja-jobs.target has stopped since",
            view(job_type="stop", target_ended=103 * SECOND),
            TAKEN_ALONG,
        ),
        (
            "sja-jobs.target had stopped before it was started by order",
            view(job_type="stop", target_ended=99 * SECOND),
            STOPPED,
        ),
        (
            "sja-jobs.target is about to start",
            view(job_type="stop", target_job_type="start"),
            STOPPED,
        ),
        ("restarted by order", view(job_type="restart"), RESTARTED),
        ("restarted by order where it runs", view(job_type="try-restart"), RESTARTED),
    ],
)
@pytest.mark.parametrize("ended", [Ended("success", "exited", "0"), KILLED, Ended("timeout")])
def test_what_an_end_was(what: str, seen: View, outcome: str, ended: Ended) -> None:
    """Whatever the worker ended with on the way."""
    assert end(ended, seen).outcome == outcome


@pytest.mark.parametrize(
    ("what", "ended", "seen"),
    [
        ("killed", KILLED, view()),
        ("crashed", Ended("exit-code", "exited", "1"), view()),
        ("ended by itself", Ended("success", "exited", "0"), view()),
        ("hung", Ended("watchdog", "killed", "ABRT"), view()),
        ("killed before it was up", KILLED, view(NEVER_UP)),
        ("could not be set up", Ended("exit-code"), view(NEVER_UP)),
        ("started while it crashed", KILLED, view(job_type="start")),
        ("needs an operator", Ended("exit-code", "exited", "77"), view()),
        ("wrong", Ended("exit-code", "exited", "78"), view()),
        ("did not start, by order", Ended("success", "exited", "0"), view(NEVER_UP)),
    ],
)
def test_what_nobody_ordered_is_a_failure_and_stays_wanted(
    what: str, ended: Ended, seen: View
) -> None:
    assert end(ended, seen).outcome == FAILED


def test_an_end_of_a_program_is_its_work_done() -> None:
    assert end(Ended("success", "exited", "79"), view()).outcome == COMPLETED
    # An order that came meanwhile counts.
    assert end(Ended("success", "exited", "79"), view(job_type="stop")).outcome == STOPPED


def test_a_start_that_came_while_it_stopped_is_no_failure() -> None:
    stopped = Ended("success", "exited", "0")
    assert end(stopped, view(job_type="start")).outcome == STARTED_AGAIN
    assert end(stopped, view(NEVER_UP, job_type="start")).outcome == FAILED


@pytest.mark.parametrize(
    ("job_type", "outcome"),
    [("stop", STOPPED), ("restart", NOTHING), ("start", NOTHING), ("", NOTHING)],
)
def test_what_begins_before_a_stop(job_type: str, outcome: str) -> None:
    assert decide_stop(view(job_type=job_type)) == outcome


@pytest.mark.parametrize(
    ("seen", "outcome"),
    [
        (view(job_type="stop"), STOPPED),
        (view(job_type="stop", shutdown="activating"), TAKEN_ALONG),
        (view(job_type="stop", target_job_type="stop"), TAKEN_ALONG),
        (view(job_type="restart"), RESTARTED),
        (view(job_type="try-restart"), RESTARTED),
        (view(job_type="start"), NOTHING),
        (view(), NOTHING),
    ],
)
def test_what_comes_while_the_end_hook_waits(seen: View, outcome: str) -> None:
    assert decide_while_waiting(seen) == outcome


@pytest.mark.parametrize("status", ["77", "78"])
def test_what_needs_an_operator_is_not_tried_again(status: str) -> None:
    made, record = fail(Ended("exit-code", "exited", status), view(), Notes(failures=4))
    assert (made.is_tried_again, made.waits_here) == (False, False)
    assert (record.failures, record.status) == (5, status)


def test_pauses_follow_the_contract() -> None:
    pauses = [find_pause(failures) for failures in range(1, 40)]
    assert pauses[0] <= 1
    in_first_minute = [
        pause for index, pause in enumerate(pauses) if sum(pauses[: index + 1]) <= 60
    ]
    assert max(in_first_minute) <= 10
    assert pauses == sorted(pauses)
    assert max(pauses) == 300


@pytest.mark.parametrize(
    ("seconds", "failures"), [(59.9, 8), (60, 1), (86400, 1)], ids=["less", "a minute", "a day"]
)
def test_a_minute_of_being_well_begins_a_new_count(seconds: float, failures: int) -> None:
    seen = view(active_until=int((101 + seconds) * SECOND))
    assert fail(KILLED, seen, Notes(failures=7))[1].failures == failures


def test_a_run_that_was_never_up_is_not_well() -> None:
    seen = view(NEVER_UP, active_since=0, active_until=90 * SECOND)
    assert fail(KILLED, seen, Notes(failures=7))[1].failures == 8


@pytest.mark.parametrize(
    ("ended", "begin_status", "waits"),
    [
        (Ended("exit-code"), "", True),
        (Ended("resources"), "", True),
        (Ended("exit-code"), "1", True),
        (Ended("exit-code"), "0", False),
        (Ended("exit-code"), "78", False),
        (KILLED, "", False),
    ],
)
def test_who_waits_where_the_begin_hook_cannot(
    ended: Ended, begin_status: str, waits: bool
) -> None:
    assert fail(ended, view(NEVER_UP, begin_status=begin_status))[0].waits_here is waits


@pytest.mark.parametrize(
    ("ended", "seen", "forgets", "in_vain"),
    [
        (Ended("exit-code", "exited", "78"), view(NEVER_UP), True, True),
        (Ended("exit-code", "exited", "77"), view(NEVER_UP), True, True),
        (Ended("exit-code", "exited", "78"), view(), True, False),
        (KILLED, view(NEVER_UP), False, False),
        (KILLED, view(), True, False),
    ],
)
def test_a_relaunch_fails_where_it_ends_for_good(
    ended: Ended, seen: View, forgets: bool, in_vain: bool
) -> None:
    made, record = fail(ended, seen, Notes(is_relaunched=True))
    assert (made.forgets_relaunch, record.has_not_recovered) == (forgets, in_vain)
    assert not fail(ended, seen, Notes())[1].has_not_recovered


@pytest.mark.parametrize(
    ("ended", "text", "message"),
    [
        (Ended("exit-code", "exited", "78"), "interval: unknown key", "interval: unknown key"),
        (KILLED, "3 devices healthy", ""),
        (Ended("watchdog", "killed", "ABRT"), "3 devices healthy", ""),
        (Ended("watchdog", "killed", "ABRT"), "hung: no answer", "hung: no answer"),
        (Ended("exit-code"), "3 devices healthy", ""),
    ],
)
def test_a_killed_worker_has_no_last_word(ended: Ended, text: str, message: str) -> None:
    assert fail(ended, view(status_text=text))[1].message == message


@given(st.lists(st.integers(NOW - 7200, NOW + 7200), max_size=30))
def test_the_last_ten_failures_of_an_hour_are_kept(recent: list[int]) -> None:
    kept = fail(KILLED, view(), Notes(recent=tuple(recent)))[1].recent
    assert kept[-1] == NOW
    assert len(kept) <= 10
    assert all(NOW - 3600 < time <= NOW for time in kept)
    counted = [time for time in recent if NOW - 3600 < time <= NOW]
    assert list(kept[:-1]) == counted[-9:]


def test_a_program_that_ends_with_the_worker_s_status_is_started_again() -> None:
    """systemd takes it for work that is done, which only a worker may say."""
    ended = Ended("success", "exited", "79", is_program=True)
    made, record = fail(ended, view())
    assert (made.needs_start, made.is_tried_again, record.status) == (True, True, "79")
    assert end(ended, view(job_type="stop")).outcome == STOPPED
    for status in ("0", "1", "75"):
        other = Ended("success", "exited", status, is_program=True)
        assert not fail(other, view())[0].needs_start
