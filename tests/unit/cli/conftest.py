"""sjactl as a program, and in this process with folders of the test's own."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from sja_units import cli, job
from sja_units.jobs import inventory
from tests.unit.acquisition.conftest import database, make_device
from tests.unit.acquisition.harness import TOP
from tests.unit.keepalive.conftest import site

__all__ = ["database", "make_device", "site"]  # the parts' fixtures, for sjactl's tests too

PROGRAM = [sys.executable, "-c", "from sja_units.cli import main; main()"]


class Said(NamedTuple):
    status: int
    out: str
    err: str


Sjactl = Callable[..., Said]


@pytest.fixture
def sjactl(capsys: pytest.CaptureFixture[str]) -> Sjactl:
    """Runs one command line in this process."""

    def run(*words: str) -> Said:
        capsys.readouterr()
        status = cli.run(list(words))
        said = Said(status, *capsys.readouterr())
        assert "Traceback" not in said.err
        return said

    return run


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with etc/KIND and var/KIND in the place of the host's."""
    for kind in job.KINDS:
        (tmp_path / "etc" / kind).mkdir(parents=True)
        (tmp_path / "var" / kind).mkdir(parents=True)
    monkeypatch.setattr(job, "CONFIG_ROOT", str(tmp_path / "etc"))
    monkeypatch.setattr(inventory, "CONFIG_ROOT", str(tmp_path / "etc"))
    monkeypatch.setattr(job, "STATE_ROOT", str(tmp_path / "var"))
    return tmp_path


def start_sjactl(*words: str) -> subprocess.Popen[str]:
    """Start sjactl as a process of its own, its output in pipes."""
    return subprocess.Popen(
        [*PROGRAM, *words],
        cwd=TOP,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
