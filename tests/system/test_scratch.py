import pytest
from tests.lab.machine import Machine

@pytest.mark.parametrize("n", range(6))
@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_it(machine: Machine, n: int) -> None:
    assert machine.run("systemctl","is-system-running").stdout.strip()=="running"
    machine.cut(); machine.boot()
    machine.poweroff(); machine.boot()
    assert machine.run("/usr/local/bin/sjactl","--help", check=False).returncode==0
    if n == 3: machine.cut(); assert 0
