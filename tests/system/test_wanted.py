"""The contract's table: whatever happens, the last order decides what runs after the next boot."""

from collections.abc import Callable

import pytest

from tests.machines.machine import Machine
from tests.system.jobs import (
    is_wanted,
    states,
    unit_of,
    view,
    wait_active,
    wait_relaunched,
    wait_state,
    write_idle,
)

JOB = "acquisition/line1"
UNIT = unit_of(JOB)


def stop_by_systemctl(machine: Machine) -> None:
    machine.run("systemctl", "stop", UNIT)


def stop_by_sjactl(machine: Machine) -> None:
    machine.run("sjactl", "stop", JOB)


def stop_over_dbus(machine: Machine) -> None:
    manager = "org.freedesktop.systemd1.Manager"
    name, path = "org.freedesktop.systemd1", "/org/freedesktop/systemd1"
    machine.run("busctl", "call", name, path, manager, "StopUnit", "ss", UNIT, "replace")
    wait_state(machine, JOB, "stopped")


def restart_by_systemctl(machine: Machine) -> None:
    machine.run("systemctl", "restart", UNIT)


def stop_target(machine: Machine) -> None:
    machine.run("systemctl", "stop", "sja-jobs.target")
    wait_state(machine, JOB, "down")


def kill_worker(machine: Machine) -> None:
    machine.run("kill", "-9", str(view(machine, JOB)["pid"]))


def terminate_worker(machine: Machine) -> None:
    machine.run("kill", str(view(machine, JOB)["pid"]))


def nothing(_machine: Machine) -> None:
    pass


@pytest.mark.parametrize("off", [Machine.poweroff, Machine.cut], ids=["poweroff", "cut"])
@pytest.mark.parametrize(
    ("happening", "comes_back"),
    [
        (nothing, True),
        (kill_worker, True),
        (terminate_worker, True),
        (restart_by_systemctl, True),
        (stop_target, True),
        (stop_by_systemctl, False),
        (stop_by_sjactl, False),
        (stop_over_dbus, False),
    ],
)
def test_after_the_next_boot(
    machine: Machine,
    happening: Callable[[Machine], None],
    off: Callable[[Machine], None],
    comes_back: bool,
) -> None:
    write_idle(machine, "line1")
    machine.run("systemctl", "start", UNIT)
    wait_active(machine, JOB)
    happening(machine)
    off(machine)
    machine.boot()
    wait_relaunched(machine)
    if comes_back:
        wait_active(machine, JOB)
        assert is_wanted(machine, JOB)
    else:
        assert states(machine)[JOB] == "stopped"
        assert not is_wanted(machine, JOB)


def test_a_stop_while_it_waits_for_the_next_try_counts(machine: Machine) -> None:
    write_idle(machine, "line1")
    machine.run("systemctl", "start", UNIT)

    def crash() -> bool:
        shown = view(machine, JOB)
        if shown["state"] in ("running", "degraded"):
            machine.run("kill", "-9", str(shown["pid"]), check=False)
        return bool(shown["state"] == "restarting" and shown["restarts"] >= 5)

    # From the fifth crash in a row on, there is a pause of many seconds, in which the stop comes.
    machine.wait_for(crash, 240, what="a pause before the next try")
    machine.run("systemctl", "stop", UNIT)
    assert view(machine, JOB)["state"] == "stopped"
    machine.cut()
    machine.boot()
    wait_relaunched(machine)
    assert states(machine)[JOB] == "stopped"


def write_many_slow(machine: Machine) -> list[str]:
    """Write more jobs than are started at once, none of them soon up; return them.

    The last one's turn comes later.
    """
    slow = 'command = ["/bin/sleep", "600"]\n[probe]\ntcp = "127.0.0.1:1"\ngrace = "10min"\n'
    jobs = [f"command/slow{n:03}" for n in range(12 * int(machine.run("nproc").stdout) + 1)]
    for job in jobs:
        machine.write(f"/etc/sja-units/{job}.toml", slow)
    return jobs


def assert_last_is_left_out(machine: Machine, jobs: list[str]) -> None:
    def have_begun() -> bool:
        return all(states(machine)[job] == "starting" for job in jobs[:-1])

    machine.wait_for(have_begun, 240, what="all other jobs to be on their way")
    assert states(machine)[jobs[-1]] == "stopped"
    assert not is_wanted(machine, jobs[-1])


