"""What a job is given at its start, and what is taken back at its end: its file and folders."""

import pytest

from tests.machines.machine import Machine
from tests.system.jobs import unit_of, view, wait_state, write_idle

KEEPALIVE = 'url = "http://127.0.0.1:1/"\n'
COMMAND = 'command = ["/usr/bin/sleep", "600"]\n'
FILES = {"keepalive": KEEPALIVE, "command": COMMAND}

both_suites = pytest.mark.parametrize("suite", ["bookworm", "trixie"])


def write_job(machine: Machine, job: str) -> None:
    kind, name = job.split("/")
    if kind == "acquisition":
        write_idle(machine, name)
    else:
        path = f"/etc/sja-units/{job}.toml"
        machine.write(path, FILES[kind], mode=0o640, owner="root", group="sja")


def stat(machine: Machine, path: str) -> str:
    """Return owner and mode of what is there."""
    return machine.run("stat", "-c", "%U %a", path).stdout.strip()


def user_of(machine: Machine, job: str) -> str:
    """Return the number of the user that a job runs as."""
    pid = machine.show(unit_of(job), "MainPID")["MainPID"]
    return machine.run("stat", "-c", "%u", f"/proc/{pid}").stdout.strip()


def enter(machine: Machine, job: str) -> list[str]:
    """Return the words before a command that runs it as the job, and sees what the job sees."""
    pid, user = machine.show(unit_of(job), "MainPID")["MainPID"], user_of(machine, job)
    run_as = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
    return ["nsenter", "-t", pid, "--mount", *run_as]


@both_suites
@pytest.mark.parametrize("kind", ["acquisition", "command", "keepalive"])
def test_a_file_that_others_may_write_starts_nothing(machine: Machine, kind: str) -> None:
    job = f"{kind}/line1"
    path = f"/etc/sja-units/{job}.toml"
    for spoil, words in (
        ("chown daemon", "root"),
        ("chmod g+w", "go-w"),
        ("chmod o+w", "go-w"),
        ("chmod 0666", "go-w"),
        ("chown daemon:sja", "root"),
    ):
        write_job(machine, job)
        machine.sh(f"{spoil} {path}")
        assert machine.run("systemctl", "start", unit_of(job), check=False).returncode != 0
        failed = wait_state(machine, job, "failed")
        assert failed["error"]["exit_code"] == 78
        assert words in failed["error"]["message"], spoil
        assert path in failed["error"]["message"]
        assert machine.show(unit_of(job), "NRestarts") == {"NRestarts": "0"}
        machine.run("rm", path)
    # One that is root's alone starts.
    write_job(machine, job)
    machine.run("systemctl", "start", unit_of(job))
    assert view(machine, job)["error"] is None


@both_suites
def test_only_the_job_can_read_its_file(machine: Machine) -> None:
    jobs = ("keepalive/one", "command/two", "acquisition/three")
    for job in jobs:
        write_job(machine, job)
        machine.run("systemctl", "start", unit_of(job))
    for job in jobs:
        words = enter(machine, job)
        handed = f"/run/sja-units/{job}/config"
        given = machine.run(*words, "cat", handed).stdout
        assert given == machine.read(f"/etc/sja-units/{job}.toml")
        assert machine.run("stat", "-c", "%u %a", handed).stdout.strip() == (
            f"{user_of(machine, job)} 400"
        )
        # It sees what is its own of that folder, and nobody else's, not even by name.
        seen = machine.run(*words, "find", "/run/sja-units", "-mindepth", "2").stdout
        name = job.partition("/")[2]
        assert {path.split("/")[4] for path in seen.split()} == {name}
        assert machine.run(*words, "touch", "/run/sja-units/x", check=False).returncode != 0
    for job in jobs:
        machine.run("systemctl", "stop", unit_of(job))
        assert not machine.exists(f"/run/sja-units/{job}")


def test_a_file_that_is_too_large_is_refused(machine: Machine) -> None:
    write_job(machine, "command/big")
    machine.sh("head -c 1048576 /dev/zero | tr '\\0' '#' >>/etc/sja-units/command/big.toml")
    machine.run("systemctl", "start", unit_of("command/big"), check=False)
    failed = wait_state(machine, "command/big", "failed")
    assert failed["error"]["exit_code"] == 78
    assert "larger" in failed["error"]["message"]


@both_suites
def test_folders_of_a_resting_job_are_root_s(machine: Machine) -> None:
    """The number of its user is free, and another unit may get it."""
    folders = {
        "keepalive/one": ["cookies"],
        "acquisition/one": ["overflow", "last"],
    }
    for job, names in folders.items():
        write_job(machine, job)
        for end in ("stop", "kill", "restart", "fail"):
            machine.run("systemctl", "start", unit_of(job))
            user = user_of(machine, job)
            for name in names:
                path = f"/run/sja-units/{name}/one"
                owner = machine.run("stat", "-c", "%u", path).stdout.strip()
                assert owner == user != "0"
            if end == "stop":
                machine.run("systemctl", "stop", unit_of(job))
            elif end == "kill":
                machine.run("systemctl", "stop", "sja-jobs.target")
                machine.run("systemctl", "stop", unit_of(job))
            elif end == "restart":
                machine.run("systemctl", "restart", unit_of(job))
                assert user_of(machine, job) == user
                continue
            else:
                machine.sh(f"echo x = 1 >>/etc/sja-units/{job}.toml")
                machine.run("systemctl", "restart", unit_of(job), check=False)
                wait_state(machine, job, "failed")
            for name in names:
                assert stat(machine, f"/run/sja-units/{name}/one").startswith("root ")


def test_what_waited_is_the_job_s_again_and_no_link_is_followed(machine: Machine) -> None:
    job = "acquisition/one"
    write_job(machine, job)
    machine.run("systemctl", "start", unit_of(job))
    folder = "/run/sja-units/overflow/one"
    machine.run(*enter(machine, job), "sh", "-c", f"echo >{folder}/a; ln -s /etc/shadow {folder}/b")
    machine.run("systemctl", "stop", unit_of(job))
    # As of a user whom systemd gave another number meanwhile.
    machine.run("chown", "-h", "4242", f"{folder}/a", f"{folder}/b")
    machine.run("systemctl", "start", unit_of(job))
    owners = machine.run("stat", "-c", "%u", f"{folder}/a", f"{folder}/b").stdout.split()
    assert owners == [user_of(machine, job)] * 2
    assert stat(machine, "/etc/shadow").startswith("root ")
