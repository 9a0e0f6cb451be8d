"""A round of alerts: systemd and files are asked, people are told, the timer follows."""

from pathlib import Path

import pytest

from sja_units.alerts.round import TIMER, run_round
from sja_units.alerts.store import read_records
from sja_units.config.host import Alert
from tests.unit.fleet import Fleet

ALICE = "keepalive/alice"


@pytest.fixture
def alert(host: Path) -> Alert:
    """A program that notes what it is told."""
    program = host / "tell"
    program.write_text(f'#!/bin/sh\ncat >{host}/said; echo "$@" >>{host}/told\n')
    program.chmod(0o755)
    return Alert((str(program),), None, 3, 86400.0)


def told(host: Path) -> list[str]:
    path = host / "told"
    return path.read_text().splitlines() if path.exists() else []


def fail(fleet: Fleet) -> None:
    fleet.add(ALICE, "failed").properties["Result"] = "exit-code"
    fleet.fail(ALICE, "no disk")


def test_a_failed_job_is_told_once(fleet: Fleet, host: Path, alert: Alert) -> None:
    fail(fleet)
    run_round(alert, read_records())
    run_round(alert, read_records())
    assert told(host) == [f"failed {ALICE}"]
    assert '"no disk"' in (host / "said").read_text()
    assert fleet.systemd.units[TIMER].active == "active"


def test_its_recovery_is_told_and_the_timer_stops(fleet: Fleet, host: Path, alert: Alert) -> None:
    fail(fleet)
    run_round(alert, read_records())
    fleet.add(ALICE)
    fleet.path("var", "ended/sja-keepalive@alice.service").unlink()
    run_round(alert, read_records())
    run_round(alert, read_records())
    assert told(host) == [f"failed {ALICE}", f"recovered {ALICE}"]
    assert fleet.systemd.units[TIMER].active == "inactive"


def test_a_maintenance_stop_alerts_nobody(fleet: Fleet, host: Path, alert: Alert) -> None:
    fail(fleet)
    fleet.systemd.add("sja-jobs.target", "inactive")
    run_round(alert, read_records())
    assert told(host) == []


def test_what_could_not_be_delivered_is_tried_again(fleet: Fleet, host: Path, alert: Alert) -> None:
    fail(fleet)
    broken = alert._replace(command=("/bin/false",))
    run_round(broken, read_records())
    (record,) = read_records().values()
    assert record.outbox["command"].tries == 1
    assert fleet.systemd.units[TIMER].active == "active"


def test_jobs_that_are_well_need_no_timer(fleet: Fleet, host: Path, alert: Alert) -> None:
    fleet.add(ALICE)
    run_round(alert, read_records())
    assert TIMER not in fleet.systemd.units
    assert read_records() == {}
