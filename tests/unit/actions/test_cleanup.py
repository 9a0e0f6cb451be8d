import os
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from sja_units import job
from sja_units.actions import cleanup
from sja_units.actions.cleanup import Findings, find_leftovers, remove_leftover
from sja_units.job import Job
from sja_units.jobs import drop_ins, failure, manager, markers, state_dir
from sja_units.systemd.client import Systemd
from sja_units.systemd.unit import UnitRow
from tests.unit.fs.test_tree import dig

GONE = Job("acquisition", "gone")
DAY = 86400.0


class FakeSystemd(Systemd):
    """Has only the units that it is given."""

    def __init__(self, *rows: UnitRow) -> None:
        self._rows = list(rows)

    def list_units(self, patterns: Iterable[str]) -> list[UnitRow]:
        return self._rows


NOTHING_RUNS = FakeSystemd()


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host's folders, with the state of one job that is gone."""
    places = {name: tmp_path / name for name in ("etc", "var", "private", "run")}
    for name, place in places.items():
        key = f"{name.upper()}_ROOT" if name != "etc" else "CONFIG_ROOT"
        key = "STATE_ROOT" if name == "var" else key
        for module in (job, cleanup, failure, markers, manager, state_dir):
            if hasattr(module, key):
                monkeypatch.setattr(module, key, str(place))
        for kind in job.KINDS:
            (place / kind).mkdir(parents=True)
    monkeypatch.setattr(cleanup, "STAGING", str(tmp_path / "var/restoring"))
    monkeypatch.setattr(cleanup, "list_configured", list)
    monkeypatch.setattr(drop_ins, "list_orphaned_drop_ins", list)
    (tmp_path / "private" / str(GONE)).mkdir()
    (tmp_path / "var" / str(GONE)).symlink_to(tmp_path / "private" / str(GONE))
    return tmp_path


def age(folder: Path, days: float) -> None:
    moment = time.time() - days * DAY
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (moment, moment), follow_symlinks=False)


def find(days: float = 30, systemd: Systemd = NOTHING_RUNS) -> Findings:
    return find_leftovers(systemd, time.time() - days * DAY)


def test_the_newest_change_anywhere_below_counts(host: Path) -> None:
    folder = host / "private" / str(GONE)
    (folder / "a/b").mkdir(parents=True)
    (folder / "a/b/file").write_text("x" * 1000)
    age(folder, 40)
    (found,) = find().leftovers
    assert (found.paths[0], found.size) == (str(folder), 1000)
    assert find(41).leftovers == []
    for young in (folder, folder / "a/b", folder / "a/b/file"):
        age(folder, 40)
        os.utime(young)
        assert find().leftovers == []


def test_a_link_in_a_state_is_neither_followed_nor_counted(host: Path) -> None:
    folder = host / "private" / str(GONE)
    (folder / "link").symlink_to("/usr")
    (folder / "nowhere").symlink_to("/nowhere")
    age(folder, 40)
    os.utime(folder / "link", follow_symlinks=False)
    (found,) = find().leftovers
    assert found.size < 1000
    assert remove_leftover(NOTHING_RUNS, found)
    assert not folder.exists()
    assert not os.path.lexists(host / "var" / str(GONE))
    assert os.path.isdir("/usr/bin")


def test_the_link_that_is_left_alone_goes_as_well(host: Path) -> None:
    (host / "private" / str(GONE)).rmdir()
    (found,) = find().leftovers
    assert found.paths == (str(host / "var" / str(GONE)),)
    assert remove_leftover(NOTHING_RUNS, found)
    assert remove_leftover(NOTHING_RUNS, found)  # somebody was faster
    assert find() == Findings([], [])


@pytest.mark.parametrize("active", ["active", "activating", "deactivating", "reloading"])
def test_nothing_of_a_job_that_runs_is_left_over(host: Path, active: str) -> None:
    age(host / "private" / str(GONE), 40)
    running = FakeSystemd(UnitRow(GONE.unit, "loaded", active, "x", ""))
    assert find(systemd=running) == Findings([], [])
    for ended in ("inactive", "failed"):
        done = FakeSystemd(UnitRow(GONE.unit, "loaded", ended, "x", ""))
        assert len(find(systemd=done).leftovers) == 1


def test_a_job_that_came_back_meanwhile_keeps_its_state(host: Path) -> None:
    age(host / "private" / str(GONE), 40)
    (found,) = find().leftovers
    (host / "etc" / f"{GONE}.toml").write_text("")
    assert not remove_leftover(NOTHING_RUNS, found)
    assert (host / "private" / str(GONE)).exists()


@pytest.mark.slow
@pytest.mark.slow
def test_a_state_of_any_depth_is_measured_and_removed(host: Path) -> None:
    folder = host / "private" / str(GONE)
    folder.rmdir()
    dig(folder, 1100)
    assert find().leftovers == []  # it is new
    found = find_leftovers(NOTHING_RUNS, time.time() + DAY)
    assert remove_leftover(NOTHING_RUNS, found.leftovers[0])
    assert not folder.exists()
