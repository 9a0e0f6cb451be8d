"""`sjactl history`: runs that ended by real means, on both systemd versions."""

import json
import re
from datetime import datetime
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from tests.machines.machine import Machine
from tests.system.jobs import unit_of, view, wait_active, wait_state, write_idle
from tests.system.screens import Screen

SERVICE = '[service]\nWatchdogSec = "5s"'


def read_runs(machine: Machine, job: str, *words: str) -> list[dict[str, Any]]:
    machine.run("journalctl", "--sync")
    runs = json.loads(machine.run("sjactl", "history", "--json", job, *words).stdout)
    assert isinstance(runs, list)
    return runs


def signal_worker(machine: Machine, job: str, signal: str) -> None:
    """Send the worker a signal, and wait until another one is at work."""
    pid = wait_active(machine, job)["pid"]
    machine.run("kill", f"-{signal}", str(pid))

    def is_replaced() -> bool:
        shown = view(machine, job)
        return shown["pid"] not in (None, pid) and shown["state"] in ("running", "degraded")

    machine.wait_for(is_replaced, what="another worker")


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_each_end_is_told_for_what_it_was(machine: Machine) -> None:
    job = write_idle(machine, "line1", extra=SERVICE)
    unit = unit_of(job)
    machine.run("sjactl", "apply", job)
    assert read_runs(machine, job) == []

    machine.run("systemctl", "start", unit)
    wait_active(machine, job)
    machine.run("systemctl", "stop", unit)
    machine.run("systemctl", "start", unit)
    signal_worker(machine, job, "KILL")
    signal_worker(machine, job, "STOP")
    signal_worker(machine, job, "TERM")
    machine.run("systemctl", "restart", unit)
    machine.run("systemctl", "stop", "sja-jobs.target")
    wait_state(machine, job, "down")
    machine.run("systemctl", "start", "sja-jobs.target")
    wait_active(machine, job)
    machine.reboot()
    wait_active(machine, job)
    machine.run("journalctl", "--sync")
    machine.cut()
    machine.boot()
    wait_active(machine, job)

    runs = read_runs(machine, job)
    assert [run["result"] for run in runs] == [
        None,
        "power-cut",
        "shutdown",
        "maintenance",
        "restarted",
        "success",
        "watchdog",
        "signal",
        "stopped",
    ]
    assert [run["signal"] for run in runs if run["result"] == "signal"] == ["KILL"]
    assert runs[0]["ended"] is None
    assert runs[0]["seconds"] is None
    assert "power" in runs[1]["message"]
    assert len({run["boot_id"] for run in runs}) == 3
    assert len({run["invocation_id"] for run in runs}) == len(runs)
    for newer, older in pairwise(runs):
        begun, ready, ended = (
            datetime.fromisoformat(older[key]) for key in ("started", "ready", "ended")
        )
        assert begun <= ready <= ended <= datetime.fromisoformat(newer["started"])
        assert older["seconds"] == pytest.approx((ended - begun).total_seconds(), abs=0.1)
    assert read_runs(machine, job, "-n", "3") == [*runs[:1], *runs[1:3]]

    told = machine.run("sjactl", "history", job).stdout.splitlines()
    assert len(told) == 1 + len(runs)
    for columns in (40, 80):
        with Screen(machine, "sjactl", "history", job, columns=columns, lines=50) as screen:
            assert screen.wait_end() == 0
            assert "#" not in screen.text
            assert "watchdog" in screen.text


def test_starts_that_fail_are_runs_and_outlive_the_job(shared_machine: Machine) -> None:
    machine = shared_machine
    job = write_idle(machine, "line2")
    path = "/etc/sja-units/acquisition/line2.toml"
    machine.write(path, "nonsense = 1\n")
    machine.run("systemctl", "start", unit_of(job), check=False)
    machine.run("rm", path)
    machine.run("systemctl", "start", unit_of(job), check=False)
    write_idle(machine, "line2")
    drop_in = f"/run/systemd/system/{unit_of(job)}.d/broken.conf"
    machine.write(drop_in, "[Service]\nLoadCredential=secret:/nonexistent\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", "--no-block", unit_of(job))
    machine.wait_for(lambda: len(read_runs(machine, job)) > 2, what="a try without its secret")
    machine.run("sjactl", "remove", job)
    machine.run("rm", drop_in)
    unreadable, missing, wrong = read_runs(machine, job)[-3:]
    assert (unreadable["result"], unreadable["exit_code"]) == ("exit-code", 243)
    assert "configuration" in unreadable["message"]
    assert (missing["result"], missing["seconds"]) == ("assert", 0)
    assert (wrong["result"], wrong["exit_code"]) == ("exit-code", 78)
    assert "nonsense" in wrong["message"]
    assert machine.run("sjactl", "history", "line2", check=False).returncode == 4
    assert machine.run("sjactl", "history", "acquisition/none", check=False).returncode == 4


