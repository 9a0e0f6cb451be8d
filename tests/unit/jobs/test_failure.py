"""What is read of the end hook's records, whatever they hold."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sja_units import job
from sja_units.jobs.failure import parse_failure, read_failure

LINE1 = job.Job("acquisition", "line1")
RECORD = "at=2026-01-02T03:04:05Z\nresult=exit-code\ncode=exited\nstatus={}\nfailures={}\n"


@given(st.text())
def test_no_text_is_a_fault(text: str) -> None:
    parse_failure(text)


@pytest.mark.parametrize("number", ["²", "٣", "9" * 5000, "-1", ""])
def test_a_number_that_is_none_counts_as_absent(number: str) -> None:
    failure = parse_failure(RECORD.format(number, number) + f"recent={number} 5\n")
    assert (failure.exit_code, failure.failures, failure.recent) == (None, 1, (5.0,))


@pytest.mark.parametrize("mark", ["\r", "\v", "\f", "\x1c", "\x85", "\u2028"])
def test_a_workers_words_are_one_line(
    mark: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "STATE_ROOT", str(tmp_path))
    Path(LINE1.ended_path).parent.mkdir()
    words = f"no disk{mark}failures=99"
    Path(LINE1.ended_path).write_text(RECORD.format(1, 2) + f"message={words}\n", newline="\n")
    failure = read_failure(LINE1)
    assert failure
    assert (failure.message, failure.failures) == (words, 2)


def test_a_record_that_cannot_be_read_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "STATE_ROOT", str(tmp_path))
    Path(LINE1.ended_path).mkdir(parents=True)
    assert read_failure(LINE1) is None
