"""TAB in real shells, which find what install.sh has put where they look."""

from collections.abc import Iterator

import pytest

from tests.machines.images import machine_with_shells
from tests.machines.machine import Machine
from tests.system.jobs import write_idle
from tests.system.watch import booted

CHOICES = {
    "sjactl ": ["create", "status", "start", "doctor", "metrics"],
    "sjactl start line": ["line1", "line2"],
    "sjactl logs line1 acquisition/line": ["acquisition/line1", "acquisition/line2"],
    "sjactl list --st": ["--state"],
    "sjactl list --state st": ["starting", "stopping", "stopped"],
    "sjactl probe /etc/sja-units/acquisition/line": ["line1.toml", "line2.toml"],
    "sjactl create keepalive new --from /etc/sja-units/acquisition/li": ["line1.toml"],
}


@pytest.fixture(scope="module")
def shells() -> Iterator[Machine]:
    """A machine with two jobs and all shells."""
    with booted(machine_with_shells("bookworm")) as machine:
        write_idle(machine, "line1")
        write_idle(machine, "line2")
        machine.write("/root/.zshrc", "autoload -U compinit && compinit -u\n")
        yield machine


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize("text", CHOICES)
def test_what_tab_offers(shells: Machine, shell: str, text: str) -> None:
    shells.run("python3", "/src/tests/peers/typist.py", shell, text, *CHOICES[text])


def test_tab_is_quiet_where_jobs_cannot_be_seen(shells: Machine) -> None:
    shells.sh("id someone || useradd someone")
    words = {"_SJACTL_COMPLETE": "bash_complete", "COMP_WORDS": "sjactl start ", "COMP_CWORD": "2"}
    done = shells.run("sjactl", user="someone", env=words)
    assert (done.stdout.strip(), done.stderr) == ("", "")