def test_who_may_not_read_the_journal_is_told_so(shared_machine: Machine) -> None:
    machine = shared_machine
    job = write_idle(machine, "line3")
    machine.sh("useradd plant && usermod --append --groups sja plant")
    for verb in ("history", "logs"):
        refused = machine.run("sjactl", verb, job, user="plant", check=False)
        assert refused.returncode == 5
        assert refused.stdout == ""
        assert "systemd-journal" in refused.stderr
        assert "Traceback" not in refused.stderr
    shown = machine.run("sjactl", "status", job, user="plant", check=False)
    assert shown.returncode == 3
    assert "systemd-journal" in shown.stderr
    machine.run("usermod", "--append", "--groups", "systemd-journal", "plant")
    for verb in ("history", "logs"):
        machine.run("sjactl", verb, job, user="plant")


def test_a_job_that_runs_has_a_run_after_a_vacuum(shared_machine: Machine) -> None:
    machine = shared_machine
    job = write_idle(machine, "line4")
    machine.run("systemctl", "start", unit_of(job))
    before = read_runs(machine, job)
    machine.run("journalctl", "--rotate")
    machine.run("journalctl", "--vacuum-time=1us")
    after = read_runs(machine, job)
    for run in (*before, *after):
        del run["seconds"]
    assert len(after) == 1
    assert after[0]["ended"] is None
    assert after[0]["invocation_id"] == before[0]["invocation_id"]
    assert after[0]["started"][:19] == before[0]["started"][:19]
    machine.run("systemctl", "stop", unit_of(job))
    assert [run["result"] for run in read_runs(machine, job)] == ["stopped"]


def test_a_program_cannot_forge_its_job_s_history(shared_machine: Machine) -> None:
    """It calls itself as a hook, and sends whatever fields it likes."""
    machine = shared_machine
    forge = """import socket, sys, time
fields = dict(MESSAGE="waiting " + "9" * 5000 + " s before the next try (1 failed in a row)",
    PRIORITY="3", UNIT="sja-command@forger.service", _UID="0", _PID="1", SJA_PAUSE="9" * 5000,
    OBJECT_SYSTEMD_UNIT="sja-command@forger.service", SJA_JOB="command/forger")
import os
invocation = os.environ["INVOCATION_ID"]
sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sender.connect("/run/systemd/journal/socket")
for number in sys.argv[1:]:
    for run in (invocation, "0" * 32):
        entry = fields | dict(MESSAGE_ID=number, INVOCATION_ID=run, SJA_INVOCATION_ID=run)
        sender.send("".join(f"{name}={value}\\n" for name, value in entry.items()).encode())
print(fields["MESSAGE"], flush=True)
print("it did its work", flush=True)
time.sleep(600)
"""
    catalog = machine.read("/usr/local/lib/systemd/catalog/sja-units.catalog")
    numbers = re.findall("^-- ([0-9a-f]{32})$", catalog, re.MULTILINE)
    numbers += ["7d4958e842da4a758f6c1cdc7b36dcc5", "d9b373ed55a64feb8242e02dbe79a49c"]
    machine.write("/usr/local/lib/forger/begin", forge)
    machine.run("ln", "-sf", "/usr/bin/python3", "/usr/local/lib/forger/end")
    words = ["/usr/local/lib/forger/end", "/usr/local/lib/forger/begin", *numbers]
    machine.write("/etc/sja-units/command/forger.toml", f"command = {json.dumps(words)}\n")
    machine.run("systemctl", "start", "sja-command@forger.service")
    machine.wait_for(
        lambda: "it did its work" in machine.journal("sja-command@forger.service"),
        what="the program to have spoken",
    )
    (run,) = read_runs(machine, "command/forger")
    assert (run["result"], run["ended"]) == (None, None)
    machine.run("systemctl", "stop", "sja-command@forger.service")
    (run,) = read_runs(machine, "command/forger")
    assert run["result"] == "stopped"
    assert run["seconds"] < 600


def has_run(machine: Machine, job: str, words: str) -> bool:
    return words in machine.journal(unit_of(job)) and view(machine, job)["state"] == "completed"


def test_the_log_of_one_run(machine: Machine) -> None:
    machine.write("/usr/local/bin/say", "#!/bin/sh\necho this is run $SJA_N\n", mode=0o755)
    text = 'command = ["/usr/local/bin/say"]\nrestart = "on-failure"\nenvironment.SJA_N = "{}"\n'
    for number in (1, 2, 3):
        path = "/etc/sja-units/command/say.toml"
        machine.write(path, text.format(number), mode=0o640, group="sja")
        machine.run("sjactl", "start", "say")
        machine.wait_for(
            partial(has_run, machine, "command/say", f"this is run {number}"), what="it to run"
        )
    for run, number in ((1, 3), (3, 1)):
        said = machine.run("sjactl", "logs", "say", "--run", str(run)).stdout
        assert f"this is run {number}\n" in said
        assert said.count("this is run") == 1
        assert "systemd[1]" in said
    assert machine.run("sjactl", "logs", "say", "--run", "9", check=False).returncode == 1
