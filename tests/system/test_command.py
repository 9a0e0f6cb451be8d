"""Commands as jobs, in a machine: what runs, what hangs, what is done, what has a schedule."""

import json
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from tests.machines.images import installed_machine
from tests.machines.machine import Machine
from tests.system.jobs import is_wanted, unit_of, view, wait_active, wait_relaunched, wait_state
from tests.system.watch import booted


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with booted(installed_machine("bookworm", "command")) as machine:
        machine.run("useradd", "--create-home", "alice")
        yield machine


def create(machine: Machine, name: str, *words: str, script: str = "") -> str:
    """Create a command job as a person does; return its name."""
    machine.run("sjactl", "create", "command", name, *words, "--", "sh", "-c", script)
    return f"command/{name}"


def state_of(machine: Machine, name: str) -> str:
    return f"/var/lib/sja-units/command/{name}"


def lines(machine: Machine, path: str) -> list[str]:
    return machine.run("cat", path, check=False).stdout.splitlines()


def program_of(machine: Machine, job: str) -> int:
    return int(view(machine, job)["health"]["program"]["pid"])


def history(machine: Machine, job: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(machine.run("sjactl", "history", job, "--json").stdout)
    return found


def test_a_program_comes_back_after_its_end_and_after_a_boot(machine: Machine) -> None:
    job = create(machine, "web", script="echo hello; exec sleep 600")
    shown = wait_state(machine, job, "running")
    assert shown["wanted"]
    first = program_of(machine, job)
    machine.run("kill", "-9", str(first))
    machine.wait_for(
        lambda: view(machine, job)["state"] == "running" and program_of(machine, job) != first,
        60,
        what="the program to run again",
    )
    error = view(machine, job)["error"]
    assert (error["exit_code"], error["result"]) == (None, "signal")
    assert "SIGKILL" in error["message"]
    machine.reboot()
    wait_relaunched(machine)
    wait_state(machine, job, "running")
    machine.run("systemctl", "stop", unit_of(job))
    assert view(machine, job)["state"] == "stopped"
    assert not is_wanted(machine, job)
    assert "hello" in machine.run("sjactl", "logs", job, "-n", "50").stdout


def test_a_hung_program_is_restarted(machine: Machine) -> None:
    machine.write("/root/probe", "[probe]\nfile = 'beat'\ninterval = '200ms'\nmax_age = '2s'\n")
    script = (
        "n=0; while [ $n -lt 10 ]; do touch beat; n=$((n + 1)); sleep 0.2; done; exec sleep 600"
    )
    job = create(machine, "hung", "--from", "/root/probe", script=script)
    wait_active(machine, job)
    machine.wait_for(
        lambda: (view(machine, job)["error"] or {}).get("result") == "watchdog",
        90,
        what="the watchdog",
    )
    assert "beat" in view(machine, job)["error"]["message"]
    machine.run("sjactl", "stop", job)


def test_what_did_its_work_is_completed_and_not_repeated(machine: Machine) -> None:
    job = create(machine, "once", "--set", "restart=on-failure", script="echo done >>log")
    shown = wait_state(machine, job, "completed")
    assert not shown["wanted"]
    assert shown["error"] is None
    assert machine.show(unit_of(job), "ActiveState", "Result") == {
        "ActiveState": "inactive",
        "Result": "success",
    }
    machine.run("sjactl", "check", "--repair")
    machine.reboot()
    wait_relaunched(machine)
    assert view(machine, job)["state"] == "completed"
    assert lines(machine, f"{state_of(machine, 'once')}/log") == ["done"]
    assert [run["result"] for run in history(machine, job)] == ["completed"]
    machine.run("sjactl", "start", job)
    machine.wait_for(
        lambda: len(lines(machine, f"{state_of(machine, 'once')}/log")) == 2,
        60,
        what="a second run",
    )
    wait_state(machine, job, "completed")
    assert "completed" in machine.run("sjactl", "why", job).stdout


def test_what_fails_is_tried_until_it_works(machine: Machine) -> None:
    script = "echo try >>log; [ $(wc -l <log) -ge 3 ]"
    words = ["--set", "restart=on-failure", "--no-start"]
    job = create(machine, "stubborn", *words, script=script)
    assert view(machine, job)["state"] == "stopped"
    machine.run("systemctl", "start", unit_of(job), check=False)
    wait_state(machine, job, "completed")
    results = [run["result"] for run in history(machine, job)]
    assert results == ["completed", "exit-code", "exit-code"]


def test_a_stray_signal_is_no_order(machine: Machine) -> None:
    job = create(machine, "stray", "--set", "restart=on-failure", script="exec sleep 600")
    pid = wait_state(machine, job, "running")["pid"]
    machine.run("kill", str(pid))
    machine.wait_for(
        lambda: view(machine, job)["state"] == "running" and view(machine, job)["pid"] != pid,
        60,
        what="it to run again",
    )
    assert is_wanted(machine, job)
    machine.run("sjactl", "stop", job)


def test_a_program_that_is_told_77_waits_for_a_person(machine: Machine) -> None:
    machine.run(
        *("sjactl", "create", "command", "refused", "--", "sh", "-c", "exit 77"), check=False
    )
    shown = wait_state(machine, "command/refused", "failed")
    assert shown["error"]["exit_code"] == 77
    machine.run("sjactl", "stop", "command/refused")


def test_a_program_of_somebody_works_in_his_home(machine: Machine) -> None:
    script = "id -un >here; touch /etc/no || echo refused >>here; exec sleep 600"
    words = ["--set", "user=alice", "--set", "working_directory=/home/alice"]
    job = create(machine, "somebody", *words, script=script)
    wait_state(machine, job, "running")
    machine.wait_for(
        lambda: lines(machine, "/home/alice/here") == ["alice", "refused"], 60, what="its file"
    )
    as_alice = ("runuser", "--user", "alice", "--")
    machine.run(*as_alice, "ipcmk", "--shmem", "64")
    machine.run(*as_alice, "touch", "/dev/shm/alices-other-program")
    machine.run("sjactl", "remove", job)
    assert machine.exists("/dev/shm/alices-other-program")
    assert "alice" in machine.run("ipcs", "--shmems").stdout
    assert not machine.exists("/etc/systemd/system/sja-command@somebody.service.d")


def test_who_is_gone_is_the_reason_why_nothing_runs(machine: Machine) -> None:
    """systemd can run neither the program nor a hook then."""
    machine.run("useradd", "bob")
    job = create(machine, "gone", "--set", "user=bob", "--no-start", script="exec sleep 600")
    machine.run("userdel", "bob")
    done = machine.run("sjactl", "start", job, check=False)
    assert done.returncode == 1
    assert "systemd could not run it" in done.stderr
    # Between two tries systemd itself has forgotten it.
    machine.wait_for(
        lambda: "systemd could not run it" in view(machine, job)["status"], what="the reason"
    )
    machine.run("sjactl", "remove", job)


def test_a_file_written_by_hand_needs_apply_for_what_systemd_must_know(machine: Machine) -> None:
    machine.write(
        "/etc/sja-units/command/byhand.toml",
        'command = ["/bin/sleep", "600"]\nuser = "alice"\n',
        mode=0o640,
    )
    job = "command/byhand"
    machine.run("systemctl", "start", unit_of(job), check=False)
    shown = wait_state(machine, job, "failed")
    assert shown["error"]["exit_code"] == 78
    assert "sjactl apply" in shown["error"]["message"]
    machine.run("sjactl", "apply", job)
    machine.run("sjactl", "start", job)
    wait_state(machine, job, "running")
    machine.run("sjactl", "stop", job)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--set", "schedule=every full moon"], "schedule"),
        (["--set", "user=nobody-here"], "user"),
        (["--interval", "1s"], "interval"),
    ],
)
def test_what_cannot_be_is_refused(machine: Machine, words: list[str], told: str) -> None:
    argv = ["sjactl", "create", "command", "wrong", *words, "--", "sleep", "600"]
    done = machine.run(*argv, check=False)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not machine.exists("/etc/sja-units/command/wrong.toml")


