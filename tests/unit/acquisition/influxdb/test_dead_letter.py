"""The file for lines that a database refuses for good."""

from pathlib import Path

import pytest

from sja_units.acquisition.influxdb.dead_letter import DeadLetter
from tests.unit.acquisition.spooling import file_size_limit

REASON = "400: field type conflict"


def test_a_line_that_a_kill_has_torn_is_not_taken_for_another_value(tmp_path: Path) -> None:
    file = tmp_path / "dead-letter.lp"
    DeadLetter(str(file)).park([(b"m v=1i 10", REASON)])
    # With another time it would be a line, too.
    file.write_bytes(file.read_bytes() + b"# 400: x\nm v=2i 1795")
    DeadLetter(str(file)).park([(b"m v=2i 17956", REASON)])
    lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    assert lines == ["m v=1i 10", "m v=2i 17956"]
    file.write_bytes(b"m v=2i 1795")
    DeadLetter(str(file)).park([(b"m v=3i 30", REASON)])
    assert file.read_text() == f"# {REASON}\nm v=3i 30\n"


def test_a_full_disk_gets_all_or_nothing(tmp_path: Path) -> None:
    file = tmp_path / "dead-letter.lp"
    dead_letter = DeadLetter(str(file))
    dead_letter.park([(b"m v=1i 10", REASON)])
    before = file.read_bytes()
    many = [(b"m v=%di %d" % (number, number), REASON) for number in range(10_000)]
    with file_size_limit(100_000), pytest.raises(OSError, match="large"):
        dead_letter.park(many)
    assert file.read_bytes() == before
    dead_letter.park(many)
    assert file.read_text().count("m v=") == 10_001
