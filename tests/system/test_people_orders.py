"""`sjactl why` and `sjactl edit`, for jobs that got into their state by real means."""

import pytest

from tests.machines.machine import Machine
from tests.system.jobs import view, wait_active, wait_state, write_idle


def why(machine: Machine, job: str) -> str:
    return " ".join(machine.run("sjactl", "why", job).stdout.split())


def edit(machine: Machine, job: str, script: str) -> int:
    """Edit a job's file with an editor that runs this sed script; return sjactl's status."""
    machine.write("/root/editor", f'#!/bin/sh\nexec sed -i "{script}" "$1"\n', mode=0o755)
    env = {"VISUAL": "/root/editor"}
    return machine.run("sjactl", "edit", job, env=env, check=False).returncode


def test_why_names_cause_and_remedy(machine: Machine) -> None:
    job = write_idle(machine, "line1")
    assert f"`sjactl start {job}`" in why(machine, job)
    machine.run("sjactl", "start", job)
    machine.wait_for(lambda: "refused" in why(machine, job), what="the device's fault to be told")
    machine.run("systemctl", "stop", "sja-jobs.target")
    wait_state(machine, job, "down")
    assert "sja-jobs.target" in why(machine, job)
    machine.write("/etc/sja-units/acquisition/line2.toml", "nonsense = 1\n")
    machine.run("sjactl", "start", "line2", check=False)
    told = why(machine, "line2")
    assert "nonsense" in told
    assert "/etc/sja-units/acquisition/line2.toml" in told
    assert "`sjactl start acquisition/line2`" in told


def test_edit_checks_before_it_replaces(machine: Machine) -> None:
    job = write_idle(machine, "line1", title="before")
    path = "/etc/sja-units/acquisition/line1.toml"
    before = machine.read(path)
    assert edit(machine, job, "s/interval/intervall/") == 1
    assert machine.read(path) == before
    assert "intervall" in machine.read(f"{path}.rejected")
    assert edit(machine, job, "") == 0
    assert edit(machine, job, "s/before/after/") == 0
    assert machine.run("stat", "-c", "%U:%G %a", path).stdout.strip() == "root:sja 640"
    machine.run("sjactl", "start", job)
    assert wait_active(machine, job)["title"] == "after"
    assert view(machine, job)["error"] is None


def test_of_two_changes_at_once_none_is_lost(machine: Machine) -> None:
    job = write_idle(machine, "line1", title="before")
    path = "/etc/sja-units/acquisition/line1.toml"
    # Somebody else's change comes while the editor is open.
    assert edit(machine, job, f"s/before/mine/; e sed -i s/before/theirs/ {path}") == 1
    assert "theirs" in machine.read(path)
    assert "mine" in machine.read(f"{path}.rejected")
    assert edit(machine, job, f"s/theirs/late/; e sjactl remove {job}") == 1
    assert not machine.exists(path)


def test_of_two_jobs_of_one_name_one_is_made(machine: Machine) -> None:
    create = "sjactl create command x --no-start --set stop_timeout={}s -- /bin/true"
    for i in range(5):
        first, second = create.format(2), create.format(3)
        script = f"{first} & p=$!; {second} & q=$!; a=0; b=0; wait $p || a=$?; wait $q || b=$?"
        script += "; echo $a $b"
        done = machine.sh(script)
        assert sorted(done.stdout.split()[-2:]) == ["0", "1"], (i, done.stdout, done.stderr)
        assert done.stdout.count("command/x") == 1
        machine.run("sjactl", "remove", "command/x")


@pytest.mark.parametrize(
    "words",
    [
        ("remove", "line1"),
        ("create", "command", "new", "--", "/usr/bin/true"),
        ("edit", "line1"),
    ],
)
def test_a_read_only_disk_is_not_a_matter_of_rights(
    shared_machine: Machine, words: tuple[str, ...]
) -> None:
    machine = shared_machine
    write_idle(machine, "line1")
    machine.sh("mount --bind /etc /etc; mount -o remount,bind,ro /etc")
    try:
        editor = {"EDITOR": "sed -i s/200ms/300ms/"}
        done = machine.run("sjactl", *words, check=False, env=editor)
    finally:
        machine.run("umount", "/etc")
    assert done.returncode == 1
    assert "read-only" in done.stderr.lower()
    assert "sudo" not in done.stderr
    assert machine.exists("/etc/sja-units/acquisition/line1.toml")
