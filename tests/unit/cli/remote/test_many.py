"""Several hosts at once: each through a stand-in for ssh that runs the other end right here."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from sja_units.cli.remote.many import Answer, merge_lines
from tests.unit.acquisition.harness import TOP
from tests.unit.cli.conftest import PROGRAM

Run = Callable[..., "subprocess.CompletedProcess[str]"]

# As OpenSSH's client: 255 where a host is away, else the status of what was run there.
SSH = """#!/bin/sh
while [ "$1" != -- ]; do shift; done
case $2 in
away*) echo "ssh: connect to host $2: No route to host" >&2; exit 255 ;;
esac
export HOST_NAME=$2
exec sh -c "$3"
"""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    tools = tmp_path / "bin"
    tools.mkdir()
    code = PROGRAM[2].replace("'", "'\\''")
    for name, text in (
        ("ssh", SSH),
        ("sjactl", f"#!/bin/sh\ncd {TOP} && exec {PROGRAM[0]} -c '{code}' \"$@\"\n"),
    ):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    (tmp_path / "good.toml").write_text('url = "http://a.example/"\n')
    (tmp_path / "bad.toml").write_text("url = 5\n")

    def sjactl(*words: str) -> "subprocess.CompletedProcess[str]":
        path = f"{tools}:/usr/bin:/bin"
        return subprocess.run(
            [*PROGRAM, *words],
            cwd=TOP,
            env={"PATH": path, "LANG": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    return sjactl


@pytest.mark.slow
def test_all_answer_in_one_document(run: Run, tmp_path: Path) -> None:
    good = str(tmp_path / "good.toml")
    done = run("--host", "gw1,root@gw2", "validate", "--json", good)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert [(each["host"], each["ok"]) for each in said] == [("gw1", True), ("root@gw2", True)]


@pytest.mark.slow
def test_the_worst_counts_and_a_host_that_is_away_is_one_line(run: Run, tmp_path: Path) -> None:
    good, bad = (str(tmp_path / name) for name in ("good.toml", "bad.toml"))
    done = run("validate", good, "--host", "gw1", "--host", "away,gw2")
    assert done.returncode == 1
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["gw1", "gw2"]
    assert all("away: " in line for line in done.stderr.splitlines())
    done = run("--host", "gw1,away", "validate", "--json", bad)
    first, away = json.loads(done.stdout)
    assert (done.returncode, first["ok"], away["host"]) == (1, False, "away")
    assert away["error"]
    assert run("--host", "gw1,away", "validate", good).returncode == 1
    assert run("--host", "gw1,gw2", "config", "no/such").returncode == 2


@pytest.mark.slow
def test_hosts_can_stand_in_a_file(run: Run, tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("# hall A\ngw1\n\n  gw2  # the second\ngw1\n")
    done = run("--hosts", str(hosts), "validate", str(tmp_path / "good.toml"))
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["gw1", "gw2"]
    hosts.write_text("# none\n")
    assert run("--hosts", str(hosts), "list").returncode == 2
    assert run("--hosts", str(tmp_path / "nowhere"), "list").returncode == 1


@pytest.mark.parametrize(
    "words",
    [["watch"], ["edit", "x"], ["logs", "-f", "x"], ["backup", "x"], ["validate", "-"]],
)
def test_what_one_host_needs_for_itself(run: Run, words: list[str]) -> None:
    assert run("--host", "gw1,gw2", *words).returncode == 2


def test_a_wrong_host_is_told_before_any_is_asked(run: Run) -> None:
    done = run("--host", "gw1,-oProxyCommand=x", "list")
    assert done.returncode == 2
    assert "gw1" not in done.stdout


def test_heads_stand_once() -> None:
    answers = [
        Answer("gw1", 0, "JOB   STATE\na/b   running\n", ""),
        Answer("gateway2", 0, "JOB   STATE\nc/d   失败\n", ""),
    ]
    assert merge_lines(answers, None) == [
        "HOST      JOB   STATE",
        "gw1       a/b   running",
        "gateway2  c/d   失败",
    ]
    assert merge_lines([], None) == []
