"""The file for lines that a database refuses for good."""

from pathlib import Path

import pytest

from sja_units.acquisition.influxdb import dead_letter as dead_letters
from sja_units.acquisition.influxdb.dead_letter import DeadLetter, parse_parked
from sja_units.acquisition.influxdb.refusal import Refused
from tests.unit.acquisition.spooling import file_size_limit

REASON = "400: field type conflict"


def refuse(*numbers: int) -> list[Refused]:
    return [Refused(b"m v=%di %d" % (number, number), REASON) for number in numbers]


def lines_in(file: Path) -> list[bytes]:
    return [parked.line for parked in parse_parked(file.read_bytes())]


def test_a_line_that_a_kill_has_torn_is_not_taken_for_another_value(tmp_path: Path) -> None:
    file = tmp_path / "dead-letter.lp"
    DeadLetter(str(tmp_path)).park(refuse(10))
    # With another time it would be a line, too.
    file.write_bytes(file.read_bytes() + b"# 400: x\nm v=2i 1795")
    assert DeadLetter(str(tmp_path)).parked == 1
    DeadLetter(str(tmp_path)).park([Refused(b"m v=2i 17956", REASON)])
    assert lines_in(file) == [b"m v=10i 10", b"m v=2i 17956"]
    file.write_bytes(b"m v=2i 1795")
    DeadLetter(str(tmp_path)).park(refuse(30))
    assert lines_in(file) == [b"m v=30i 30"]


def test_a_full_disk_gets_all_or_nothing(tmp_path: Path) -> None:
    file = tmp_path / "dead-letter.lp"
    dead_letter = DeadLetter(str(tmp_path))
    dead_letter.park(refuse(1))
    before = file.read_bytes()
    with file_size_limit(100_000), pytest.raises(OSError, match="large"):
        dead_letter.park(refuse(*range(10_000)))
    assert file.read_bytes() == before
    assert dead_letter.parked == 1
    dead_letter.park(refuse(*range(10_000)))
    assert len(lines_in(file)) == dead_letter.parked == 10_001


@pytest.mark.slow
def test_what_has_no_room_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_letters, "MAX_BYTES", 10_000)
    dead_letter = DeadLetter(str(tmp_path))
    dropped = sum(dead_letter.park(refuse(number)) for number in range(1000))
    found = [line for name in dead_letters.FILES for line in lines_in(tmp_path / name)]
    assert dropped > 0
    assert len(found) == dead_letter.parked == 1000 - dropped
    assert found == [refused.line for refused in refuse(*range(dropped, 1000))]
    # It stays what it is over a restart.
    assert DeadLetter(str(tmp_path)).parked == 1000 - dropped


def test_each_line_has_its_time_and_reason(tmp_path: Path) -> None:
    DeadLetter(str(tmp_path)).park([Refused(b"m v=1i 1", "400: a"), Refused(b"m v=2i 2", "400: b")])
    found = list(parse_parked((tmp_path / "dead-letter.lp").read_bytes()))
    assert [item.reason for item in found] == ["400: a", "400: b"]
    assert all(item.time.endswith("Z") for item in found)
    assert list(DeadLetter(str(tmp_path)).list_recent(600)) == found
    assert list(DeadLetter(str(tmp_path)).list_recent(-5)) == []
