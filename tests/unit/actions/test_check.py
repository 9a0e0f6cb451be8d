"""What `sjactl check` makes of one picture of the jobs."""

import pytest

from sja_units.actions.check import (
    Finding,
    Host,
    choose_repairs,
    find_changed,
    find_problems,
)
from sja_units.jobs.failure import parse_failure
from sja_units.jobs.snapshot import JobStatus
from sja_units.jobs.state import STATES, State
from tests.unit.statuses import make_status

NOW = 1_800_000_000.0


def view(
    state: State, *, wanted: bool = True, reports: bool = True, failures: tuple[float, ...] = ()
) -> JobStatus:
    recent = " ".join(f"{NOW - age:.0f}" for age in failures)
    record = f"result=exit-code\ncode=exited\nstatus=1\nmessage=no disk\nrecent={recent}\n"
    return make_status(
        state,
        wanted=wanted,
        status="no disk" if failures else "",
        error=parse_failure(record) if failures else None,
        health={"ok": True} if reports else {},
    )


def find(seen: JobStatus, *, maintenance: bool = False) -> Finding | None:
    found = find_problems([seen], maintenance=maintenance, now=NOW)
    return found[0] if found else None


@pytest.mark.parametrize("state", ["down", "failed", "restarting", "unconfigured"])
def test_a_wanted_job_that_does_not_run(state: State) -> None:
    found = find(view(state, failures=(1,)))
    assert found
    assert not found.is_warning
    assert state in found.message
    assert find(view(state, wanted=False)) is None


@pytest.mark.parametrize("state", ["running", "starting", "stopping", "stopped"])
def test_what_is_no_problem(state: State) -> None:
    assert find(view(state)) is None


def test_maintenance_is_a_warning_for_what_it_stopped() -> None:
    down = find(view("down"), maintenance=True)
    assert down
    assert down.is_warning
    failed = find(view("failed"), maintenance=True)
    assert failed
    assert not failed.is_warning


@pytest.mark.parametrize("state", ["running", "degraded", "starting", "restarting"])
def test_a_job_that_flaps(state: State) -> None:
    found = find(view(state, failures=(3000, 2000, 1000, 500, 20)))
    assert found
    assert not found.is_warning
    assert "flaps" in found.message
    assert "no disk" in found.message
    # The same finding, whether it is caught between two runs or not: it is told once.
    waiting = find(view("restarting", failures=(20,)))
    assert waiting
    assert waiting.key == found.key


@pytest.mark.parametrize(
    "failures", [(4000, 3900, 3800, 3700, 20), (2000, 1000, 500, 20), (-50, 500, 400, 300, 200)]
)
def test_failures_that_are_old_or_few_are_no_flapping(failures: tuple[float, ...]) -> None:
    assert find(view("running", failures=failures)) is None


def test_a_worker_that_does_not_report() -> None:
    found = find(view("degraded", reports=False))
    assert found
    assert not found.is_warning
    assert "does not report" in found.message


def test_a_degraded_job_is_a_warning() -> None:
    found = find(view("degraded"))
    assert found
    assert found.is_warning


def test_what_keeps_a_job_from_its_start_is_named() -> None:
    found = find(make_status("down", status="wanted, but not running", obstacle="it is masked"))
    assert found
    assert not found.is_warning
    assert "it is masked" in found.message


@pytest.mark.parametrize("changed", [True, False])
def test_a_file_that_was_changed_is_a_warning(changed: bool) -> None:
    found = find_changed([make_status("running", changed=changed)])
    assert [finding.is_warning for finding in found] == [True] * changed


REPAIRED: dict[State, bool] = dict.fromkeys(STATES, False) | {"down": True, "failed": True}


@pytest.mark.parametrize("state", STATES)
def test_what_repair_starts(state: State) -> None:
    status = make_status(state)
    host = Host(is_maintenance=False, is_relaunching=False)
    assert bool(choose_repairs([status], host, set())) == REPAIRED[state]
    for other in (Host(True, False), Host(False, True), Host(True, True)):
        assert not choose_repairs([status], other, set())


def test_repair_leaves_alone_what_needs_a_person() -> None:
    status = make_status("failed")
    host = Host(is_maintenance=False, is_relaunching=False)
    assert not choose_repairs([status], host, {status.job})
    assert not choose_repairs([make_status("failed", wanted=False)], host, set())
