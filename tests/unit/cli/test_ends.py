"""How sjactl ends, whatever happens to it."""

import os

import pytest

from sja_units import cli
from sja_units.cli.verbs import doctor


def test_a_fault_of_ours_is_no_finding(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise ValueError("nobody thought of that")

    monkeypatch.setattr(doctor, "examine", fail)
    assert cli.run(["doctor"]) == os.EX_SOFTWARE
    assert "nobody thought of that" in capsys.readouterr().err