EVERY_THREE_SECONDS = "schedule=*-*-* *:*:0/3"


class Tick(NamedTuple):
    """A job that notes each of its runs."""

    machine: Machine
    name: str

    @property
    def job(self) -> str:
        return f"command/{self.name}"

    @property
    def timer(self) -> str:
        return f"sja-command@{self.name}.timer"

    def count_runs(self) -> int:
        return len(lines(self.machine, f"{state_of(self.machine, self.name)}/log"))

    def wait_for_runs(self, more: int) -> None:
        wanted = self.count_runs() + more
        self.machine.wait_for(
            lambda: self.count_runs() >= wanted, 90, what=f"{more} more runs of {self.job}"
        )

    def wait_until_unwanted(self) -> None:
        self.machine.wait_for(
            lambda: not is_wanted(self.machine, self.job), 60, what="the order to count"
        )

    def change(self, old: str, new: str) -> None:
        text = self.machine.read(f"/etc/sja-units/{self.job}.toml")
        assert old in text
        self.machine.write("/root/changed.toml", text.replace(old, new))
        self.machine.run("env", "EDITOR=cp /root/changed.toml", "sjactl", "edit", self.job)


@pytest.fixture
def tick(machine: Machine, request: pytest.FixtureRequest) -> Iterator[Tick]:
    """A job that runs every three seconds, and has run."""
    made = Tick(machine, f"t{zlib.crc32(request.node.name.encode())}")
    create(machine, made.name, "--set", EVERY_THREE_SECONDS, script="date >>log")
    made.wait_for_runs(1)
    yield made
    if machine.exists(f"/etc/sja-units/{made.job}.toml"):
        machine.run("sjactl", "remove", made.job)


