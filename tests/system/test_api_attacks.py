"""The door under attack: nobody else notices, nothing of another's is seen or half done."""

import json
import random
import re
import time

import pytest

from tests.machines.machine import Machine
from tests.system.door import SOCKET, add_user, ask, put, write_grant, write_idle_template
from tests.system.jobs import view

LINE = "acquisition/line-1"
PATH = f"/v1/jobs/{LINE}"


@pytest.fixture(scope="module")
def door(shared_machine: Machine) -> Machine:
    machine = shared_machine
    for name in ("line", "other"):
        add_user(machine, name, "sja-api")
        write_idle_template(machine, name, f"{name}-*")
        write_grant(machine, name, f'group = "{name}"', creates_per_minute=100000)
    assert put(machine, "line", LINE, "line").status == 201
    values = {"title": "secret-of-other"}
    assert put(machine, "other", "acquisition/other-1", "other", set=values).status == 201
    return machine


def measure(machine: Machine, user: str) -> float:
    """Return the seconds that a list takes."""
    began = time.monotonic()
    assert ask(machine, user, "GET", "/v1/jobs").status == 200
    return time.monotonic() - began


def test_ten_thousand_mutated_requests_change_nothing_of_anothers(door: Machine) -> None:
    before = door.read("/etc/sja-units/acquisition/other-1.toml")
    pid = view(door, "acquisition/other-1")["pid"]
    seed = random.randrange(2**32)
    words = ["python3", "-I", "/src/tests/peers/door_fuzzer.py", str(seed), "10000"]
    done = door.run(*words, user="line", timeout=900)
    seen = json.loads(done.stdout)
    assert "leak" not in seen, seed
    # 503 is for what is broken at our end; a mutated request breaks nothing.
    assert set(seen) <= {
        *("200", "201", "204"),
        *("400", "403", "404", "405", "409", "411", "412", "413", "422", "429"),
    }, (seed, seen)
    assert door.read("/etc/sja-units/acquisition/other-1.toml") == before
    assert view(door, "acquisition/other-1")["pid"] == pid
    names = door.run("ls", "/etc/sja-units/acquisition", "/etc/sja-units/keepalive").stdout.split()
    stems = [name.removesuffix(".toml") for name in names if name.endswith(".toml")]
    assert all(stem.startswith(("line-", "other-1")) for stem in stems), (seed, stems)
    door.run("sjactl", "validate", *[f"acquisition/{stem}" for stem in stems])
    assert "Traceback" not in door.journal("sja-api.service")
    assert door.show("sja-api.service", "NRestarts", "Result")["Result"] == "success"


def test_slow_and_many_connections_of_one_are_not_felt_by_another(door: Machine) -> None:
    words = ["python3", "-I", "/src/tests/peers/door_holder.py", "200"]
    door.spawn("holder", "runuser", "-u", "line", "--", *words)
    time.sleep(2)
    for _ in range(10):
        assert measure(door, "other") < 10
        time.sleep(0.5)
    assert put(door, "other", "acquisition/other-2", "other").status == 201
    # Those who hold connections are cut off, and served again.
    door.run("systemctl", "stop", "holder")
    assert ask(door, "line", "GET", "/v1/jobs").status == 200
    assert door.show("sja-api.service", "ActiveState")["ActiveState"] == "active"


def test_an_endless_body_is_cut_off(door: Machine) -> None:
    script = f"""
import socket
with socket.socket(socket.AF_UNIX) as door:
    door.settimeout(60)
    door.connect("{SOCKET}")
    door.sendall(b"PUT {PATH} HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 999999999999\\r\\n\\r\\n")
    sent = 0
    try:
        while sent < 2**30:
            sent += door.send(b"x" * 65536)
    except OSError:
        pass
    print(sent)
"""
    sent = int(door.run("python3", "-Ic", script, user="line").stdout)
    assert sent < 2**28
    assert measure(door, "other") < 10


