"""Without --wheels install.sh takes from an index what is locked, and nothing else."""

from collections.abc import Iterator

import pytest

from tests.machines.images import bare_machine
from tests.machines.machine import Machine
from tests.machines.wheels import locked_index
from tests.system.watch import booted

INSTALL = "/src/install.sh"


@pytest.fixture
def machine(suite: str) -> Iterator[Machine]:
    with booted(bare_machine(suite, "locked", binds={"/index": locked_index()})) as machine:
        yield machine


def index_at(folder: str) -> dict[str, str]:
    return {"PIP_INDEX_URL": f"file://{folder}"}


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_what_is_locked_is_installed_and_nothing_that_was_changed(machine: Machine) -> None:
    machine.run(INSTALL, timeout=600, env=index_at("/index"))
    installed = machine.run("/opt/sja-units/bin/python", "-m", "pip", "freeze", "--all").stdout
    machine.run("sjactl", "list")
    locked = {
        line.split()[0]
        for line in machine.sh("grep == /src/requirements.lock").stdout.split("\n")
        if line
    }
    others = {
        line for line in installed.splitlines() if not line.startswith(("sja-units ", "pip=="))
    }
    assert others <= locked
    assert {line.partition("==")[0] for line in others} >= {"click", "pymodbus", "sdnotify"}

    machine.sh("cp -r /index /run/index; for f in /run/index/click/*.whl; do echo >>$f; done")
    done = machine.run(INSTALL, timeout=600, env=index_at("/run/index"), check=False)
    assert done.returncode == 1
    assert "hash" in done.stderr.lower()
    assert "install.sh: pip failed" in done.stderr
    machine.run("sjactl", "list")  # what was there goes on