def test_what_has_a_schedule_runs_at_its_times(tick: Tick) -> None:
    machine = tick.machine
    assert is_wanted(machine, tick.job)
    tick.wait_for_runs(2)
    shown = wait_state(machine, tick.job, "completed")
    assert shown["wanted"]
    assert "next run" in shown["status"]
    assert history(machine, tick.job)[1]["result"] == "completed"
    found = json.loads(machine.run("sjactl", "check", "--json", check=False).stdout)
    assert tick.job not in [problem["job"] for problem in found["problems"]]
    # It runs every other moment.
    machine.wait_for(
        lambda: "sjactl restart" in machine.run("sjactl", "why", tick.job).stdout,
        60,
        what="why between two runs",
    )


def test_a_schedule_goes_on_after_a_boot(tick: Tick) -> None:
    tick.machine.reboot()
    wait_relaunched(tick.machine)
    tick.wait_for_runs(2)


def test_a_maintenance_stop_forgets_no_schedule(tick: Tick) -> None:
    machine = tick.machine
    machine.run("systemctl", "stop", "sja-jobs.target")
    assert is_wanted(machine, tick.job)
    machine.wait_for(
        lambda: machine.show(tick.timer, "ActiveState")["ActiveState"] == "inactive",
        60,
        what="the timer to end",
    )
    machine.run("systemctl", "start", "sja-jobs.target")
    tick.wait_for_runs(1)


def test_an_order_between_two_runs_counts(tick: Tick) -> None:
    wait_state(tick.machine, tick.job, "completed")
    tick.machine.run("systemctl", "stop", unit_of(tick.job))
    tick.wait_until_unwanted()
    assert wait_state(tick.machine, tick.job, "stopped")
    tick.machine.run("sjactl", "start", tick.job)
    assert is_wanted(tick.machine, tick.job)
    tick.wait_for_runs(1)


def test_who_stops_the_timer_gives_an_order(tick: Tick) -> None:
    tick.machine.run("systemctl", "stop", tick.timer)
    tick.wait_until_unwanted()
    tick.machine.run("sjactl", "start", tick.job)
    tick.wait_for_runs(1)


def test_an_operator_may_stop_and_start_a_schedule(tick: Tick) -> None:
    machine = tick.machine
    machine.run("useradd", "--groups", "sja", "otto")
    machine.run("sjactl", "stop", tick.job, user="otto")
    assert not is_wanted(machine, tick.job)
    assert view(machine, tick.job)["state"] == "stopped"
    machine.run("sjactl", "start", tick.job, user="otto")
    tick.wait_for_runs(1)


def test_a_restart_runs_it_at_once(tick: Tick) -> None:
    tick.change("*-*-* *:*:0/3", "yearly")
    tick.machine.run("sjactl", "restart", tick.job)
    wait_state(tick.machine, tick.job, "completed")
    before = tick.count_runs()
    tick.machine.run("sjactl", "restart", tick.job)
    tick.machine.wait_for(lambda: tick.count_runs() == before + 1, 60, what="the run")


def test_a_schedule_that_is_taken_out_ends(tick: Tick) -> None:
    tick.change('schedule = "*-*-* *:*:0/3"', "")
    assert tick.machine.show(tick.timer, "ActiveState")["ActiveState"] == "inactive"
    assert view(tick.machine, tick.job)["state"] in ("stopped", "completed")


def test_a_schedule_is_removed_whole(tick: Tick) -> None:
    tick.machine.run("sjactl", "remove", tick.job)
    assert not tick.machine.exists(f"/etc/systemd/system/{tick.timer}")
    assert tick.machine.show(tick.timer, "ActiveState")["ActiveState"] == "inactive"


def test_a_run_that_a_power_cut_ended_is_done_again(machine: Machine) -> None:
    words = ["--set", "schedule=yearly", "--", "sh", "-c", "date >>log; exec sleep 600"]
    said = machine.run("sjactl", "create", "command", "long", *words)
    job = said.stdout.strip()
    assert "next run" in said.stderr
    log = f"{state_of(machine, 'long')}/log"
    assert view(machine, job)["state"] == "starting"
    assert lines(machine, log) == []
    machine.run("sjactl", "restart", job)
    wait_state(machine, job, "running")
    machine.cut()
    machine.boot()
    wait_relaunched(machine)
    wait_state(machine, job, "running")
    assert len(lines(machine, log)) == 2
    machine.run("sjactl", "remove", job)


def test_a_maintenance_stop_in_the_middle_of_ends_forgets_nothing(machine: Machine) -> None:
    """Hooks are at work when it comes, and it comes between what they see of systemd."""
    jobs = []
    for i in range(6):
        words = ["--set", "schedule=*-*-* *:*:*"]
        jobs.append(create(machine, f"often{i}", *words, script="true"))
        jobs.append(create(machine, f"crash{i}", "--no-start", script="sleep 0.3; exit 1"))
        machine.run("systemctl", "start", "--no-block", unit_of(jobs[-1]))
    for i in range(10):
        machine.sh(f"sleep {0.9 + 0.13 * (i % 7)}")
        machine.run("systemctl", "stop", "sja-jobs.target")
        assert [job for job in jobs if not is_wanted(machine, job)] == []
        machine.run("systemctl", "start", "sja-jobs.target")
    machine.run("sjactl", "remove", *jobs)
