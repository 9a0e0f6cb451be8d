"""What systemd cannot even set up: no hot loop, a reason, and a stop that counts."""

import pytest

from tests.machines.machine import Machine
from tests.system.jobs import is_wanted, unit_of, view, wait_active, wait_state, write_idle

JOB = "acquisition/line1"
UNIT = unit_of(JOB)
# What a program can say of itself and forge, were it taken for more than a text.
WORDS = r"cannot open C:\new\data.csv\nfailures=\0302\0262 as CAMPUS\chen"
WORKER = f"""import os
from sja_units.job import Job
from sja_units.runtime.service import Runtime
Runtime(Job("acquisition", "line1"), *[os.environ["RUNTIME_DIRECTORY"]] * 2).status(r"{WORDS}")
raise SystemExit(1)
"""


def restarts(machine: Machine, unit: str) -> int:
    return int(machine.show(unit, "NRestarts")["NRestarts"])


def test_no_hook_can_run(machine: Machine) -> None:
    """A name that makes the user's name too long, and a state folder that is none."""
    long = "a" * 24
    write_idle(machine, long)
    write_idle(machine, "line1")
    machine.sh("mkdir -p /var/lib/private/sja-units/acquisition")
    machine.sh("touch /var/lib/private/sja-units/acquisition/line1")
    units = (unit_of(f"acquisition/{long}"), UNIT)
    for unit in units:
        assert machine.run("systemctl", "start", unit, check=False).returncode != 0
    for unit in units:

        def gave_up(unit: str = unit) -> bool:
            return "Start request repeated too quickly" in machine.journal(unit)

        machine.wait_for(gave_up, 300, what=f"{unit} to be tried no more")
        assert machine.show(unit, "ActiveState") == {"ActiveState": "failed"}
        assert restarts(machine, unit) <= 100
    failed = view(machine, JOB)
    assert failed["state"] == "failed"
    assert failed["error"]["result"] == "exit-code"
    assert "journal" in failed["error"]["message"]
    # A person has the last word, whatever systemd counts.
    machine.run("rm", "/var/lib/private/sja-units/acquisition/line1")
    machine.run("sjactl", "start", JOB)
    wait_active(machine, JOB)
    assert view(machine, JOB)["error"] is None


def test_a_wanted_job_that_systemd_gave_up_is_tried_again(machine: Machine) -> None:
    write_idle(machine, "line1")
    machine.run("sjactl", "start", JOB)
    pid = str(wait_active(machine, JOB)["pid"])
    drop_in = f"/etc/systemd/system/{UNIT}.d/limit.conf"
    machine.write(drop_in, "[Unit]\nStartLimitIntervalSec=3s\nStartLimitBurst=3\n")
    machine.run("systemctl", "daemon-reload")
    folder = "/var/lib/private/sja-units/acquisition/line1"
    machine.run("mv", folder, f"{folder}.away")
    machine.run("touch", folder)
    machine.run("kill", "-KILL", pid)
    wait_state(machine, JOB, "failed")
    machine.run("rm", folder)
    machine.run("mv", f"{folder}.away", folder)

    def mended() -> bool:
        machine.run("sjactl", "check", "--repair", check=False)
        return str(view(machine, JOB)["state"]) in ("running", "degraded")

    machine.wait_for(mended, what="sja-check to start it again")
    assert is_wanted(machine, JOB)


def test_the_begin_hook_cannot_run(machine: Machine) -> None:
    write_idle(machine, "line1")
    machine.run("sjactl", "start", JOB)
    pid = str(wait_active(machine, JOB)["pid"])
    drop_in = f"/etc/systemd/system/{UNIT}.d/broken.conf"
    machine.write(drop_in, "[Service]\nLoadCredential=more:/nowhere/at/all\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("kill", "-KILL", pid)
    machine.wait_for(lambda: restarts(machine, UNIT) >= 4, what="some tries")
    shown = wait_state(machine, JOB, "restarting")
    assert shown["error"]["exit_code"] == 243
    assert "cannot be read by systemd" in shown["error"]["message"]
    # As after many tries: the end hook waits, as the begin hook would.
    backoff = f"/run/sja-units/backoff/{UNIT}"
    machine.write(backoff, "14 0\n")
    machine.wait_for(lambda: machine.read(backoff).startswith("15 "), 90, what="the next failure")
    before = restarts(machine, UNIT)
    machine.sh("sleep 10")
    assert restarts(machine, UNIT) - before <= 1
    assert machine.show(UNIT, "SubState") == {"SubState": "stop-post"}
    # No later than the end hook looks again, and long before it has waited to the end.
    machine.run("systemctl", "stop", UNIT, timeout=60)
    assert not is_wanted(machine, JOB)
    # For systemd its last start has failed, whatever ended the tries.
    assert machine.show(UNIT, "ActiveState") == {"ActiveState": "failed"}


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_a_workers_last_words_are_kept_as_they_are(machine: Machine) -> None:
    write_idle(machine, "line1")
    machine.write("/usr/local/lib/worker.py", WORKER)
    drop_in = f"/etc/systemd/system/{UNIT}.d/worker.conf"
    start = "ExecStart=/opt/sja-units/bin/python -I /usr/local/lib/worker.py"
    machine.write(drop_in, f"[Service]\nExecStart=\n{start}\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", UNIT, check=False)
    machine.wait_for(lambda: restarts(machine, UNIT) >= 2, what="some tries")
    assert view(machine, JOB)["error"]["message"] == WORDS
    machine.run("sjactl", "list")
    check = machine.run("sjactl", "check", "--repair", check=False)
    assert (check.returncode, WORDS in check.stdout) == (1, True)
