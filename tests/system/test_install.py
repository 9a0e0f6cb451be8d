"""install.sh as people meet it: install, again, upgrade, uninstall, purge, and where it refuses."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.machines.images import bare_machine as make_bare
from tests.machines.machine import Machine
from tests.system.jobs import (
    is_wanted,
    states,
    unit_of,
    view,
    wait_active,
    wait_state,
    write_idle,
)
from tests.system.watch import booted

INSTALL = ("/src/install.sh", "--wheels", "/wheels")
JOB = "acquisition/line1"
STOPPED = "acquisition/line2"
WAITING = "command/copy"
# What comes and goes without us: logs, systemd's own scratch folders, and what measures coverage.
LIST = r"""
find / -xdev \( -path /var/log -o -path '/var/tmp/systemd-private-*' \
    -o -path '/usr/local/lib/coverage/*' \) -prune -o -print
find /run -path '*sja*' -not -path '/run/systemd/units/*'
cat /etc/passwd /etc/group /etc/gshadow
systemctl list-unit-files --no-legend
"""


@pytest.fixture(scope="module")
def bare() -> Iterator[Machine]:
    """A machine where every test of this file that uses it leaves nothing behind."""
    with booted(make_bare("bookworm", "refusing")) as machine:
        yield machine


def install(machine: Machine, *words: str) -> str:
    return machine.run(*(words or INSTALL), timeout=600).stdout


def list_all(machine: Machine) -> set[str]:
    return set(machine.sh(LIST).stdout.splitlines())


def assert_refused(done: subprocess.CompletedProcess[str]) -> str:
    """Check that the script ended with one clear line; return it."""
    assert done.returncode != 0
    lines = done.stderr.splitlines()
    assert lines[-1].startswith("install.sh: ")
    assert "Traceback" not in done.stdout + done.stderr
    return lines[-1]


def make_jobs(machine: Machine) -> int:
    """Make a job that runs, one that was stopped, and one that waits for its time.

    Returns the first one's process.
    """
    write_idle(machine, "line1", extra='[service]\nMemoryMax = "99M"')
    write_idle(machine, "line2")
    machine.run("sjactl", "apply")
    machine.run("sjactl", "start", "line1", "line2")
    machine.run("sjactl", "stop", "line2")
    words = ["--set", "schedule=yearly", "--", "true"]
    machine.run("sjactl", "create", "command", "copy", *words)
    return int(wait_active(machine, JOB)["pid"])


def assert_waiting(machine: Machine) -> None:
    """Check that the job with a schedule waits, and has never run."""
    shown = wait_state(machine, WAITING, "starting")
    assert (shown["wanted"], shown["pid"]) == (True, None)
    assert "next run" in shown["status"]


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_from_install_to_purge(bare_machine: Machine) -> None:
    machine = bare_machine
    before = list_all(machine)
    install(machine)
    pid = make_jobs(machine)
    installed = machine.sh("find /opt /usr/local /etc -type f -printf '%p %T@ %i\n'").stdout
    install(machine)
    assert machine.sh("find /opt /usr/local /etc -type f -printf '%p %T@ %i\n'").stdout == installed
    assert view(machine, JOB)["pid"] == pid
    machine.reboot()
    assert wait_active(machine, JOB)["pid"]
    assert states(machine)[STOPPED] == "stopped"
    assert_waiting(machine)
    install(machine, "/src/install.sh", "--purge")
    assert list_all(machine) == before
    # Twice does no harm.
    install(machine, "/src/install.sh", "--purge")
    assert list_all(machine) == before


def make_next_version(machine: Machine) -> tuple[str, str]:
    """Make a checkout with a higher version and another unit; return it and its wheels."""
    machine.sh(r"""
        mkdir /root/next && cd /src
        cp -r install.sh pyproject.toml README.md LICENSE docs sja_units units /root/next
        cp -r /wheels /root/wheels && rm /root/wheels/sja_units-*
        cd /root/next && sed -i 's/^version = .*/version = "99.1"/' pyproject.toml
        sed -i 's/^__version__ = .*/__version__ = "99.1"/' sja_units/__init__.py
        sed -i 's/^WatchdogSec=.*/WatchdogSec=47/' units/sja-acquisition@.service
        sed 's/check --repair/list/' units/sja-check.service >units/sja-another.service
        /opt/sja-units/bin/python -m pip wheel --quiet --no-index --find-links /wheels --no-deps \
            --wheel-dir /root/wheels /root/next
    """)
    return "/root/next", "/root/wheels"


def test_an_upgrade_keeps_what_people_decided(machine: Machine) -> None:
    pid = make_jobs(machine)
    machine.run("systemctl", "disable", "sja-relaunch")
    configured = machine.sh("cd /etc/sja-units && find -type f -ls -exec cat {} +").stdout
    checkout, wheels = make_next_version(machine)
    install(machine, f"{checkout}/install.sh", "--wheels", wheels)
    assert "99.1" in machine.run("sjactl", "--version").stdout
    now = wait_active(machine, JOB)
    assert now["pid"] != pid
    assert (now["restarts"], now["error"]) == (0, None)
    assert machine.show(now["unit"], "WatchdogUSec") == {"WatchdogUSec": "47s"}
    assert states(machine)[STOPPED] == "stopped"
    assert_waiting(machine)
    assert (is_wanted(machine, JOB), is_wanted(machine, STOPPED)) == (True, False)
    assert machine.sh("cd /etc/sja-units && find -type f -ls -exec cat {} +").stdout == configured
    enabled = machine.run("systemctl", "is-enabled", "sja-relaunch", check=False).stdout
    assert enabled == "disabled\n"
    # Back to the older version: also a way to change one's mind.
    install(machine)
    assert "99.1" not in machine.run("sjactl", "--version").stdout
    assert wait_active(machine, JOB)["pid"] != now["pid"]


def test_what_an_administrator_calls_alike_is_left_alone(machine: Machine) -> None:
    units = "/usr/local/lib/systemd/system"
    own = [
        f"{units}/sja-backup.service",
        f"{units}/sja-backup.timer",
        f"{units}/sja-keepalive@.service.d/10-site.conf",
        "/etc/systemd/system/sja-backup.service.d/10-site.conf",
    ]
    machine.write(own[0], "[Service]\nType=oneshot\nExecStart=sjactl backup /root/jobs.tgz\n")
    machine.write(own[1], "[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n")
    machine.write(own[2], "[Service]\nNice=3\n")
    machine.write(own[3], "[Service]\nNice=3\n")
    ours = "/etc/systemd/system/sja-keepalive@alice.service.d/override.conf"
    machine.write(ours, "[Service]\nNice=4\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "enable", "--now", "sja-backup.timer")
    checkout, wheels = make_next_version(machine)
    install(machine, f"{checkout}/install.sh", "--wheels", wheels)
    assert machine.exists(f"{units}/sja-another.service")
    assert "sja-another.service" in install(machine)
    assert not machine.exists(f"{units}/sja-another.service")
    assert machine.run("systemctl", "is-active", "sja-backup.timer").stdout == "active\n"
    machine.run("/src/install.sh", "--uninstall")
    assert machine.exists(ours)
    machine.run("/src/install.sh", "--purge")
    assert not machine.exists(ours)
    assert not machine.exists(f"{units}/sja-check.service")
    assert all(machine.exists(path) for path in own)
    assert machine.run("systemctl", "is-active", "sja-backup.timer").stdout == "active\n"
    assert machine.run("systemctl", "is-enabled", "sja-backup.timer").stdout == "enabled\n"


def test_an_upgrade_that_was_cut_off_is_completed_by_the_next(machine: Machine) -> None:
    pid = make_jobs(machine)
    checkout, wheels = make_next_version(machine)
    upgrade = (f"{checkout}/install.sh", "--wheels", wheels)
    # Killed when the new units are there and running jobs do not have them yet.
    script = """
        "$@" & upgrade=$!
        until grep -q WatchdogSec=47 /usr/local/lib/systemd/system/sja-acquisition@.service; do
            sleep 0.01
        done
        kill -KILL $upgrade
        wait $upgrade || true
    """
    machine.run("sh", "-euc", script, "sh", *upgrade)
    install(machine, *upgrade)
    now = wait_active(machine, JOB)
    assert now["pid"] != pid
    assert machine.show(now["unit"], "WatchdogUSec") == {"WatchdogUSec": "47s"}


def test_sjactl_says_what_to_do_where_its_python_is_gone(machine: Machine) -> None:
    python = machine.run("readlink", "-f", "/usr/bin/python3").stdout.strip()
    machine.run("mv", python, f"{python}.away")
    try:
        done = machine.run("sjactl", "list", check=False)
    finally:
        machine.run("mv", f"{python}.away", python)
    assert done.returncode == 70
    assert len(done.stderr.splitlines()) == 1
    assert "install.sh" in done.stderr
    machine.run("cp", python, "/usr/bin/python3.99")
    machine.run("ln", "-sf", "python3.99", "/usr/bin/python3")
    told = machine.run("sjactl", "doctor").stdout  # which works on
    assert f"made of {python}" in told


def test_an_upgrade_that_fails_changes_nothing(machine: Machine) -> None:
    pid = make_jobs(machine)
    machine.sh("cp -r /wheels /root/wheels; rm /root/wheels/click-*")
    before = list_all(machine)
    done = machine.run("/src/install.sh", "--wheels", "/root/wheels", check=False)
    assert "/root/wheels" in assert_refused(done)
    assert list_all(machine) == before
    assert view(machine, JOB)["pid"] == pid
    assert machine.run("sjactl", "restart", "line1").stdout == f"{JOB}\n"


def test_uninstall_and_a_new_installation(machine: Machine) -> None:
    pid = make_jobs(machine)
    machine.run("/src/install.sh", "--uninstall")
    assert not machine.exists(f"/proc/{pid}")
    assert machine.run("systemctl", "list-units", "--all", "--no-legend", "sja*").stdout == ""
    for gone in ("/opt/sja-units", "/usr/local/bin/sjactl", "/etc/polkit-1/rules.d/50-sja*"):
        assert machine.sh(f"ls -d {gone}", check=False).returncode != 0
    assert machine.exists("/etc/sja-units/acquisition/line1.toml")
    assert machine.exists("/var/lib/sja-units/acquisition/line1/spool")
    machine.reboot()
    assert machine.run("systemctl", "--failed", "--no-legend").stdout == ""
    install(machine)
    wait_active(machine, JOB)
    assert machine.show(unit_of(JOB), "MemoryMax") == {"MemoryMax": str(99 * 2**20)}
    assert_waiting(machine)
    assert states(machine)[STOPPED] == "stopped"


def test_an_uninstallation_leaves_what_no_disk_has_taken(machine: Machine) -> None:
    values = "/run/sja-units/overflow/line1/000000000001.lp"
    machine.write(values, "press1 temperature=1 1\n")
    done = machine.run("/src/install.sh", "--uninstall")
    assert "/run/sja-units/overflow" in done.stderr
    assert machine.exists(values)
    assert not machine.exists("/run/sja-units/backoff")
    machine.run("/src/install.sh", "--purge")
    assert not machine.exists("/run/sja-units")


def test_an_incomplete_folder_of_wheels_installs_nothing(bare: Machine) -> None:
    bare.sh("cp -r /wheels /root/wheels; rm /root/wheels/click-*")
    before = list_all(bare)
    done = bare.run("/src/install.sh", "--wheels", "/root/wheels", check=False)
    assert "/root/wheels" in assert_refused(done)
    assert "click" in done.stderr
    assert list_all(bare) == before


def test_who_is_not_root_is_told(bare: Machine) -> None:
    bare.sh("id someone || useradd someone; mv /usr/bin/sudo /root/sudo")
    before = list_all(bare)
    try:
        done = bare.run(*INSTALL, user="someone", check=False)
        assert "root" in assert_refused(done)
        assert len(done.stderr.splitlines()) == 1
        assert list_all(bare) == before
    finally:
        bare.run("mv", "/root/sudo", "/usr/bin/sudo")


def test_sudo_is_asked_where_one_is_not_root(machine: Machine) -> None:
    machine.sh("useradd someone; echo 'someone ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/someone")
    machine.run("/src/install.sh", "--purge", user="someone")
    assert not machine.exists("/opt/sja-units")


def test_no_systemd_is_told(bare: Machine) -> None:
    before = list_all(bare)
    script = 'mount -t tmpfs tmpfs /run; exec "$@"'
    done = bare.run("unshare", "--mount", "sh", "-euc", script, "sh", *INSTALL, check=False)
    assert "systemd" in assert_refused(done)
    assert len(done.stderr.splitlines()) == 1
    assert list_all(bare) == before


@pytest.mark.parametrize("words", [["--nonsense"], ["--wheels"], ["--wheels", "/nowhere"]])
def test_wrong_words_are_refused(bare: Machine, words: list[str]) -> None:
    done = bare.run("/src/install.sh", *words, check=False)
    assert done.returncode == 2
    assert_refused(done)
    assert len(done.stderr.splitlines()) == 1


def test_a_working_directory_that_is_gone_is_told(bare: Machine) -> None:
    before = list_all(bare)
    script = (
        "cp /src/install.sh /tmp; mkdir /tmp/gone; cd /tmp/gone; rmdir /tmp/gone; sh ../install.sh"
    )
    done = bare.sh(script, check=False)
    assert "directory" in assert_refused(done)
    bare.sh("rm /tmp/install.sh")
    assert list_all(bare) == before


def test_a_full_disk_is_named(bare: Machine) -> None:
    before = list_all(bare)
    script = 'mount -t tmpfs -o size=2M tmpfs /opt; exec "$@"'
    done = bare.run("unshare", "--mount", "sh", "-euc", script, "sh", *INSTALL, check=False)
    assert "/opt" in assert_refused(done)
    assert "full" in done.stderr
    assert list_all(bare) == before


def test_the_caller_s_surroundings_change_nothing(machine: Machine) -> None:
    """Programs of other names on the PATH, another Python's folders, a directory that is gone."""
    for name in ("dirname", "readlink", "id", "python3"):
        machine.write(f"/root/bad/{name}", "#!/bin/sh\ntouch /root/ran; exit 1\n")
    machine.sh(
        "chmod +x /root/bad/*; mkdir /root/gone; echo 'raise SystemExit(9)' >/root/bad/click.py"
    )
    odd = "PATH=/root/bad:$PATH PYTHONHOME=/nowhere PYTHONPATH=/root/bad"
    machine.sh(f"cd /root/gone; rmdir /root/gone; {odd} /src/install.sh --wheels /wheels")
    assert not machine.exists("/root/ran")
    assert machine.sh(f"{odd} /usr/local/bin/sjactl list --json").stdout == "[]\n"
    assert not machine.exists("/root/ran")


def test_the_way_to_the_index_goes_through_sudo(bare: Machine) -> None:
    """Told by what sudo is asked for: no index but the host's own is reached from a machine."""
    bare.sh("id someone || useradd someone; mv /usr/bin/sudo /root/sudo")
    bare.write("/usr/bin/sudo", '#!/bin/sh\necho "$@"\n')
    bare.sh("chmod +x /usr/bin/sudo")
    try:
        words = ["env", "PIP_INDEX_URL=x", "https_proxy=y", "OTHER=z", *INSTALL]
        asked = bare.run(*words, user="someone").stdout
        assert "--preserve-env=PIP_INDEX_URL,https_proxy --" in asked
        assert "OTHER" not in asked
        assert "preserve" not in bare.run(*INSTALL, user="someone").stdout
    finally:
        bare.run("mv", "/root/sudo", "/usr/bin/sudo")
