"""`sjactl backup` and `restore`: nothing is lost, and nothing of another's is overwritten."""

import base64
import json
import re
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.machines.images import installed_machine
from tests.machines.machine import Machine
from tests.system.counterparts import Influx, ModbusDevice
from tests.system.cuts import run_cut
from tests.system.jobs import is_wanted, states, unit_of, view, wait_active, wait_state, write_idle
from tests.system.lines import create_acquisition, describe_device
from tests.system.watch import booted
from tests.system.websites import WebSite, create_keepalive, write_jar
from tests.unit.backup.archives import craft, file, link

ALICE, LINE = "keepalive/alice", "acquisition/press1"
REPORT, NIGHTLY = "command/report", "command/nightly"
HOST = '[alert]\ncommand = ["/usr/bin/true"]\n'
SECRET = "/etc/sja-units/alice.secret"
STATE = "/var/lib/sja-units"
FILE = "/root/jobs.tgz"
TREE = (
    f"find /etc/sja-units /etc/systemd/system {STATE} /var/lib/private/sja-units -type f -printf "
    "'%p %m %u:%g %s %T@\\n' -o -printf '%p %m %u:%g\\n' | sort"
)


def sjactl(machine: Machine, *words: str, status: int = 0) -> tuple[str, str]:
    done = machine.run("sjactl", *words, check=False)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout, done.stderr


def send(machine: Machine, data: bytes, path: str = FILE) -> None:
    machine.run("sh", "-c", f"base64 -d >{path}", input=base64.b64encode(data).decode())


def fetch_file(machine: Machine, path: str = FILE) -> bytes:
    return base64.b64decode(machine.run("base64", path).stdout)


@pytest.fixture(scope="module")
def second() -> Iterator[Machine]:
    """Another host with sja-units, and no job."""
    with booted(installed_machine("bookworm", "second")) as machine:
        yield machine


