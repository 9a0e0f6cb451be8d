"""What a command's program can and cannot do, as it finds by trying."""

import json
from typing import Any

import pytest

from tests.machines.machine import Machine
from tests.system.jobs import view, wait_state

PROGRAM = "/usr/local/lib/tests/tries"
TRIES = """#!/usr/bin/python3
import ctypes, json, mmap, os, time
libc = ctypes.CDLL(None, use_errno=True)

def attempt(work):
    try:
        return work() and "done"
    except OSError as error:
        return os.strerror(error.errno)

def io_uring():
    ctypes.set_errno(0)
    if libc.syscall(425, 8, ctypes.create_string_buffer(120)) < 0:
        raise OSError(ctypes.get_errno(), "")
    return True

def fill(path, size):
    with open(path, "wb") as file:
        for _ in range(size):
            file.write(bytes(2**20))
    return True

def own_folder():
    os.chown(".", os.getuid(), os.getgid())
    return True

def run():
    memory = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    return memory is not None

found = {
    "chown": attempt(own_folder),
    "nice": attempt(lambda: os.setpriority(os.PRIO_PROCESS, 0, 5) is None),
    "io_uring": attempt(io_uring),
    "shm": attempt(lambda: fill("/dev/shm/much", 80)),
    "run_user": attempt(lambda: os.listdir("/run/user") is not None),
    "bus": attempt(lambda: os.listdir("/run/dbus") is not None),
    "jobs": attempt(lambda: os.listdir("/run/sja-units/handed") is not None),
    "seen": os.listdir("/run/sja-units"),
    "configs": attempt(lambda: os.listdir("/etc/sja-units") is not None),
    "jit": attempt(run),
}
with open("found.new", "w") as file:
    json.dump(found, file)
os.rename("found.new", "found")
time.sleep(600)
"""


def try_all(machine: Machine, name: str, more: str) -> dict[str, Any]:
    """Run the program as a job; return what it found."""
    machine.write(PROGRAM, TRIES, mode=0o755)
    path = f"/etc/sja-units/command/{name}.toml"
    machine.write(path, f'command = ["{PROGRAM}"]\n{more}', mode=0o640, group="sja")
    machine.run("sjactl", "apply", name)
    machine.run("sjactl", "start", name)
    wait_state(machine, f"command/{name}", "running")
    found = f"/var/lib/sja-units/command/{name}/found"
    machine.wait_for(lambda: machine.exists(found), what="the program to have tried all")
    tried = json.loads(machine.read(found))
    assert isinstance(tried, dict)
    assert view(machine, f"command/{name}")["error"] is None
    return tried


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_what_a_program_can_do(machine: Machine) -> None:
    machine.sh("useradd --create-home carol; systemctl start user@$(id -u carol)")
    machine.wait_for(lambda: machine.exists("/run/user/1000/systemd"), what="carol's manager")
    before = machine.run("df", "--output=used", "/dev/shm").stdout
    refused = {"Operation not permitted", "Permission denied", "No such file or directory"}
    for name, more in (("plain", ""), ("carols", 'user = "carol"\n')):
        found = try_all(machine, name, more)
        for what in ("chown", "nice", "io_uring", "run_user", "bus", "jobs", "configs"):
            assert found[what] in refused, (name, what, found)
        assert found["seen"] == ["command"]
        assert found["shm"] == "No space left on device"
        assert found["jit"] == "done"
    assert machine.run("df", "--output=used", "/dev/shm").stdout == before
    # A person may open a set of calls for one job.
    service = '[service]\nSystemCallFilter = ["@resources", "@chown"]\n'
    found = try_all(machine, "opened", service)
    assert (found["nice"], found["chown"]) == ("done", "done")
    assert found["io_uring"] in refused
