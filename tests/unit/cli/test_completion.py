"""What TAB offers, asked as click's scripts ask."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.unit.acquisition.harness import TOP
from tests.unit.cli.conftest import PROGRAM


def complete(words: str, home: Path) -> list[str]:
    """Return what bash is offered behind these words, the last of which is not whole yet."""
    asked = {"_SJACTL_COMPLETE": "bash_complete", "COMP_WORDS": words, "HOME": str(home)}
    env = {**os.environ, **asked, "COMP_CWORD": str(len(words.split(" ")) - 1)}
    done = subprocess.run(PROGRAM, cwd=TOP, env=env, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return [line.partition(",")[2] for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("sjactl create keepalive x --set al", ["alive.status=", "alive.body_contains="]),
        ("sjactl create acquisition x --set spool.", ["spool.max_age=", "spool.max_bytes="]),
        ("sjactl create acquisition x --set device.0.po", ["device.0.port="]),
        ("sjactl probe {home}/line1.toml --point pr", ["press1.temperature"]),
        ("sjactl --host g", ["gw1", "gw2"]),
        ("sjactl list --host g", ["gw1", "gw2"]),
        ("sjactl list --ho", ["--host"]),
        ("sjactl list --state run", ["running"]),
        ("sjactl list --state failed,do", ["failed,down"]),
        ("sjactl schema ke", ["keepalive"]),
        ("sjactl probe {home}/li", ["{home}/li"]),  # a file: the shell finds it
    ],
)
@pytest.mark.slow
def test_what_tab_offers(words: str, offered: list[str], tmp_path: Path) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/config").write_text("Host gw1 gw2 *.lan\n  User root\n")
    point = 'name = "temperature"\ntable = "holding"\naddress = 1\ntype = "int16"\n'
    device = f'[[device]]\nname = "press1"\nhost = "h"\n[[device.point]]\n{point}'
    (tmp_path / "line1.toml").write_text(f'[sink]\ntype = "local"\n{device}')
    found = complete(words.format(home=tmp_path), tmp_path)
    assert {each.format(home=tmp_path) for each in offered} <= set(found), found
