"""What is learned of a session's life, and when to look because of it."""

import json
import time
from collections.abc import Callable
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sja_units.keepalive import interval as intervals
from sja_units.keepalive.interval import (
    LONGEST,
    SHORTEST,
    START,
    choose_interval,
    hurry,
    is_ending,
    learn_alive,
    learn_dead,
    note_expiry,
)
from sja_units.keepalive.state import State
from tests.unit.keepalive.harness import RunningSite, Worker
from tests.waiting import wait_for

seconds = st.floats(0, 1e9)


def live(life: float, looks: int, *, may_risk: bool, state: State | None = None) -> State:
    """Return the state after so many looks at a session that dies of idling for `life`."""
    state = state or State()
    for _ in range(looks):
        idle = choose_interval(state, may_risk=may_risk) * 1.1
        state = learn_alive(state, idle) if idle < life else learn_dead(state, idle)
    return state


def test_nothing_is_risked_where_nobody_can_log_in() -> None:
    state = live(1e9, 1000, may_risk=False)
    assert choose_interval(state, may_risk=False) == START
    state = learn_alive(state, 3600)  # the host was off
    assert choose_interval(state, may_risk=False) == 1800


@pytest.mark.parametrize("life", [200.0, 1800.0, 20_000.0])
def test_with_a_login_it_finds_a_pause_that_is_safe(life: float) -> None:
    state = live(life, 100, may_risk=True)
    interval = choose_interval(state, may_risk=True)
    assert life / 4 < interval < life / 1.1
    # From then on no session dies.
    assert (
        live(life, 1000, may_risk=True, state=state).shortest_idle_lost == state.shortest_idle_lost
    )


def test_it_never_leaves_its_bounds() -> None:
    assert choose_interval(live(1e9, 1000, may_risk=True), may_risk=True) == LONGEST
    assert choose_interval(live(1, 1000, may_risk=True), may_risk=True) == SHORTEST


@given(seconds, seconds, seconds, st.booleans())
def test_any_lesson_gives_an_interval_within_bounds(
    longest_idle_ok: float, shortest_idle_lost: float, promised: float, may_risk: bool
) -> None:
    state = State(
        longest_idle_ok=longest_idle_ok, shortest_idle_lost=shortest_idle_lost, promised=promised
    )
    interval = choose_interval(state, may_risk=may_risk)
    assert SHORTEST <= interval <= LONGEST
    assert not shortest_idle_lost or interval <= max(SHORTEST, shortest_idle_lost / 2)
    assert not promised or interval <= max(SHORTEST, promised / 2)
    assert intervals.describe(state, interval)


def test_a_death_after_a_pause_survived_before_teaches_nothing() -> None:
    state = learn_alive(State(), 1000)
    for _ in range(3):  # the site ends each session at some age
        state = learn_alive(learn_dead(state, 900), 900)
        assert choose_interval(state, may_risk=False) == 500
    assert learn_dead(state, 2000).shortest_idle_lost == 2000
    assert learn_alive(learn_dead(state, 2000), 2500).shortest_idle_lost == 0


@pytest.mark.parametrize("may_risk", [False, True])
def test_a_pause_that_none_survives_any_more_is_given_up(may_risk: bool) -> None:
    state = State(longest_idle_ok=8 * 3600)  # the clock was set ahead, or the site has changed
    state = live(1800, 100, may_risk=may_risk, state=state)
    assert choose_interval(state, may_risk=may_risk) < 1800 / 1.1


def test_cookies_that_a_look_renews_cap_the_interval() -> None:
    state = note_expiry(State(), 1400, 1000)
    assert state.promised == 0  # it may be a date that nothing moves
    state = note_expiry(state, 1500, 1100)
    assert choose_interval(state, may_risk=False) == 200
    assert note_expiry(state, 1500, 1200).promised == 0
    assert note_expiry(state, None, 1200).expires_at == 0


def test_an_end_is_told_in_time_unless_looks_move_it() -> None:
    day = 86400.0
    state = note_expiry(State(), 10 * day, 0)
    assert not is_ending(state, 900, 0)
    assert not is_ending(state, 900, 8.9 * day)
    assert is_ending(state, 900, 9.1 * day)
    assert not is_ending(state, 900, 10.1 * day)
    assert is_ending(state, 3 * day, 4.1 * day)
    for now in range(0, 9000, 900):
        state = note_expiry(state, now + 1200, now)
        assert not is_ending(state, 900, now)
    assert not is_ending(State(), 900, 9000)


