"""sjactl, killed in the middle of its work, at a moment that does not depend on speed."""

import subprocess

from tests.machines.machine import Machine

_PROGRAM = """
import os, sys
from sja_units.cli import main
left, sync = int(sys.argv.pop(1)), os.fsync
def count(fd):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), 9)
    sync(fd)
os.fsync = count
main()
"""


def run_cut(machine: Machine, syncs: int, *words: str) -> subprocess.CompletedProcess[str]:
    """Run sjactl; it is killed before it puts something on the disk more often than that."""
    program = ["/opt/sja-units/bin/python", "-Ic", _PROGRAM, str(syncs)]
    return machine.run(*program, *words, check=False)
