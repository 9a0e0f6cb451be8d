from typing import Any

import pytest

from sja_units.actions.explain import explain
from sja_units.job import Job
from sja_units.jobs.failure import Failure
from sja_units.jobs.state import STATES, State
from tests.unit.statuses import make_status


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("code", [None, 1, 77, 78, 203, 243])
def test_every_state_has_words_and_names_the_job(state: State, code: int | None) -> None:
    failure = Failure("it broke", "2026-01-02T03:04:05Z", code, "exit-code", 3)
    for error in (None, failure):
        text = explain(make_status(state, error=error), "5min")
        assert text.startswith(f"acquisition/line1 has been {state} for 5min.")
        assert "{" not in text
    if state in ("failed", "down", "restarting", "running"):
        assert "it broke" in text


def test_a_failed_job_is_told_what_happens_next_as_it_is() -> None:
    def tell(code: int, **more: Any) -> str:
        failure = Failure("it broke", "2026-01-02T03:04:05Z", code, "exit-code", 3)
        return explain(make_status("failed", error=failure, **more), "")

    assert "next boot" in tell(78)
    assert "next boot" not in tell(78, wanted=False)
    assert "next boot" not in tell(78, relaunch=False)
    assert "next boot" not in tell(238)
    assert "cookies" not in tell(77, job=Job("command", "copy"))


def test_bad_registers_are_named() -> None:
    bad = ["holding 4 (speed): illegal data address (2)"]
    health = {"devices": {"press1": {"bad_registers": bad}, "press2": {"bad_registers": []}}}
    text = explain(make_status("degraded", status="1 bad register", health=health), "")
    assert bad[0] in text
    assert "press1" in text
    assert "press2" not in text


@pytest.mark.parametrize("devices", [None, 5, [], {"a": None}, {"a": {"bad_registers": "x"}}])
def test_a_strange_health_is_no_fault(devices: object) -> None:
    assert explain(make_status("degraded", status="x", health={"devices": devices, "a": 1}), "")