def test_jobs_move_to_another_host(shared_machine: Machine, second: Machine) -> None:
    first = shared_machine
    site = WebSite(first, 8000, life=600)
    site.start()
    first.write(SECRET, "sesame\n", mode=0o600)
    create_keepalive(site, "alice", write_jar(first, "/root/alice.txt", site.log_in()))
    device = ModbusDevice(first, 1502)
    device.start()
    sink = Influx(first).sink  # which is off
    create_acquisition(first, "press1", [describe_device("press1", 1502)], sink)
    wait_state(first, LINE, "degraded")
    write_idle(first, "stopped", title="停")
    first.run("useradd", "reporter")
    first.write("/usr/local/bin/report", "#!/bin/sh\n", mode=0o755)
    report = [
        "--set",
        "restart=on-failure",
        "--set",
        "user=reporter",
        "--",
        "/usr/local/bin/report",
    ]
    first.run("sjactl", "create", *REPORT.split("/"), *report)
    nightly = ["--set", "schedule=03:00", "--", "/bin/true"]
    first.run("sjactl", "create", *NIGHTLY.split("/"), *nightly)
    completed = wait_state(first, REPORT, "completed")
    first.write("/etc/sja-units/keepalive/faulty.toml", "nonsense = 1\n")
    first.write("/etc/sja-units/sja-units.toml", HOST, mode=0o640, group="sja")
    site.wait_moves()
    first.wait_for(lambda: device.sent().total() > 30, what="some reads")

    # While all of it runs.
    first.write(f"{FILE}.new", "somebody's\n")
    out, err = sjactl(first, "backup", FILE)
    assert first.read(f"{FILE}.new") == "somebody's\n"
    names = [LINE, "acquisition/stopped", NIGHTLY, REPORT, ALICE, "keepalive/faulty"]
    assert out.split() == names
    assert "keepalive/faulty: " in err
    assert "/bin/true" not in err  # a package brings it
    assert "/usr/local/bin/report is not in the backup" in err
    assert first.run("stat", "-c", "%a %U", FILE).stdout == "600 root\n"
    read_before = set(device.sent())
    # The target is down before its jobs are.
    first.run("systemctl", "stop", "sja-jobs.target")
    first.wait_for(lambda: has_ended(first, LINE), what="the job to have ended")
    first.sh(f"sjactl backup - >{FILE}")
    sent = device.sent()
    assert set(sent) >= read_before
    site.stop()

    send(second, fetch_file(first))
    send(second, fetch_file(first, "/root/site-8000.json"), "/root/site-8000.json")
    there, database = WebSite(second, 8000, life=600), Influx(second)
    there.start()
    before = second.sh(TREE).stdout
    shown, err = sjactl(second, "restore", "--dry-run", FILE)
    assert "sja-units.toml  written" not in shown
    assert "--with-host-settings" in err
    for name in names:
        assert f"/etc/sja-units/{name}.toml  written" in shown
    assert second.sh(TREE).stdout == before
    database.start()
    restore = "sjactl restore --with-host-settings -"
    done = second.run("sh", "-c", f"cat {FILE} | {restore}", check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.split()) == sorted(names)
    assert "faulty.toml: line 1: nonsense" in done.stderr
    for lack in ("'reporter'", "/usr/local/bin/report"):
        assert f"{REPORT} cannot run here yet" in done.stderr
        assert lack in done.stderr

    wait_state(second, ALICE, "running")
    stats = there.stats()
    assert (stats["refused"], stats["logins"]) == (0, 0)
    assert stats["alive"] > 0
    rows = second.wait_for(lambda: rows_of(database, sent), what="what was not sent to arrive")
    arrived = Counter(rows)
    # One answer may have been on its way when the job was stopped.
    assert (sent - arrived).total() <= 1
    assert not arrived - sent
    listed = json.loads(second.run("sjactl", "list", "--json").stdout)
    told = {entry["job"]: (entry["title"], entry["wanted"]) for entry in listed}
    assert told["acquisition/stopped"] == ("停", False)
    assert view(second, REPORT)["status"] == completed["status"]
    assert (told[REPORT][1], told[NIGHTLY][1]) == (False, True)
    assert states(second)[REPORT] == "completed"
    assert "next run" in view(second, NIGHTLY)["status"]
    assert (told[ALICE][1], told[LINE][1], told["keepalive/faulty"][1]) == (True, True, False)
    for path in (f"/etc/sja-units/{ALICE}.toml", "/etc/sja-units/sja-units.toml"):
        assert second.run("stat", "-c", "%U:%G %a", path).stdout == "root:sja 640\n"
    assert second.run("stat", "-c", "%U:%G %a", SECRET).stdout == "root:root 600\n"
    watchdog = second.show(unit_of(LINE), "WatchdogUSec")
    assert watchdog == {"WatchdogUSec": "2s"}  # by its drop-in

    # Again: nothing is to be done, and no older jar wins over the one that has moved on.
    before = second.sh("find /etc/sja-units -ls; ls -la /etc/systemd/system").stdout
    there.wait_moves()
    pid = view(second, ALICE)["pid"]
    out, _ = sjactl(second, "restore", FILE)
    assert out == ""
    there.wait_moves()
    assert (view(second, ALICE)["pid"], there.stats()["refused"]) == (pid, 0)
    assert second.sh("find /etc/sja-units -ls; ls -la /etc/systemd/system").stdout == before
    # What a person stops, stays stopped.
    sjactl(second, "stop", ALICE)
    sjactl(second, "restore", FILE)
    assert states(second)[ALICE] == "stopped"
    forget = "sjactl remove '*'; find /etc/sja-units -maxdepth 1 -type f -delete"
    first.sh(f"systemctl start sja-jobs.target; {forget}")
    second.sh(forget)
    device.stop()
    there.stop()
    database.stop()


