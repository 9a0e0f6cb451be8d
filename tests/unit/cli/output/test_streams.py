"""What sjactl prints where the locale lacks letters, or nothing can be printed."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.unit.acquisition.harness import TOP, free_port
from tests.unit.cli.conftest import PROGRAM

pytestmark = pytest.mark.slow


JOB = """
[sink]
type = "local"
[[device]]
name = "海天注塑机"
host = "127.0.0.1"
port = {port}
timeout = "1s"
  [[device.point]]
  name = "temperature"
  table = "holding"
  address = 0
  type = "int16"
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A job's file that nobody listens for."""
    path = tmp_path / "job.toml"
    path.write_text(JOB.format(port=free_port()))
    return str(path)


def run(*words: str | bytes, encoding: str = "utf-8") -> subprocess.CompletedProcess[bytes]:
    env = {**os.environ, "PYTHONIOENCODING": encoding}
    return subprocess.run([*PROGRAM, *words], cwd=TOP, env=env, capture_output=True, check=False)


@pytest.mark.parametrize("encoding", ["iso-8859-1", "gb2312"])
def test_letters_that_the_locale_lacks(encoding: str, file: str) -> None:
    done = run("probe", file, encoding=encoding)
    assert (done.returncode, b"Traceback" in done.stderr) == (1, False)
    assert ("海天注塑机" if encoding == "gb2312" else "?????") in done.stdout.decode(encoding)
    done = run("probe", file, "--json", encoding=encoding)
    assert "海天注塑机" in str(json.loads(done.stdout.decode(encoding)))


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_was_closed(closed: str, file: str) -> None:
    script = f'"$@" {closed}'
    words = ["sh", "-c", script, "sh", *PROGRAM, "probe", file]
    done = subprocess.run(words, cwd=TOP, capture_output=True, check=False)
    assert (done.returncode, b"Traceback" in done.stderr) == (1, False)


@pytest.mark.parametrize(
    "words",
    [
        (b"create", b"keepalive", b"alice", b"--title", b"\xff\xfe", b"--url", b"http://x/"),
        (b"create", b"command", b"web", b"--", b"/bin/echo", b"\xff"),
        (b"list", b"\xff*"),
    ],
)
def test_words_that_are_no_text(words: tuple[bytes, ...]) -> None:
    done = run(*words)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode().startswith("sjactl: '")
    assert done.stderr.count(b"\n") == 1
