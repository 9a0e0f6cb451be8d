"""A worker's own word counts only while it is fresh."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sja_units import job
from sja_units.jobs import health


@pytest.fixture
def line1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> job.Job:
    monkeypatch.setattr(job, "RUN_ROOT", str(tmp_path))
    monkeypatch.setattr(health, "_runs_in", lambda pid, unit: pid == os.getpid())
    line1 = job.Job("acquisition", "line1")
    Path(line1.run_dir).mkdir(parents=True)
    return line1


def write(line1: job.Job, at: str, **changes: object) -> None:
    word = {"pid": os.getpid(), "since": at, "updated": at, "valid_for": 30.0, **changes}
    text = json.dumps(word).replace('"HUGE"', "1e999")
    Path(line1.run_dir, "health.json").write_text(text)


@pytest.mark.parametrize(
    ("seconds", "counts"), [(-40, False), (-5, True), (5, True), (3600, False)]
)
def test_a_report_of_long_ago_or_of_a_time_to_come_counts_as_absent(
    seconds: float, counts: bool, line1: job.Job
) -> None:
    write(line1, (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat())
    assert bool(health.read_health(line1)) is counts


@pytest.mark.parametrize(
    "changes",
    [
        {"since": "0001-01-01T00:00:00"},
        {"since": "yesterday"},
        {"since": None},
        {"updated": "9999-12-31T23:59:59"},
        {"valid_for": "HUGE"},
        {"devices": {"press1": {"last": "HUGE"}}},
        {"status": "\ud800"},
    ],
)
def test_what_can_be_no_report_counts_as_absent(changes: dict[str, object], line1: job.Job) -> None:
    write(line1, datetime.now(UTC).isoformat(), **changes)
    assert health.read_health(line1) == {}