@given(st.floats(1, 1e6), seconds)
def test_the_look_comes_before_the_end(delay: float, left: float) -> None:
    earlier = hurry(delay, left)
    assert 0 < earlier <= delay
    assert earlier >= min(delay, SHORTEST)
    if left > 2 * SHORTEST:
        assert earlier < left
    if delay < left / 2:
        assert earlier == delay


@pytest.mark.slow
def test_a_worker_learns_and_says_what(
    site: RunningSite, make_worker: Callable[..., Worker]
) -> None:
    worker = make_worker(site.url, interval="auto")
    worker.give(site.log_in())
    worker.start("sja_units.worker")
    worker.wait_until_ready()
    assert worker.health()["interval"] == START
    assert worker.end() == 0
    # As if it had been off for an hour, which the site's clock does not see.
    path = worker.state / "state.json"
    state = json.loads(path.read_text())
    path.write_text(json.dumps(state | {"last_refresh": time.time() - 3600}))
    for _ in range(2):  # it also remembers that
        worker.start("sja_units.worker")
        worker.wait_until_ready()
        health = worker.health()
        assert health["interval"] == pytest.approx(1800, rel=0.1)
        assert health["ok"] is True
        assert "survived" in health["message"]
        assert any("survived" in note for note in worker.notes if note.startswith("STATUS="))
        assert worker.end() == 0
    assert worker.journal.read_text().count("survived") == 2


def test_a_person_s_new_cookies_teach_nothing(
    site: RunningSite, make_worker: Callable[..., Worker]
) -> None:
    worker = make_worker(site.url, interval="auto")
    (worker.state / "state.json").write_text(json.dumps({"last_refresh": time.time() - 3600}))
    worker.give(site.log_in())
    worker.start("sja_units.worker")
    worker.wait_until_ready()
    assert worker.health()["interval"] == START
    assert worker.end() == 0


@pytest.mark.slow
def test_an_end_that_no_look_moves_is_told_once(
    site: RunningSite, make_worker: Callable[..., Worker]
) -> None:
    worker = make_worker(site.url, '[alive]\ncookies = ["remember"]')
    end = time.time() + 100
    given = {"name": "remember", "value": "made-up", "domain": "127.0.0.1", "expires": end}
    session = site.log_in().split("=")
    given_too = {"name": session[0], "value": session[1], "domain": "127.0.0.1"}
    state = {"expires_at": float(int(end)), "expires_since": time.time() - 5000}
    worker.give(json.dumps([given, given_too]))
    worker.start()
    worker.wait_until_ready()
    assert "renew" not in worker.said()
    assert worker.end() == 0
    path = worker.state / "state.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | state))
    worker.start()
    wait_for(lambda: "renew" in worker.health().get("message", ""), "the warning")
    site.wait_for_visits("alive", 3)
    assert worker.health()["ok"] is True
    assert worker.end() == 0
    assert worker.journal.read_text().count("renew") == 1


@pytest.mark.slow
def test_the_next_look_of_a_worker_comes_before_the_cookies_end(
    site: RunningSite, make_worker: Callable[..., Worker]
) -> None:
    worker = make_worker(site.url, interval="1h")
    name, _, value = site.log_in().partition("=")
    end = time.time() + 600
    worker.give(json.dumps([{"name": name, "value": value, "domain": "127.0.0.1"}]))
    worker.start("sja_units.worker")
    worker.wait_until_ready()
    assert datetime.fromisoformat(worker.health()["next_refresh"]).timestamp() > end
    assert worker.end() == 0
    more = {"name": "remember", "value": "made-up", "domain": "127.0.0.1", "expires": end}
    name, _, value = site.log_in().partition("=")
    worker.give(json.dumps([more, {"name": name, "value": value, "domain": "127.0.0.1"}]))
    worker.start("sja_units.worker")
    worker.wait_until_ready()
    assert datetime.fromisoformat(worker.health()["next_refresh"]).timestamp() < end
    assert worker.end() == 0