def has_ended(machine: Machine, job: str) -> bool:
    return machine.show(unit_of(job), "ActiveState") == {"ActiveState": "inactive"}


def rows_of(database: Influx, sent: Counter[int]) -> list[int]:
    """Return the values in the database, none until there may be all that was sent."""
    rows = [int(value) for _, value in database.rows("press1", "counter")]
    return rows if len(rows) >= sent.total() - 1 else []


def test_another_ones_file_is_left_alone(shared_machine: Machine) -> None:
    machine = shared_machine
    same, other = write_idle(machine, "same"), write_idle(machine, "other", title="theirs")
    gone = write_idle(machine, "gone")
    sjactl(machine, "start", other)
    sjactl(machine, "backup", FILE)
    path = f"/etc/sja-units/{other}.toml"
    write_idle(machine, "other", title="ours", extra='[service]\nMemoryMax = "99M"')
    sjactl(machine, "apply")
    sjactl(machine, "remove", gone)
    ours = machine.read(path)
    pid = wait_active(machine, other)["pid"]
    out, err = sjactl(machine, "restore", "--no-start", FILE, status=1)
    assert out.split() == [gone]
    assert path in err
    assert same not in err
    assert (machine.read(path), view(machine, other)["pid"]) == (ours, pid)

    out, err = sjactl(machine, "restore", "--replace", FILE)
    assert out.split() == [other]
    assert 'title = "theirs"' in machine.read(path)
    (kept,) = machine.sh(f"ls {path}.replaced-*").stdout.split()
    assert machine.read(kept) == ours
    assert wait_active(machine, other)["pid"] != pid
    assert unit_of(other) not in machine.show(unit_of(other), "DropInPaths")["DropInPaths"]
    machine.sh(f"rm {kept}; sjactl remove '*'")


def test_what_a_job_holds_here_stays(shared_machine: Machine) -> None:
    machine = shared_machine
    words = ["create", "keepalive", "alice", "--url", "http://127.0.0.1:1/", "--no-start"]
    machine.write("/root/old.txt", "s=old\n")
    machine.write("/root/new.txt", "s=new\n")
    sjactl(machine, *words, "--cookies", "/root/old.txt")
    sjactl(machine, "backup", FILE)
    sjactl(machine, "remove", ALICE)
    sjactl(machine, *words, "--cookies", "/root/new.txt")
    sjactl(machine, "remove", "--keep-state", ALICE)
    _, err = sjactl(machine, "restore", FILE)
    assert f"the backup's is not taken: {ALICE}" in err
    jar = f"{STATE}/{ALICE}/incoming.txt"
    assert machine.read(jar) == "s=new\n"
    sjactl(machine, "remove", ALICE)
    sjactl(machine, "restore", FILE)
    assert machine.read(jar) == "s=old\n"
    sjactl(machine, "remove", ALICE)


def test_a_restore_that_is_cut_off_again_and_again_is_completed(shared_machine: Machine) -> None:
    machine = shared_machine
    jobs = [write_idle(machine, name, extra='[service]\nMemoryMax = "99M"') for name in "ab"]
    sjactl(machine, "apply")
    sjactl(machine, "start", *jobs)
    wait_active(machine, jobs[1])
    sjactl(machine, "stop", jobs[1])
    for job in jobs:
        machine.sh(f"echo made up >{STATE}/{job}/dead-letter.lp")
    sjactl(machine, "backup", FILE)
    sjactl(machine, "remove", *jobs)
    cuts = 0
    while True:
        done = run_cut(machine, cuts, "restore", FILE)
        for job in jobs:
            if machine.exists(f"/etc/sja-units/{job}.toml"):
                assert machine.exists(f"{STATE}/{job}/dead-letter.lp")
                assert is_wanted(machine, job) is (job == jobs[0])
        if done.returncode == 0:
            break
        cuts += 3
        assert cuts < 100
    assert cuts > 5
    wait_active(machine, jobs[0])
    assert states(machine)[jobs[1]] == "stopped"
    assert machine.show(unit_of(jobs[0]), "MemoryMax") == {"MemoryMax": str(99 * 2**20)}
    for job in jobs:
        assert machine.read(f"{STATE}/{job}/dead-letter.lp") == "made up\n"
    assert not machine.exists(f"{STATE}/restoring")
    sjactl(machine, "remove", *jobs)


