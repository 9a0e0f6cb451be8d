"""A worker's own word counts only while it is fresh."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sja_units import health, job


@pytest.mark.parametrize(
    ("seconds", "counts"), [(-40, False), (-5, True), (5, True), (3600, False)]
)
def test_a_report_of_long_ago_or_of_a_time_to_come_counts_as_absent(
    seconds: float, counts: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "RUN_ROOT", str(tmp_path))
    monkeypatch.setattr(health, "_runs_in", lambda pid, unit: pid == os.getpid())
    line1 = job.Job("acquisition", "line1")
    Path(line1.run_dir).mkdir(parents=True)
    at = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
    word = {"pid": os.getpid(), "since": at, "updated": at, "valid_for": 30.0}
    Path(line1.run_dir, "health.json").write_text(json.dumps(word))
    assert bool(health.read_health(line1)) is counts
