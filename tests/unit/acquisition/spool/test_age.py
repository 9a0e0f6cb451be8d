"""What is too old, by the time that the machine has run."""

import os
import time
from pathlib import Path

import pytest

from tests.unit.acquisition.spooling import BOUNDS, opened, put, segments_in, take


def let_run(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let the machine have run for that much longer, by its own clock."""
    real = time.clock_gettime
    monkeypatch.setattr(time, "clock_gettime", lambda clock: real(clock) + seconds)


def reboot(monkeypatch: pytest.MonkeyPatch, overflow: Path) -> None:
    """Let the clock of the machine begin anew, and what lasts for one boot be gone."""
    monkeypatch.setattr(time, "clock_gettime", lambda _: 3.0)
    for path in overflow.iterdir():
        path.unlink()


def test_what_is_too_old_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sja_units.acquisition.spool.writer._BOUND_SECONDS", 0.0)
    bounds = BOUNDS._replace(max_bytes=2**20)
    with opened(tmp_path, bounds) as spool:
        put(spool, 1, 2)
        put(spool, 3, padding=200_000)  # makes the segment full
        put(spool, 4)
        let_run(monkeypatch, 80000)
        put(spool, 5)
        assert spool.state().dropped == 0
        let_run(monkeypatch, 10000)
        put(spool, 6)
        assert spool.state().dropped == 3
        assert take(spool) == [4, 5, 6]


@pytest.mark.parametrize("step", [-3650, -1, 1, 10, 3650])
@pytest.mark.parametrize("restarts", [False, True])
def test_no_step_of_the_wall_clock_ages_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int, restarts: bool
) -> None:
    """A clock that was 10 days ahead for 3 s has deleted a whole backlog."""
    monkeypatch.setattr("sja_units.acquisition.spool.writer._BOUND_SECONDS", 0.0)
    bounds = BOUNDS._replace(max_bytes=2**20)
    wall, wall_ns = time.time() + step * 86400, time.time_ns() + step * 86400 * 10**9
    with opened(tmp_path, bounds) as spool:
        put(spool, 1, padding=200_000)
        put(spool, 2, padding=200_000)
        monkeypatch.setattr(time, "time", lambda: wall)
        monkeypatch.setattr(time, "time_ns", lambda: wall_ns)
        put(spool, 3)
        kept = spool if not restarts else None
        if kept:
            assert (take(kept), kept.state().dropped) == ([1, 2, 3], 0)
    if restarts:
        for path in segments_in(tmp_path):
            os.utime(path, (wall, wall))
        with opened(tmp_path, bounds) as spool:
            put(spool, 4)
            assert (take(spool), spool.state().dropped) == ([1, 2, 3, 4], 0)


def test_age_adds_up_over_boots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sja_units.acquisition.spool.writer._BOUND_SECONDS", 0.0)
    bounds = BOUNDS._replace(max_bytes=2**20)
    folder, overflow = tmp_path / "spool", tmp_path / "overflow"
    overflow.mkdir()
    with opened(folder, bounds, str(overflow)) as spool:
        put(spool, 1, padding=200_000)
        put(spool, 2)
        let_run(monkeypatch, 50_000)
        put(spool, 3)
    reboot(monkeypatch, overflow)
    with opened(folder, bounds, str(overflow)) as spool:
        let_run(monkeypatch, 30_000)
        put(spool, 4)
        assert spool.state().dropped == 0
    # Within one boot what runs while no worker does counts, too.
    let_run(monkeypatch, 10_000)
    with opened(folder, bounds, str(overflow)) as spool:
        put(spool, 5)
        assert (take(spool), spool.state().dropped) == ([2, 3, 4, 5], 1)


def test_a_spool_that_lost_its_cursor_keeps_its_age(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sja_units.acquisition.spool.writer._BOUND_SECONDS", 0.0)
    bounds = BOUNDS._replace(max_bytes=2**20)
    let_run(monkeypatch, 10**6)
    with opened(tmp_path, bounds) as spool:
        put(spool, 1, padding=200_000)
        let_run(monkeypatch, 50_000)
        put(spool, 2)
    (tmp_path / "cursor").unlink()
    monkeypatch.undo()
    monkeypatch.setattr("sja_units.acquisition.spool.writer._BOUND_SECONDS", 0.0)
    with opened(tmp_path, bounds) as spool:
        put(spool, 3)
        assert spool.state().dropped == 0
        let_run(monkeypatch, 40_000)
        put(spool, 4)
        assert spool.state().dropped == 1


def test_a_segment_removed_from_a_local_spool_keeps_no_other_beyond_its_age(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sja_units.acquisition.spool.writer._BOUND_SECONDS", 0.0)
    with opened(tmp_path, BOUNDS._replace(max_bytes=2**20), keeps_all=True) as spool:
        put(spool, 1, 2, padding=200_000)
        removed, old = segments_in(tmp_path)
        let_run(monkeypatch, 50_000)
        put(spool, 3, padding=200_000)
        removed.unlink()
        let_run(monkeypatch, 40_000)
        put(spool, 4)
        assert not old.exists()
        assert spool.state().batches == 2
