"""How jobs are, from files, markers, health and a small systemd; how little is asked."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sja_units.actions.explain import explain
from sja_units.errors import NoSuchJob, UsageError
from sja_units.job import Job
from sja_units.jobs.find import find_jobs
from sja_units.jobs.inventory import parse_selector
from sja_units.jobs.snapshot import JobStatus
from sja_units.jobs.status import get_status, list_status
from sja_units.systemd.client import Systemd
from tests.unit.fleet import Fleet

ALICE, BOB = "keepalive/alice", "keepalive/bob"
UNIT = "sja-keepalive@alice.service"


@pytest.fixture
def systemd(fleet: Fleet) -> Iterator[Systemd]:
    with Systemd() as opened:
        yield opened


def see(systemd: Systemd) -> JobStatus:
    """Return the one job's status; what a listing says of its state is what is said of it alone."""
    (listed,) = list_status(systemd)
    (alone,) = get_status(systemd, [listed.job])
    for told in ("state", "status", "error", "wanted", "changed"):
        assert getattr(alone, told) == getattr(listed, told)
    assert listed.since in (alone.since, None)
    return alone


def test_a_job_that_is_well(systemd: Systemd, fleet: Fleet) -> None:
    fleet.add(ALICE).properties |= {"MainPID": 17, "NRestarts": 2}
    found = see(systemd)
    assert (found.state, found.status, found.pid, found.restarts) == ("running", "all well", 17, 2)
    assert found.error is None


def test_nothing_is_asked_about_single_jobs_that_are_well(systemd: Systemd, fleet: Fleet) -> None:
    for i in range(20):
        fleet.add(f"keepalive/n{i}")
    list_status(systemd)
    assert fleet.systemd.count("Get") == 0


def test_a_failed_job_costs_a_listing_one_question(systemd: Systemd, fleet: Fleet) -> None:
    for i in range(20):
        fleet.add(f"keepalive/n{i}", "failed").properties["Result"] = "exit-code"
        fleet.fail(f"keepalive/n{i}")
    assert {status.since for status in list_status(systemd)} == {"2026-01-02T03:04:05.000000Z"}
    assert fleet.systemd.count("Get") == 20


def test_one_job_is_asked_for_alone(systemd: Systemd, fleet: Fleet) -> None:
    for i in range(50):
        fleet.add(f"keepalive/n{i}", "failed")
    (job,) = find_jobs(systemd, [parse_selector("n7")])
    get_status(systemd, [job])
    asked = [body for member, body in fleet.systemd.calls if member == "ListUnitsByPatterns"]
    assert not [p for body in asked for p in body[1] if "*" in p]
    assert fleet.systemd.count("Get") < 20


def test_a_worker_that_does_not_report(systemd: Systemd, fleet: Fleet) -> None:
    fleet.add(ALICE)
    fleet.path("run", f"{ALICE}/health.json").unlink()
    found = see(systemd)
    assert (found.state, found.status) == ("degraded", "not reporting")
    assert found.since


def test_a_failure_that_the_hook_has_noted(systemd: Systemd, fleet: Fleet) -> None:
    fleet.add(ALICE, "failed").properties["Result"] = "exit-code"
    fleet.fail(ALICE, "the site is gone", status="77")
    found = see(systemd)
    assert (found.state, found.status) == ("failed", "the site is gone")
    assert found.error
    assert found.error.exit_code == 77


def test_a_failure_that_only_systemd_knows(systemd: Systemd, fleet: Fleet) -> None:
    fleet.add(ALICE, "failed").properties["Result"] = "resources"
    fleet.fail(ALICE, "an old story")
    found = see(systemd)
    assert found.error
    assert found.error.result == "resources"
    assert "old story" not in found.status


def test_a_failure_from_before_the_last_order_is_history(systemd: Systemd, fleet: Fleet) -> None:
    unit = fleet.add(ALICE)
    fleet.fail(ALICE)
    assert see(systemd).error is None
    unit.properties["NRestarts"] = 1
    assert see(systemd).error is not None


MASK = {"LoadState": "masked"}
UNMET = {"Conditions": [["ConditionHost", False, False, "elsewhere", 0]]}