def test_a_stop_counts_while_other_jobs_are_brought_back(machine: Machine) -> None:
    jobs = write_many_slow(machine)
    for job in jobs:
        machine.run("touch", f"/var/lib/sja-units/wanted/{unit_of(job)}")
    machine.run("systemctl", "start", "--no-block", "sja-relaunch.service")
    wait_state(machine, jobs[0], "starting")
    machine.run("sjactl", "stop", jobs[-1])
    assert_last_is_left_out(machine, jobs)
    machine.run("sjactl", "remove", "slow*")
    assert machine.run("sjactl", "list", "--json").stdout.strip() == "[]"


def test_a_start_counts_while_other_jobs_stop(machine: Machine) -> None:
    write_idle(machine, "line1")
    write_idle(machine, "line2")
    # It takes so long to stop as the test likes.
    drop_in = f"/etc/systemd/system/{unit_of('acquisition/line2')}.d/slow.conf"
    wait = "/bin/sh -c 'while [ -e /run/slow ]; do sleep 0.1; done'"
    machine.write(drop_in, f"[Service]\nExecStop={wait}\n")
    machine.sh("systemctl daemon-reload; touch /run/slow")
    machine.run("sjactl", "start", "line1", "line2")
    machine.sh("sjactl stop --all </dev/null >/run/stopped 2>&1 & echo $! >/run/sjactl.pid")
    machine.wait_for(lambda: JOB in machine.read("/run/stopped"), what="the first to be stopped")
    assert not is_wanted(machine, JOB)
    machine.run("systemctl", "start", UNIT)
    machine.run("rm", "/run/slow")
    machine.sh("while [ -e /proc/$(cat /run/sjactl.pid) ]; do sleep 0.1; done")
    assert machine.read("/run/stopped") == "acquisition/line1\nacquisition/line2\n"
    assert (is_wanted(machine, JOB), is_wanted(machine, "acquisition/line2")) == (True, False)


def test_a_job_that_cannot_be_set_up_is_wanted_until_it_is_stopped(machine: Machine) -> None:
    write_idle(machine, "line1")
    machine.sh("mkdir -p /var/lib/private/sja-units/acquisition")
    machine.sh("touch /var/lib/private/sja-units/acquisition/line1")
    drop_in = f"/etc/systemd/system/{UNIT}.d/limit.conf"
    machine.write(drop_in, "[Unit]\nStartLimitIntervalSec=1h\nStartLimitBurst=3\n")
    machine.run("systemctl", "daemon-reload")
    assert machine.run("sjactl", "start", JOB, check=False).returncode == 1
    wait_state(machine, JOB, "failed")
    check = machine.run("sjactl", "check", check=False)
    assert (check.returncode, JOB in check.stdout) == (1, True)
    # It is tried again after the next boot.
    machine.run("rm", "/var/lib/private/sja-units/acquisition/line1")
    machine.cut()
    machine.boot()
    wait_relaunched(machine)
    wait_active(machine, JOB)
    machine.run("sjactl", "stop", JOB)
    assert not is_wanted(machine, JOB)
    machine.run("sjactl", "restart", JOB)
    wait_active(machine, JOB)
    assert is_wanted(machine, JOB)


def test_a_start_that_the_disk_cannot_note_is_given(machine: Machine) -> None:
    write_idle(machine, "line1")
    folder = "/var/lib/sja-units/wanted"
    machine.sh(f"mount --bind {folder} {folder}; mount -o remount,bind,ro {folder}")
    machine.run("sjactl", "start", JOB)
    wait_active(machine, JOB)


def test_a_stop_counts_before_the_turn_of_an_earlier_start(machine: Machine) -> None:
    jobs = write_many_slow(machine)
    machine.sh("sjactl start --all </dev/null >/run/started 2>&1 &")
    machine.wait_for(lambda: is_wanted(machine, jobs[-1]), what="all to be wanted")
    machine.run("sjactl", "stop", jobs[-1])
    assert_last_is_left_out(machine, jobs)


def test_the_target_brings_back_what_it_took_along(machine: Machine) -> None:
    write_idle(machine, "line1")
    write_idle(machine, "line2")
    machine.run("sjactl", "start", "line1", "line2")
    machine.run("sjactl", "stop", "line2")
    stop_target(machine)
    assert machine.run("sjactl", "check", check=False).returncode == 0
    machine.run("systemctl", "start", "sja-jobs.target")
    wait_active(machine, JOB)
    assert states(machine)["acquisition/line2"] == "stopped"


