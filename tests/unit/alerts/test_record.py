"""What is remembered survives being written down, and deliveries wait longer and longer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sja_units.alerts.decide import AT_ONCE, pick_due
from sja_units.alerts.record import (
    LONGEST_PAUSE,
    Delivery,
    Record,
    note_delivered,
    note_try,
    parse_record,
    render_record,
)
from sja_units.config.host import Alert
from sja_units.job import Job
from tests.unit.alerts.looks import ALERT, START

WAITING = Record("failing", START, 0.0, 0, {"command": Delivery("failing", 0, START)})

events = st.sampled_from(["failing", "expired", "failed", "recovered"])
deliveries = st.builds(
    Delivery, events, st.integers(0, 1000), st.floats(allow_nan=False, allow_infinity=False)
)
times = st.floats(0, 1e11)
records = st.builds(
    Record,
    st.none() | events,
    times,
    times,
    st.integers(0, 1000),
    st.dictionaries(st.sampled_from(["command", "webhook"]), deliveries),
    st.lists(st.sampled_from(["command", "webhook"])).map(tuple),
)


@given(records)
def test_a_record_comes_back_as_it_was(record: Record) -> None:
    assert parse_record(render_record(record)) == record


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"open": 1, "outbox": {"a": 1}}', "null"])
def test_a_record_that_cannot_be_read_counts_as_none(text: str) -> None:
    assert parse_record(text) == Record()


def test_a_record_of_an_older_version_counts() -> None:
    text = '{"open": "failed", "told_at": 1, "recovered_at": 0, "relapses": 2, "outbox": {}}'
    assert parse_record(text) == Record("failed", 1.0, 0.0, 2)


@given(st.text())
def test_no_text_is_a_fault(text: str) -> None:
    parse_record(text)


def test_pauses_grow_and_have_an_end() -> None:
    record, pauses = WAITING, []
    for _ in range(60):
        record = note_try(record, "command", START)
        pauses.append(record.outbox["command"].due - START)
    assert pauses[:3] == [15, 30, 60]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE
    assert note_delivered(record, "command").outbox == {}
    assert not note_delivered(record, "command").is_settled


def test_due_are_few_and_the_oldest_first() -> None:
    jobs = [Job("acquisition", f"line{n}") for n in range(100)]
    waiting = {
        job: WAITING._replace(outbox={"command": Delivery("failing", 0, START - n)})
        for n, job in enumerate(jobs)
    }
    due = list(pick_due(waiting, ALERT, START))
    assert due == [(job, "command") for job in reversed(jobs[-AT_ONCE:])]
    assert not list(pick_due(waiting, ALERT, START - 200))
    # Noted before the clock was set back by a year.
    assert len(list(pick_due(waiting, ALERT, START - 31_536_000))) == AT_ONCE


def test_only_channels_that_are_configured_are_due() -> None:
    both = WAITING._replace(
        outbox={"command": Delivery("failing", 0, 0.0), "webhook": Delivery("failing", 0, 0.0)}
    )
    alert = Alert(("/bin/tell",), None, 3, 86400.0)
    assert list(pick_due({Job("keepalive", "a"): both}, alert, START)) == [
        (Job("keepalive", "a"), "command")
    ]
