import os
import resource
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sja_units.fs.atomic import replace_file
from tests.waiting import PATIENCE, wait_for_change

WRITER = """
import sys
from sja_units.fs.atomic import replace_file
n = 0
while True:
    n += 1
    replace_file(sys.argv[1], (b"%06d" % n) * 5000)
"""


@pytest.mark.slow
def test_a_kill_never_leaves_a_torn_file(tmp_path: Path) -> None:
    path = tmp_path / "jar"
    replace_file(str(path), b"000000" * 5000)
    for i in range(8):
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)])
        wait_for_change(path)
        time.sleep(0.003 * i)
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE)
        data = path.read_bytes()
        assert len(data) == 30000
        assert data == data[:6] * 5000


def test_nothing_is_written_through_a_planted_link(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "file.new").symlink_to(victim)
    replace_file(str(tmp_path / "file"), b"new")
    assert victim.read_text() == "precious"
    assert (tmp_path / "file").read_bytes() == b"new"


def test_mode_does_not_depend_on_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        replace_file(str(tmp_path / "file"), b"x", 0o644)
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o644


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    replace_file(str(path), b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            replace_file(str(path), b"x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]
