"""A job's file: nobody's work is lost, and a host without sja-units is told so."""

import fcntl
import os
import threading
from pathlib import Path

import pytest

from sja_units import job
from sja_units.errors import SjaError
from sja_units.job import Job
from sja_units.jobs import files
from sja_units.jobs.files import Changed, change_file, create_file, lock_files

ALICE = Job("keepalive", "alice")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(job, "CONFIG_ROOT", str(tmp_path))
    monkeypatch.setattr(files, "OPERATORS", "root")
    (tmp_path / "keepalive").mkdir()
    return tmp_path / "keepalive"


def test_of_many_at_once_one_makes_the_job(folder: Path) -> None:
    outcomes: list[str] = []

    def create(text: str) -> None:
        try:
            create_file(ALICE, text)
            outcomes.append(text)
        except Changed:
            outcomes.append("")

    threads = [threading.Thread(target=create, args=(f"n = {i}\n",)) for i in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = filter(None, outcomes)
    assert len(outcomes) == 12
    assert (folder / "alice.toml").read_text() == winner


def test_a_change_counts_only_on_what_was_read(folder: Path) -> None:
    create_file(ALICE, "a = 1\n")
    change_file(ALICE, "a = 1\n", "a = 2\n")
    with pytest.raises(Changed):
        change_file(ALICE, "a = 1\n", "a = 3\n")
    assert (folder / "alice.toml").read_text() == "a = 2\n"
    (folder / "alice.toml").unlink()
    with pytest.raises(Changed):
        change_file(ALICE, "a = 2\n", "a = 3\n")
    assert not (folder / "alice.toml").exists()


def test_a_lock_that_is_never_given_back_is_not_waited_for_for_ever(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    try:
        with pytest.raises(SjaError), lock_files("keepalive", seconds=0.1):
            pass
    finally:
        os.close(fd)
    with lock_files("keepalive", seconds=0.1):
        pass


@pytest.mark.parametrize("what", ["folder", "group"])
def test_a_host_without_sja_units_is_told_so(
    what: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if what == "folder":
        folder.rmdir()
    else:
        monkeypatch.setattr(files, "OPERATORS", "nobody-is-in-it")
    with pytest.raises(SjaError, match="not installed"):
        files.check_installed("keepalive")