def test_an_order_is_carried_out_though_its_client_has_gone(door: Machine) -> None:
    script = f"""
import socket
with socket.socket(socket.AF_UNIX) as door:
    door.connect("{SOCKET}")
    door.sendall(b"POST {PATH}/stop HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 0\\r\\n\\r\\n")
"""
    ask(door, "line", "POST", f"{PATH}/start")
    door.run("python3", "-Ic", script, user="line")
    door.wait_for(lambda: view(door, LINE)["state"] == "stopped", what="the job to be stopped")


def test_the_reader_has_no_file_and_no_right(door: Machine) -> None:
    assert ask(door, "line", "GET", "/v1/jobs").status == 200
    main = door.show("sja-api.service", "MainPID")["MainPID"]
    (child,) = door.run("pgrep", "-P", main).stdout.split()
    status = dict(
        line.split(":\t", 1)
        for line in door.read(f"/proc/{child}/status").splitlines()
        if ":\t" in line
    )
    uid = door.run("id", "-u", "sja-api").stdout.strip()
    assert set(status["Uid"].split()) == {uid}
    assert status["Groups"].strip() == ""
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
    assert door.run("ls", "-A", f"/proc/{child}/root/").stdout == ""
    limits = door.read(f"/proc/{child}/limits")
    assert "Max file size             0" in limits
    assert "Max processes             0" in limits


def test_the_service_is_exposed_as_little_as_its_work_allows(door: Machine) -> None:
    said = door.run("systemd-analyze", "security", "--no-pager", "sja-api.service").stdout
    level = re.search(r"exposure level for sja-api.service: ([0-9.]+)", said)
    assert level
    assert float(level[1]) <= 2.3, said


@pytest.mark.parametrize("round_number", range(3))
def test_a_power_cut_leaves_files_whole(machine: Machine, round_number: int) -> None:
    add_user(machine, "line", "sja-api")
    write_idle_template(machine, "line", "line-*")
    write_grant(machine, "line", 'group = "line"', creates_per_minute=10000, max_jobs=1000)
    words = ["python3", "-I", "/src/tests/peers/door_storm.py"]
    machine.spawn("storm", "runuser", "-u", "line", "--", *words)
    time.sleep(3 + random.random() * 3)
    machine.cut()
    machine.boot()
    names = machine.run("ls", "/etc/sja-units/acquisition").stdout.split()
    jobs = [f"acquisition/{name.removesuffix('.toml')}" for name in names if name.endswith(".toml")]
    if jobs:
        machine.run("sjactl", "validate", *jobs)
    # The same requests again come to the same end.
    for n in range(4):
        job = f"acquisition/line-{n}"
        assert put(machine, "line", job, "line", set={"title": "after"}).status in (200, 201)
        assert view(machine, job)["title"] == "after"
        assert ask(machine, "line", "DELETE", f"/v1/jobs/{job}").status == 204


MANY = """
from concurrent.futures import ThreadPoolExecutor
from sja_units import Manager

def make(number):
    with Manager() as jobs:
        return jobs.create(f"acquisition/tuned-{number}", "tuned", start=False).name

with ThreadPoolExecutor(16) as pool:
    print(len(set(pool.map(make, range(24)))))
"""


def test_reloads_of_systemd_are_gathered(door: Machine) -> None:
    write_idle_template(door, "tuned", "tuned-*")
    door.sh("printf '[job.service]\\nMemoryMax = \"64M\"\\n' >>/etc/sja-units/templates/tuned.toml")
    write_grant(door, "tuned", 'group = "line"')
    began = door.run("date", "+%s").stdout.strip()
    done = door.run("/opt/sja-units/bin/python", "-Ic", MANY, user="line")
    assert done.stdout.strip() == "24"
    door.run("journalctl", "--sync")
    said = door.run("journalctl", "_PID=1", f"--since=@{began}", "-o", "cat").stdout
    reloads = [line for line in said.splitlines() if line.startswith("Reloading")]
    assert 0 < len(reloads) < 24
    for number in range(24):
        unit = f"sja-acquisition@tuned-{number}.service"
        assert door.show(unit, "MemoryMax")["MemoryMax"] == str(64 * 2**20)
