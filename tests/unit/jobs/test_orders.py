"""Orders on jobs: what is noted before and after, and who is told what."""

from collections.abc import Iterator

import pytest

from sja_units.errors import NotAllowed
from sja_units.job import Job
from sja_units.jobs import wanted
from sja_units.jobs.orders import JobResult, order
from sja_units.jobs.snapshot import JobStatus
from sja_units.jobs.status import list_status
from sja_units.systemd.client import Systemd
from sja_units.systemd.orders import SKIPPED, WITHDRAWN
from sja_units.systemd.unit import Verb
from tests.systemd_mock import ACCESS_DENIED
from tests.unit.fleet import Fleet

ALICE, BOB = Job("keepalive", "alice"), Job("keepalive", "bob")


@pytest.fixture
def systemd(fleet: Fleet) -> Iterator[Systemd]:
    with Systemd() as opened:
        yield opened


def carry_out(systemd: Systemd, verb: Verb, *jobs: Job) -> dict[Job, str]:
    return {result.job: result.result for result in order(systemd, verb, jobs)}


def see(systemd: Systemd) -> JobStatus:
    (status,) = list_status(systemd)
    return status


@pytest.mark.parametrize("verb", ["start", "restart"])
def test_what_is_started_is_wanted(systemd: Systemd, fleet: Fleet, verb: Verb) -> None:
    fleet.add(str(ALICE), "inactive", wanted=False)
    assert carry_out(systemd, verb, ALICE) == {ALICE: "done"}
    assert fleet.is_wanted(str(ALICE))


def test_what_has_no_file_is_not_wanted(systemd: Systemd, fleet: Fleet) -> None:
    fleet.systemd.add(ALICE.unit).ends["start"] = ("inactive", "assert")
    assert carry_out(systemd, "start", ALICE) == {ALICE: "assert"}
    assert not fleet.is_wanted(str(ALICE))


@pytest.mark.slow
def test_a_start_that_was_stopped_before_its_turn(
    systemd: Systemd, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.add(str(ALICE), "inactive")
    fleet.add(str(BOB), "inactive")
    results = order(systemd, "start", [ALICE, BOB])
    monkeypatch.setattr("sja_units.systemd.orders.AT_ONCE", 1)
    assert next(results).job == ALICE
    wanted.forget([BOB])
    assert [result.result for result in results] == [WITHDRAWN]


def test_what_is_stopped_is_not_wanted(systemd: Systemd, fleet: Fleet) -> None:
    fleet.add(str(ALICE))
    assert carry_out(systemd, "stop", ALICE) == {ALICE: "done"}
    assert see(systemd).state == "stopped"


def test_a_failed_job_that_is_stopped(systemd: Systemd, fleet: Fleet) -> None:
    fleet.add(str(ALICE), "failed").ends["stop"] = ("failed", "done")
    fleet.fail(str(ALICE), status="77")
    assert carry_out(systemd, "stop", ALICE) == {ALICE: "done"}
    assert (see(systemd).state, see(systemd).error, see(systemd).status) == ("stopped", None, "")


def test_an_operator_and_a_failed_job(systemd: Systemd, fleet: Fleet) -> None:
    fleet.add(str(ALICE), "failed", wanted=False).ends["stop"] = ("failed", "done")
    fleet.systemd.errors["ResetFailedUnit"] = (ACCESS_DENIED, "no")
    told: list[JobResult] = []
    with pytest.raises(NotAllowed) as caught:
        told.extend(order(systemd, "stop", [ALICE]))
    assert not told
    assert "sjactl stop keepalive/alice" in caught.value.hint


def test_where_nothing_can_be_written_the_hook_notes_the_stop(
    systemd: Systemd, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a service with ProtectSystem=strict."""
    unit = fleet.add(str(ALICE))
    marker = fleet.path("var", f"wanted/{unit.name}")

    def refuse(path: str) -> None:
        if marker.exists() and unit.active == "active":
            raise OSError(30, "Read-only file system", path)

    monkeypatch.setattr("os.unlink", refuse)
    unit.delay = 0.2
    results = order(systemd, "stop", [ALICE])
    fleet.systemd.on_end[unit.name] = lambda: marker.rename(fleet.top / "gone")
    assert [result.result for result in results] == ["done"]
    assert not fleet.is_wanted(str(ALICE))


def test_a_start_that_systemd_skips(systemd: Systemd, fleet: Fleet) -> None:
    fleet.add(str(ALICE), "inactive", wanted=False).ends["start"] = ("inactive", "done")
    fleet.systemd.units[ALICE.unit].properties["LoadState"] = "masked"
    (result,) = order(systemd, "start", [ALICE])
    assert result.result == SKIPPED
    assert "masked" in result.reason
    assert see(systemd).state == "down"
