"""The README is true: each of its commands is run, in its order, in one machine."""

import re
from pathlib import Path

from tests.machines.machine import Machine
from tests.system.jobs import write_idle

README = Path(__file__).parents[2] / "README.md"
# Run by test_demo.py, by these tests being run, and by what made the machine.
ELSEWHERE = {"./install.sh --demo", "tests/run", "./install.sh"}


def read_blocks() -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE)
    assert len(blocks) > len(ELSEWHERE)
    return [block for block in blocks if block.strip() not in ELSEWHERE]


def test_every_command_works(machine: Machine) -> None:
    for block in read_blocks():
        done = machine.sh("cd /root\n" + block)
        assert "Traceback" not in done.stderr
    assert machine.run("sjactl", "list").stdout == ""
    assert machine.run("systemctl", "--failed", "--no-legend").stdout == ""


def test_every_path_is_there(machine: Machine) -> None:
    machine.sh("cd /root\n" + "".join(read_blocks()[:2]))
    write_idle(machine, "line1")
    machine.run("sjactl", "start", "acquisition/line1")
    paths = re.findall(r"^\| `(/[^`]+)` \|", README.read_text(), re.MULTILINE)
    assert len(paths) >= 6
    for path in paths:
        known = [("KIND/NAME", "keepalive/alice"), ("cookies/NAME", "cookies/alice")]
        known += [("last/NAME", "last/line1")]
        for placeholder, job in known:
            path = path.replace(placeholder, job)
        # There is no site here that says alive, and no device that answers.
        path = path.removesuffix("cookies.txt").removesuffix("last.json")
        assert machine.sh(f"ls -d {path}").stdout