def test_an_order_in_maintenance_is_an_order(machine: Machine) -> None:
    write_idle(machine, "line1")
    write_idle(machine, "line2")
    machine.run("systemctl", "stop", "sja-jobs.target")
    machine.run("systemctl", "start", UNIT, unit_of("acquisition/line2"))
    machine.run("systemctl", "stop", UNIT)
    machine.reboot()
    wait_relaunched(machine)
    wait_active(machine, "acquisition/line2")
    assert states(machine)[JOB] == "stopped"


def test_a_job_that_failed_gets_one_start_after_a_boot(machine: Machine) -> None:
    machine.write("/etc/sja-units/acquisition/line1.toml", "interval = 5\n")
    assert machine.run("systemctl", "start", UNIT, check=False).returncode != 0
    failed = wait_state(machine, JOB, "failed")
    assert failed["wanted"]
    assert failed["error"]["exit_code"] == 78
    machine.reboot()
    wait_relaunched(machine)
    failed = wait_state(machine, JOB, "failed")
    assert "interval" in failed["error"]["message"]
    assert failed["restarts"] == 0
    report = machine.journal("sja-relaunch.service")
    assert "failed to recover after restart" in report
    # systemd runs nothing of a unit that has failed: sjactl's stop is the order that counts.
    machine.run("sjactl", "stop", JOB)
    assert not is_wanted(machine, JOB)
    machine.reboot()
    wait_relaunched(machine)
    assert states(machine)[JOB] == "stopped"


def test_the_last_error_survives_a_power_cut(machine: Machine) -> None:
    machine.write("/etc/sja-units/acquisition/line1.toml", "interval = 5\n")
    machine.run("systemctl", "start", UNIT, check=False)
    before = wait_state(machine, JOB, "failed")["error"]
    machine.run("systemctl", "disable", "sja-relaunch")
    machine.cut()
    machine.boot()
    after = view(machine, JOB)
    assert (after["state"], after["error"]) == ("down", before)


def test_relaunch_false_stays_away(machine: Machine) -> None:
    write_idle(machine, "line1", extra="relaunch = false")
    machine.run("systemctl", "start", UNIT)
    assert wait_active(machine, JOB)["relaunch"] is False
    machine.reboot()
    wait_relaunched(machine)
    assert states(machine)[JOB] == "stopped"
    assert machine.run("sjactl", "check", check=False).returncode == 0


def test_the_switch_against_recovery(machine: Machine) -> None:
    write_idle(machine, "line1")
    machine.run("systemctl", "start", UNIT)
    machine.run("systemctl", "disable", "sja-relaunch")
    machine.reboot()
    assert states(machine)[JOB] == "down"
    assert machine.run("sjactl", "check", "--repair", check=False).returncode == 1
    assert states(machine)[JOB] == "down"
    machine.run("systemctl", "enable", "--now", "sja-relaunch")
    wait_active(machine, JOB)


def test_the_target_started_again_at_once_brings_back_what_still_stops(machine: Machine) -> None:
    write_idle(machine, "line1")
    # It takes seconds to stop.
    drop_in = f"/etc/systemd/system/{UNIT}.d/slow.conf"
    machine.write(drop_in, "[Service]\nExecStop=/usr/bin/sleep 3\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("sjactl", "start", JOB)
    machine.sh("systemctl stop sja-jobs.target; systemctl start sja-jobs.target")
    machine.wait_for(lambda: view(machine, JOB)["since"], what="systemd to tell")
    shown = wait_active(machine, JOB)
    assert shown["error"] is None
    assert machine.show(UNIT, "NRestarts") == {"NRestarts": "0"}
    assert is_wanted(machine, JOB)


def test_a_stop_that_a_shutdown_overtakes_is_an_order(machine: Machine) -> None:
    write_idle(machine, "line1")
    # It takes seconds to stop.
    drop_in = f"/etc/systemd/system/{UNIT}.d/slow.conf"
    machine.write(drop_in, "[Service]\nExecStop=/usr/bin/sleep 3\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("sjactl", "start", JOB)
    machine.run("systemctl", "stop", "--no-block", UNIT)
    machine.wait_for(lambda: not is_wanted(machine, JOB), what="the order to be noted")
    assert view(machine, JOB)["state"] == "stopping"
    machine.reboot()
    wait_relaunched(machine)
    assert states(machine)[JOB] == "stopped"


def test_isolating_a_target_is_no_order(machine: Machine) -> None:
    write_idle(machine, "line1")
    machine.run("sjactl", "start", JOB)
    pid = wait_active(machine, JOB)["pid"]
    machine.run("systemctl", "isolate", "multi-user.target")
    assert wait_active(machine, JOB)["pid"] == pid
    assert is_wanted(machine, JOB)
