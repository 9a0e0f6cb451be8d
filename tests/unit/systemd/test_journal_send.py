"""Entries as the journal's native protocol wants them, at a real socket."""

import re
import socket
from pathlib import Path

import pytest

from sja_units.hooks import journal as hooks_journal
from sja_units.job import Job
from sja_units.systemd import journal_send

CATALOG = Path(__file__).parents[3] / "units" / "catalog"


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> socket.socket:
    """A socket in the journal's place."""
    end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    end.settimeout(30)
    end.bind(str(tmp_path / "socket"))
    monkeypatch.setattr(hooks_journal, "SOCKET", str(tmp_path / "socket"))
    return end


def test_an_entry_has_its_job_and_number(journal: socket.socket) -> None:
    journal_send.send(journal_send.REPAIRED, "1号线 started", Job("acquisition", "line1"))
    lines = journal.recv(65536).decode().splitlines()
    assert "MESSAGE=1号线 started" in lines
    assert "SJA_JOB=acquisition/line1" in lines
    assert "OBJECT_SYSTEMD_UNIT=sja-acquisition@line1.service" in lines
    assert f"MESSAGE_ID={journal_send.REPAIRED.message_id}" in lines
    assert "PRIORITY=5" in lines


def test_a_value_cannot_forge_a_field(journal: socket.socket) -> None:
    journal_send.send(journal_send.FOUND, "a\nPRIORITY=0", result="b\nc")
    data = journal.recv(65536)
    assert b"MESSAGE\n" + (12).to_bytes(8, "little") + b"a\nPRIORITY=0\n" in data
    assert b"RESULT\n" + (3).to_bytes(8, "little") + b"b\nc\n" in data


def test_without_a_journal_it_goes_to_stderr(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(hooks_journal, "SOCKET", str(tmp_path / "nobody"))
    journal_send.send(journal_send.FOUND, "something is wrong")
    assert capsys.readouterr().err == "something is wrong\n"


def test_each_event_is_in_the_catalogue() -> None:
    events = [v for v in vars(journal_send).values() if isinstance(v, journal_send.Event)]
    numbers = re.findall(r"^-- ([0-9a-f]{32})$", CATALOG.read_text(), re.MULTILINE)
    known = [event.message_id for event in events]
    known += [hooks_journal.WAITS, hooks_journal.COMPLETED]
    assert sorted(known) == sorted(numbers)


def test_the_begin_hook_writes_the_number_that_history_reads() -> None:
    assert f"MESSAGE_ID={hooks_journal.WAITS}\n" in (CATALOG.parent / "begin").read_text()
