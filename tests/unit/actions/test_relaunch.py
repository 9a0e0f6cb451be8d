"""What a relaunch plans and what becomes of it, on a small systemd."""

from collections.abc import Iterator

import pytest

from sja_units.actions.relaunch import Attempt, make_plan, run_plan
from sja_units.jobs.failure import NOT_RECOVERED
from sja_units.systemd.client import Systemd
from tests.unit.fleet import Fleet

ALICE = "keepalive/alice"
UNIT = "sja-keepalive@alice.service"


@pytest.fixture
def systemd(fleet: Fleet) -> Iterator[Systemd]:
    with Systemd() as opened:
        yield opened


def relaunch(systemd: Systemd) -> Attempt:
    """Relaunch the one wanted job."""
    (attempt,) = run_plan(systemd, make_plan(systemd))
    return attempt


def test_a_wanted_job_comes_back(systemd: Systemd, fleet: Fleet) -> None:
    fleet.add(ALICE, "inactive", text='title = "甲"\nurl = "http://a/"\n')
    (planned,) = make_plan(systemd).attempts
    assert (planned.outcome, planned.title) == ("would start", "甲")
    assert fleet.systemd.count("StartUnit") == 0
    assert relaunch(systemd).outcome == "started"
    assert fleet.systemd.units[UNIT].active == "active"


@pytest.mark.parametrize(
    ("active", "outcome"),
    [("active", "running"), ("activating", "running"), ("deactivating", "started")],
)
def test_one_that_runs_is_left_alone(
    systemd: Systemd, fleet: Fleet, active: str, outcome: str
) -> None:
    fleet.add(ALICE, active)
    assert relaunch(systemd).outcome == outcome


def test_what_is_not_wanted_stays_as_it_is(systemd: Systemd, fleet: Fleet) -> None:
    fleet.add(ALICE, "inactive", wanted=False)
    assert make_plan(systemd).attempts == []


@pytest.mark.parametrize("text", ['relaunch = false\nurl = "http://a/"\n'])
def test_its_file_keeps_it_from_coming_back(systemd: Systemd, fleet: Fleet, text: str) -> None:
    fleet.add(ALICE, "inactive", text=text)
    assert relaunch(systemd).outcome == "skipped"


def test_a_command_that_did_its_work(systemd: Systemd, fleet: Fleet) -> None:
    fleet.add("command/once", "inactive")
    run = fleet.path("var", "runs/sja-command@once.service")
    run.write_text("completed=2026-01-02T03:04:05Z\n")
    assert relaunch(systemd).outcome == "skipped"
    run.write_text("unfinished\n")
    assert relaunch(systemd).outcome == "started"


@pytest.mark.parametrize("marker", ["sja-keepalive@ghost.service", "sja-keepalive@BAD.service"])
def test_a_marker_without_a_job(systemd: Systemd, fleet: Fleet, marker: str) -> None:
    fleet.want(marker)
    attempt = relaunch(systemd)
    assert attempt.outcome == "failed"
    assert attempt.reason


@pytest.mark.parametrize(
    ("properties", "named"),
    [
        ({"LoadState": "masked"}, "masked"),
        (
            {"Conditions": [["ConditionACPower", False, False, "true", -1]]},
            "ConditionACPower=true",
        ),
    ],
)
def test_a_start_that_systemd_skips(
    systemd: Systemd, fleet: Fleet, properties: dict[str, object], named: str
) -> None:
    unit = fleet.add(ALICE, "inactive")
    unit.properties |= {"ConditionResult": False, **properties}
    unit.ends["start"] = ("inactive", "done")
    attempt = relaunch(systemd)
    assert (attempt.outcome, attempt.was_skipped) == ("failed", True)
    assert named in attempt.reason


@pytest.mark.parametrize(("state", "outcome"), [("activating", "retrying"), ("failed", "failed")])
def test_a_start_that_does_not_end_well(
    systemd: Systemd, fleet: Fleet, state: str, outcome: str
) -> None:
    unit = fleet.add(ALICE, "inactive")
    unit.ends["start"] = (state, "failed")
    unit.properties["Result"] = "exit-code"
    fleet.fail(ALICE, "no disk")
    attempt = relaunch(systemd)
    assert attempt.outcome == outcome
    assert "no disk" in attempt.reason


def test_after_a_boot_alone_it_failed_to_recover(systemd: Systemd, fleet: Fleet) -> None:
    unit = fleet.add(ALICE, "inactive")
    unit.ends["start"] = ("failed", "failed")
    unit.properties["Result"] = "exit-code"
    fleet.fail(ALICE, "no disk")
    expected = fleet.path("run", f"relaunched/{UNIT}")
    assert NOT_RECOVERED in relaunch(systemd).reason
    assert expected.exists()  # so the end hook knows
    expected.unlink()
    assert NOT_RECOVERED not in relaunch(systemd).reason
    assert not expected.exists()
