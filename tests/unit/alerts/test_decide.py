"""What is told of a job, by what a row of looks finds: once each, and never a storm."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sja_units.alerts.record import Channel, Delivery, note_delivered, note_try
from sja_units.config.host import Alert
from sja_units.job import Job
from sja_units.jobs.snapshot import JobStatus
from sja_units.jobs.state import State
from sja_units.url import parse_address
from tests.unit.alerts.looks import ALERT, START, Looks, clock, failure
from tests.unit.statuses import make_status

KEEPALIVE = Job("keepalive", "alice")
RUNNING = make_status("running", since=clock(-3600))
DEGRADED = make_status("degraded", since=clock(-3600))
CRASHING = make_status("restarting", error=failure(3))
WRONG = make_status("failed", error=failure(1, 78))
DEAD = make_status("failed", job=KEEPALIVE, error=failure(1, 77))


def test_a_series_of_failures_is_told_once_at_the_nth() -> None:
    looks = Looks()
    told = [looks.look(n, make_status("restarting", error=failure(n))) for n in range(1, 8)]
    assert told == [[], [], ["failing"], [], [], [], []]
    assert looks.pending


def test_the_nth_failure_counts_though_the_job_runs_again() -> None:
    looks = Looks()
    assert looks.look(0, make_status("running", since=clock(-5), error=failure(3))) == ["failing"]
    assert looks.look(30, make_status("running", since=clock(-5), error=failure(3))) == []
    assert looks.look(61, make_status("running", since=clock(-5), error=failure(3))) == [
        "recovered"
    ]
    assert Looks().look(0, RUNNING._replace(error=failure(3))) == []  # that was long ago


@pytest.mark.parametrize(
    ("view", "event"),
    [
        (WRONG, "failed"),
        (DEAD, "expired"),
        (make_status("failed", error=failure(1, 77)), "failed"),
        (make_status("failed"), "failed"),
    ],
)
def test_an_end_for_good_is_told_at_once(view: JobStatus, event: str) -> None:
    looks = Looks()
    assert looks.look(0, view) == [event]
    assert looks.look(15, view) == []
    back = view._replace(state="running", error=None, since=clock(29))
    assert looks.look(30, back) == ["recovered"]
    assert looks.look(45, back) == []
    assert not looks.pending


@pytest.mark.parametrize("state", ["degraded", "down", "unconfigured"])
def test_doubt_is_told_after_a_minute_without_a_break(state: State) -> None:
    looks = Looks()
    view = make_status(state, since=clock(-3600))
    assert looks.look(0, view) == []
    assert looks.look(50, view) == []
    assert looks.look(55, RUNNING) == []
    assert looks.look(60, view) == []
    assert looks.look(115, make_status("restarting", error=failure(1))) == []
    assert looks.look(120, view) == ["failing"]
    assert looks.look(135, view) == []


def test_doubt_does_not_outlive_a_boot() -> None:
    looks = Looks()
    looks.look(0, make_status("down"))
    looks.reboot()
    assert looks.look(100, make_status("down")) == []


def test_jobs_that_are_being_brought_back_are_not_down() -> None:
    looks = Looks()
    for seconds in range(0, 600, 15):
        assert looks.look(seconds, make_status("starting")) == []
    assert looks.look(600, make_status("down")) == []
    assert looks.look(660, make_status("down")) == ["failing"]


def test_an_uncertain_session_is_told_by_its_looks() -> None:
    looks = Looks()

    def uncertain(misses: object) -> JobStatus:
        health = {"session": "unknown", "consecutive_failures": misses}
        return DEGRADED._replace(health=health)

    assert looks.look(0, uncertain(1)) == []
    assert looks.look(900, uncertain(2)) == []
    assert looks.pending
    assert looks.look(905, uncertain("9")) == []
    assert looks.look(910, uncertain(3)) == ["failing"]
    assert looks.look(920, RUNNING) == []
    assert looks.look(981, RUNNING) == ["recovered"]


@pytest.mark.parametrize("since", ["0001-01-01", "9999-12-31T23:59:59+00:00", "2026-01-01", "x"])
def test_a_strange_word_of_a_worker_is_no_fault(since: str) -> None:
    assert Looks().look(0, make_status("running", since=since)) == []


def test_recovery_from_failing_takes_a_minute_without_a_break() -> None:
    looks = Looks()
    looks.look(0, CRASHING)
    assert looks.look(15, make_status("running", since=clock(14))) == []
    assert (
        looks.look(60, make_status("running", since=clock(50))) == []
    )  # it was restarted meanwhile
    assert looks.look(75, make_status("degraded", since=clock(50))) == []
    assert looks.look(111, make_status("running", since=clock(50))) == []
    assert looks.look(171, make_status("running", since=clock(50))) == ["recovered"]


def test_another_event_is_news() -> None:
    looks = Looks()
    assert looks.look(0, CRASHING._replace(job=DEAD.job)) == ["failing"]
    assert looks.look(10, WRONG._replace(job=DEAD.job)) == ["failed"]
    assert looks.look(15, make_status("starting", job=KEEPALIVE)) == []
    assert looks.look(20, DEAD) == ["expired"]


def test_a_job_that_was_started_and_fails_in_another_way_is_news() -> None:
    looks = Looks()
    assert looks.look(0, WRONG) == ["failed"]
    assert looks.look(10, CRASHING) == ["failing"]
    assert looks.look(20, CRASHING) == []
    # It has crashed a moment ago, so it is not well yet.
    assert looks.look(30, make_status("running", since=clock(25), error=failure(4))) == []
    assert looks.look(60, make_status("running", since=clock(25), error=failure(4))) == []
    assert looks.look(95, make_status("running", since=clock(25), error=failure(4))) == [
        "recovered"
    ]


@pytest.mark.parametrize("state", ["stopped", "failed", "unconfigured", "stopping"])
def test_what_a_person_stopped_is_closed_in_silence(state: State) -> None:
    looks = Looks()
    looks.look(0, WRONG)
    assert looks.look(10, make_status(state, wanted=False)) == []
    assert looks.records == {}
    assert not looks.pending


def test_what_a_person_removed_is_closed_in_silence() -> None:
    looks = Looks()
    looks.look(0, WRONG)
    assert looks.look(10) == []
    assert looks.records == {}


def test_reminders() -> None:
    looks = Looks(ALERT._replace(remind=3600.0))
    for seconds in range(0, 3 * 3600, 15):
        looks.look(seconds, WRONG)
    assert looks.told == [(0, "failed"), (3600, "failed"), (7200, "failed")]


def test_a_clock_set_back_neither_repeats_nor_silences() -> None:
    looks = Looks(ALERT._replace(remind=3600.0))
    looks.look(1_000_000, WRONG)
    assert looks.look(0, WRONG) == []
    assert looks.look(500_000, make_status("running", since=clock(499_000))) == ["recovered"]


def test_a_clock_set_back_makes_no_job_fail_that_is_well() -> None:
    looks = Looks()
    well = make_status("running", since=clock(3600), error=failure(3))
    assert [looks.look(seconds, well) for seconds in (0, 15, 30)] == [[], [], []]
    assert not looks.pending


def test_flapping_is_told_less_and_less_often() -> None:
    looks = Looks()
    # It crashes three times, runs for ninety seconds, and so on, for a day.
    for begin in range(0, 86400, 120):
        looks.look(begin, CRASHING)
        for seconds in range(begin + 15, begin + 120, 15):
            looks.look(seconds, make_status("running", since=clock(begin + 10)))
    assert len(looks.told) <= 4


def test_a_job_that_was_well_for_long_is_no_flapper() -> None:
    looks = Looks()
    for day in range(4):
        begin = day * 3 * 86400
        assert looks.look(begin, CRASHING) == ["failing"]
        assert looks.look(begin + 15, make_status("running", since=clock(begin + 10))) == []
        back = make_status("running", since=clock(begin + 10))
        assert looks.look(begin + 80, back) == ["recovered"]
        looks.look(begin + 2 * 86400, back)
        assert looks.records == {}


def waiting(looks: Looks) -> Delivery:
    return looks.record.outbox["command"]


def test_the_newest_event_takes_the_place_of_what_was_not_delivered() -> None:
    looks = Looks()
    looks.look(0, CRASHING)
    job = CRASHING.job
    assert waiting(looks).event == "failing"
    looks.records[job] = note_try(looks.record, "command", START)
    looks.look(10, WRONG)
    delivery = waiting(looks)
    assert (delivery.event, delivery.tries, delivery.due) == ("failed", 1, START + 10)
    looks.look(20, make_status("running", since=clock(15)))
    assert waiting(looks).event == "recovered"  # it may have arrived after all


def test_nobody_is_told_that_is_over_what_nobody_was_told_of() -> None:
    looks = Looks()
    looks.look(0, WRONG)
    looks.look(20, make_status("running", since=clock(15)))
    assert not looks.record.outbox


def deliver(looks: Looks, channel: Channel = "command") -> None:
    record = note_delivered(note_try(looks.record, channel, START), channel)
    looks.records = {WRONG.job: record}


@pytest.mark.parametrize("waiting", [WRONG, CRASHING])
def test_who_was_told_is_told_that_it_is_over_whatever_waits(waiting: JobStatus) -> None:
    looks = Looks(ALERT._replace(remind=3600.0))
    looks.look(0, WRONG)
    deliver(looks)
    looks.look(3600, waiting)  # a reminder, or another event
    assert looks.record.outbox["command"].tries == 0
    well = make_status("running", since=clock(3600))
    assert [looks.look(at, well) for at in (3610, 3700)].count(["recovered"]) == 1
    assert looks.record.outbox["command"].event == "recovered"
    # That was not delivered when it fails anew, and is well anew.
    looks.look(3800, WRONG)
    looks.look(9000, make_status("running", since=clock(3900)))
    looks.look(9200, make_status("running", since=clock(3900)))
    assert looks.record.outbox["command"].event == "recovered"
    deliver(looks)
    # Now they know, and hear nothing of what comes and goes before it is delivered.
    looks.look(9300, WRONG)
    looks.look(20000, make_status("running", since=clock(9400)))
    looks.look(25000, make_status("running", since=clock(9400)))
    assert not looks.record.outbox


def test_each_channel_is_told_that_is_over_what_it_told_of() -> None:
    looks = Looks(Alert(("/bin/tell",), parse_address("http://192.0.2.1/"), 3, 3600.0))
    looks.look(0, WRONG)
    deliver(looks)
    looks.look(3600, WRONG)
    looks.look(3700, make_status("running", since=clock(3600)))
    assert list(looks.record.outbox) == ["command"]


def test_a_channel_that_is_gone_is_forgotten() -> None:
    looks = Looks(Alert(("/bin/tell",), None, 3, 86400.0))
    looks.look(0, WRONG)
    looks.records[WRONG.job] = note_try(looks.record, "command", START)
    looks.alert = looks.alert._replace(command=())
    looks.look(15, WRONG)
    assert looks.record.outbox == {}


VIEWS = [
    RUNNING,
    DEGRADED,
    CRASHING,
    WRONG,
    make_status("down"),
    make_status("starting"),
    make_status("restarting", error=failure(1)),
]


@pytest.mark.slow
@given(
    st.lists(st.tuples(st.sampled_from([2.0, 15.0, 100.0, 4000.0]), st.sampled_from(VIEWS))),
    st.sampled_from([600.0, 86400.0]),
)
def test_never_the_same_twice_within_the_time(
    steps: list[tuple[float, JobStatus]], remind: float
) -> None:
    looks = Looks(ALERT._replace(remind=remind))
    seconds = 0.0
    for pause, view in steps:
        seconds += pause
        looks.look(seconds, view)
        looks.records = {
            job: note_delivered(note_try(record, "command", START + seconds), "command")
            if record.outbox
            else record
            for job, record in looks.records.items()
        }
    for (before, earlier), (after, later) in pairwise(looks.told):
        assert earlier != later or (after - before >= remind and later != "recovered")
    if looks.told:
        assert looks.told[0][1] != "recovered"
    # What is wrong at the end has been told, and what is well has been called off.
    for _ in range(40):
        seconds += 100
        looks.look(seconds, steps[-1][1] if steps else RUNNING)
    last = looks.told[-1][1] if looks.told else "recovered"
    if steps and steps[-1][1] in (DEGRADED, CRASHING, WRONG, make_status("down")):
        assert last != "recovered"
