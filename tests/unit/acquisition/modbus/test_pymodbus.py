"""pymodbus renames and changes in minor releases (#2703): both ends of what we take are tried."""

import os
import subprocess
import sys

import pytest

from tests.machines.wheels import oldest_pymodbus
from tests.unit.acquisition.harness import TOP

pytestmark = pytest.mark.slow


_VERSION = "import pymodbus; print(pymodbus.__version__)"
_TESTS = [
    "tests/unit/acquisition/modbus/test_link.py",
    "tests/unit/acquisition/modbus/test_serial_line.py",
]
_CHOSEN = "registers or bits or exception or rtu or ascii"


def _run(*words: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(oldest_pymodbus())}
    command = [sys.executable, *words]
    done = subprocess.run(
        command, cwd=TOP, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_oldest_version_speaks_the_same_frames() -> None:
    assert _run("-c", _VERSION) != subprocess.check_output(
        [sys.executable, "-c", _VERSION], text=True
    )
    quiet = ["-p", "no:cacheprovider", "-p", "no:xdist", "-q"]
    assert " passed" in _run("-m", "pytest", *quiet, "-k", _CHOSEN, *_TESTS)