@pytest.mark.parametrize(
    ("override", "properties", "named"),
    [
        (UNIT, MASK, "masked"),
        (f"{UNIT}.d/own.conf", UNMET, "ConditionHost=elsewhere"),
        ("sja-keepalive@.service.d/own.conf", UNMET, "ConditionHost=elsewhere"),
        # What sjactl itself has written there keeps nothing from its start.
        (f"{UNIT}.d/50-sjactl.conf", UNMET, ""),
    ],
)
@pytest.mark.parametrize("place", ["systemd", "run-systemd/system"])
def test_what_keeps_a_job_from_its_start(
    systemd: Systemd,
    fleet: Fleet,
    override: str,
    properties: dict[str, object],
    named: str,
    place: str,
) -> None:
    fleet.add(ALICE, "inactive").properties |= {"ConditionResult": False, **properties}
    fleet.path(place, override).touch()
    found = see(systemd)
    assert found.state == "down"
    assert named in found.status
    assert bool(found.obstacle) == bool(named)


def test_a_stopped_target_is_named(systemd: Systemd, fleet: Fleet) -> None:
    fleet.add(ALICE, "inactive")
    fleet.systemd.add("sja-jobs.target", "inactive")
    assert "sja-jobs.target" in see(systemd).status


def test_a_file_that_is_not_what_runs(systemd: Systemd, fleet: Fleet, tmp_path: Path) -> None:
    fleet.add(ALICE)
    file, copy = fleet.path("etc", f"{ALICE}.toml"), fleet.path("run", f"{ALICE}/config")
    assert not see(systemd).changed  # nothing was handed over
    copy.write_bytes(file.read_bytes())
    assert not see(systemd).changed
    os.utime(file)
    assert not see(systemd).changed  # the same, written again
    file.write_text(file.read_text().replace("127.0.0.1", "127.0.0.2"))
    assert see(systemd).changed
    file.write_text(file.read_text() + 'title = "longer"\n')
    os.utime(file, (1, 1))
    assert see(systemd).changed
    assert see(systemd).as_json()["changed"] is True
    fleet.systemd.add(UNIT, "inactive")
    assert not see(systemd).changed


def test_a_full_run_is_named_and_not_the_worker(
    systemd: Systemd, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.add(ALICE)
    fleet.path("run", f"{ALICE}/health.json").unlink()
    fleet.path("run", f"{BOB}/big").write_bytes(bytes(3 << 20))
    free = [9999]

    def statvfs(_: str) -> os.statvfs_result:
        return os.statvfs_result((4096, 4096, 10_000, free[0], free[0], 100, 10, 10, 0, 255))

    monkeypatch.setattr(os, "statvfs", statvfs)
    assert see(systemd).status == "not reporting"
    free[0] = 0
    found = see(systemd)
    assert found.state == "degraded"
    assert "is full" in found.status
    assert BOB in found.status
    assert "hangs" not in explain(found, "")


def test_a_unit_that_is_just_known_by_name_is_no_job(systemd: Systemd, fleet: Fleet) -> None:
    fleet.systemd.add("sja-keepalive@ghost.service", "inactive")
    assert list_status(systemd) == []
    with pytest.raises(NoSuchJob):
        find_jobs(systemd, [parse_selector("ghost")])
    fleet.systemd.add("sja-keepalive@ghost.service", "failed")
    assert [status.state for status in list_status(systemd)] == ["unconfigured"]
    assert find_jobs(systemd, [parse_selector("ghost")]) == [Job("keepalive", "ghost")]


def test_jobs_are_found_by_name_title_and_marker(systemd: Systemd, fleet: Fleet) -> None:
    fleet.add(ALICE, text='title = "海天注塑机"\nurl = "http://a/"\n')
    fleet.add("command/alice")
    fleet.want("sja-keepalive@bob.service")

    def find(*words: str) -> list[str]:
        return [str(job) for job in find_jobs(systemd, map(parse_selector, words))]

    assert find("*注塑*") == [ALICE]
    assert find("bob") == [BOB]
    assert find("a*", "bob") == ["command/alice", ALICE, BOB]
    assert find(UNIT, ALICE) == [ALICE]
    with pytest.raises(UsageError):
        find("alice")