def test_no_bad_archive_changes_anything(shared_machine: Machine) -> None:
    machine = shared_machine
    sjactl(machine, "backup", FILE)
    good = fetch_file(machine)
    both = [file("etc/keepalive/alice.toml"), file("etc/acquisition/line1.toml")]
    symlink, hardlink = (link("state/keepalive/alice/x", kind) for kind in (b"2", b"1"))
    bad = {
        "cut off": good[:-20],
        "damaged": good[:100] + b"\xff" + good[101:],
        "none": b"nothing",
        "out of it": craft([*both, file("../../../root/pwned")]),
        "absolute": craft([*both, file("/root/pwned")]),
        "a link": craft([*both, symlink, file("state/keepalive/alice/x/pwned")]),
        "a hard link": craft([*both, hardlink]),
        "a device": craft([*both, link("state/keepalive/alice/x", b"3")]),
        "no job": craft([*both, file("etc/keepalive/Bad Name.toml")]),
        "half a job": craft(both[:1]),
    }
    before = machine.sh(TREE).stdout
    for what, data in bad.items():
        send(machine, data, "/root/bad.tgz")
        ways = ["sjactl restore /root/bad.tgz", "sjactl restore - </root/bad.tgz"]
        for words in ways if what == "cut off" else ways[:1]:
            done = machine.sh(words, check=False)
            assert done.returncode == 1, what
            assert re.fullmatch(r"sjactl: (/root/bad\.tgz|-): .*\n", done.stderr), done.stderr
    assert machine.sh(TREE).stdout == before
    assert not machine.exists("/root/pwned")


def test_wrong_words_and_people_are_refused(shared_machine: Machine) -> None:
    machine = shared_machine
    machine.sh("useradd oper; usermod -aG sja oper; ln -sf /etc/hostname /root/link")
    for words, status in (
        (["backup", "/root/link"], 2),
        (["backup", "/dev/null"], 2),
        (["backup", "/nowhere/x.tgz"], 1),
        (["restore", "/nowhere"], 1),
        (["restore", "/dev/null"], 2),
        (["backup"], 2),
    ):
        _, err = sjactl(machine, *words, status=status)
        assert err
    assert machine.exists("/dev/null")
    for verb in ("backup", "restore"):
        done = machine.run("sjactl", verb, "/tmp/x", user="oper", check=False)
        assert (done.returncode, len(done.stderr.splitlines())) == (5, 2)
    for script in ("sjactl backup - | true", "sjactl backup - >&-", "sjactl restore - <&-"):
        assert "Traceback" not in machine.sh(script, check=False).stderr


def test_a_full_disk_leaves_the_last_backup(shared_machine: Machine) -> None:
    machine = shared_machine
    machine.sh("mkdir /mnt/small; mount -t tmpfs -o size=64k tmpfs /mnt/small")
    sjactl(machine, "backup", "/mnt/small/jobs.tgz")
    before = fetch_file(machine, "/mnt/small/jobs.tgz")
    machine.sh("head -c 300k /dev/urandom >/etc/sja-units/acquisition/large.csv")
    _, err = sjactl(machine, "backup", "/mnt/small/jobs.tgz", status=1)
    assert err == "sjactl: /mnt/small/jobs.tgz was not written: No space left on device\n"
    assert machine.run("ls", "/mnt/small").stdout == "jobs.tgz\n"
    assert fetch_file(machine, "/mnt/small/jobs.tgz") == before
    machine.sh("rm /etc/sja-units/acquisition/large.csv; umount /mnt/small")
