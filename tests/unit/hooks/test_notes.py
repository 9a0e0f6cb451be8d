"""What the end hook keeps in files, and what it deletes: nothing but its own."""

from pathlib import Path

import pytest

from sja_units.hooks import journal
from sja_units.hooks.notes import Folders, UnitNotes
from sja_units.hooks.record import Record, parse_record

UNIT = "sja-command@nightly.service"
RECORD = Record("2027-01-15T08:00:00Z", "signal", "killed", "KILL", 3, (1, 2), False, "a\\b = ü")


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folders:
    places = ("state/wanted", "state/ended", "state/runs", "run/backoff", "run/news")
    for place in (*places, "run/stopped", "run/relaunched", "timers", "stamps", "cwd"):
        (tmp_path / place).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "cwd")
    monkeypatch.setattr(journal, "SOCKET", str(tmp_path / "nobody"))
    return Folders(*(str(tmp_path / name) for name in ("state", "run", "timers", "stamps")))


def fill(tmp_path: Path, unit: str) -> list[Path]:
    """Make every file that may be kept of a unit."""
    places = ("state/wanted", "state/ended", "state/runs", "run/backoff", "run/relaunched")
    paths = [tmp_path / place / unit for place in places]
    for path in paths:
        path.write_text("3 99\n")
    return paths


def test_a_stop_forgets_all_of_its_unit_and_nothing_else(tmp_path: Path, folders: Folders) -> None:
    stamp = tmp_path / "stamps/stamp-sja-command@nightly.timer"
    timer = tmp_path / "timers/sja-command@nightly.timer"
    other = fill(tmp_path, "sja-command@other.service")
    for path in (stamp, timer):
        path.touch()
    gone = fill(tmp_path, UNIT)
    UnitNotes(folders, UNIT).forget_all()
    assert [path for path in (*gone, stamp) if path.exists()] == []
    assert all(path.exists() for path in (*other, timer))


def test_a_stop_after_a_noted_failure_removes_the_schedule_s_stamp(
    tmp_path: Path, folders: Folders
) -> None:
    """As when it comes while the end hook waits: by the stamp a run would be made up for."""
    stamp = tmp_path / "stamps/stamp-sja-command@nightly.timer"
    stamp.touch()
    bystander = tmp_path / "cwd" / f"{1_800_000_000} {RECORD.at}"
    bystander.touch()
    notes = UnitNotes(folders, UNIT)
    notes.note_failure(RECORD)
    notes.note_pause(3, 9)
    notes.forget_all()
    assert not stamp.exists()
    assert bystander.exists()
    assert [path.name for path in tmp_path.rglob("*nightly*") if path.parent.name != "news"] == []


def test_only_a_command_has_a_schedule(tmp_path: Path, folders: Folders) -> None:
    stamp = tmp_path / "stamps/stamp-sja-command@nightly.timer"
    stamp.touch()
    UnitNotes(folders, "sja-keepalive@nightly.service").forget_all()
    assert stamp.exists()


def test_what_is_noted_is_read_again(folders: Folders) -> None:
    notes = UnitNotes(folders, UNIT)
    notes.note_failure(RECORD)
    notes.note_pause(3, 9)
    found = notes.read()
    assert (found.failures, found.recent, found.is_relaunched) == (3, (1, 2), False)


def test_a_record_is_read_as_it_was_written(tmp_path: Path, folders: Folders) -> None:
    UnitNotes(folders, UNIT).note_failure(RECORD)
    read = parse_record((tmp_path / "state/ended" / UNIT).read_text())
    for name in Record.__slots__:
        assert getattr(read, name) == getattr(RECORD, name)
    assert (tmp_path / "run/news" / UNIT).exists()


@pytest.mark.parametrize("text", ["", "\n", "x", "9" * 5000, "-1 5", "² 3", "\0"])
def test_a_count_that_is_none_is_zero(tmp_path: Path, folders: Folders, text: str) -> None:
    (tmp_path / "run/backoff" / UNIT).write_text(text)
    assert UnitNotes(folders, UNIT).read().failures == 0


def test_a_stop_is_noted_for_its_own_run_once(folders: Folders) -> None:
    notes = UnitNotes(folders, UNIT)
    assert not notes.take_noted_stop("")
    notes.note_stop("r1")
    assert notes.take_noted_stop("r1")
    assert not notes.take_noted_stop("r1")
    notes.note_stop("r1")
    assert not notes.take_noted_stop("r2")


@pytest.mark.parametrize("scheduled", [False, True])
def test_what_did_its_work_stays_wanted_by_its_schedule(
    tmp_path: Path, folders: Folders, scheduled: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path, UNIT)
    if scheduled:
        (tmp_path / "timers/sja-command@nightly.timer").touch()
    UnitNotes(folders, UNIT).note_completed("2027-01-15T08:00:00Z", "r1")
    assert (tmp_path / "state/wanted" / UNIT).exists() == scheduled
    assert (tmp_path / "state/runs" / UNIT).read_text() == "completed=2027-01-15T08:00:00Z\n"


def test_what_cannot_be_written_is_said_and_the_rest_is_done(
    tmp_path: Path, folders: Folders, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "state/ended").rmdir()
    notes = UnitNotes(folders, UNIT)
    notes.note_failure(RECORD)
    assert (tmp_path / "run/news" / UNIT).exists()
    assert "<3>" in capfd.readouterr().out
