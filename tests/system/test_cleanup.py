"""`sjactl cleanup`: what jobs that are gone have left goes, everything else stays."""

from sja_units.acquisition.spool.cursor import Cursor, SavedCursor, format_slot
from tests.machines.machine import Machine
from tests.system.jobs import is_wanted, unit_of, wait_active, write_idle

PRIVATE = "/var/lib/private/sja-units"
STATE = "/var/lib/sja-units"
# Everything that cleanup could touch, with sizes and times.
TREE = f"find {STATE} {PRIVATE} /etc/sja-units /etc/systemd/system /run/sja-units/[bc]* -ls"


def age(machine: Machine, *paths: str) -> None:
    """Make everything there as old as if it had been left alone for 40 days."""
    for path in paths:
        machine.sh(f"find {path} -exec touch -h -d '40 days ago' {{}} +")


def cleanup(machine: Machine, *words: str, status: int = 0) -> tuple[str, str]:
    done = machine.run("sjactl", "cleanup", *words, check=False)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout, done.stderr


def make_state(machine: Machine, job: str, *names: str) -> str:
    """Make the state folder of a job as systemd does, with some files in it; return its path."""
    folder = f"{PRIVATE}/{job}"
    machine.sh(
        f"mkdir -p {folder} {STATE}/{job}; rmdir {STATE}/{job}; ln -s {folder} {STATE}/{job}"
    )
    for name in names:
        machine.write(f"{folder}/{name}", "made up\n")
    machine.run("chown", "-R", "64000:64000", folder)
    age(machine, folder)
    return folder


def test_what_is_left_over_goes_once_it_is_old(shared_machine: Machine) -> None:
    machine = shared_machine
    state = make_state(machine, "keepalive/gone", "jar.json", "state.json")
    unit = unit_of("keepalive/gone")
    files = {
        "record": f"{STATE}/ended/{unit}",
        "half a record": f"{STATE}/ended/.{unit}.new",
        "next try": f"/run/sja-units/backoff/{unit}",
        "refused text": "/etc/sja-units/keepalive/gone.toml.rejected",
        "half a file": "/etc/sja-units/keepalive/gone.toml.new",
        "drop-in": f"/etc/systemd/system/{unit}.d/50-sjactl.conf",
    }
    for path in files.values():
        machine.write(path, "[Service]\n")
    folders = {"cookies": "/run/sja-units/cookies/gone", "restore": f"{STATE}/restoring"}
    machine.sh(f"mkdir -p {folders['cookies']} {folders['restore']}/keepalive/x")
    things = files | folders
    age(machine, *things.values())
    before = machine.sh(TREE).stdout
    shown, _ = cleanup(machine, "--dry-run")
    assert sorted(line.split()[0] for line in shown.splitlines()) == sorted(
        [state, *things.values()]
    )
    assert cleanup(machine, "--older-than", "41d") == ("", "")
    assert machine.sh(TREE).stdout == before

    # As the timer does it, in the sandbox.
    machine.run("systemctl", "start", "sja-cleanup.service")
    said = machine.journal("sja-cleanup.service")
    for what, path in (things | {"state": state}).items():
        assert not machine.exists(path), (what, said)
        assert path in said, what
    assert not machine.exists(f"{STATE}/keepalive/gone")
    assert cleanup(machine) == ("", "")


def test_a_removed_job_is_gone_from_then_on(shared_machine: Machine) -> None:
    job = write_idle(shared_machine, "kept")
    folder = make_state(shared_machine, job, "dead-letter.lp")
    shared_machine.run("sjactl", "remove", "--keep-state", job)
    assert cleanup(shared_machine) == ("", "")
    age(shared_machine, folder)
    assert len(cleanup(shared_machine)[0].splitlines()) == 1


def format_sent(offset: int) -> str:
    """Return a cursor that says how much of segment 3 is sent."""
    return format_slot(SavedCursor(1, Cursor(3, offset, 0), 0)).decode()


def test_what_stays_whatever_its_age(shared_machine: Machine) -> None:
    machine = shared_machine
    running, configured = write_idle(machine, "running"), write_idle(machine, "configured")
    machine.run("sjactl", "start", running)
    wait_active(machine, running)
    machine.run("rm", f"/etc/sja-units/{running}.toml")
    wanted, unsent = "keepalive/wanted", "acquisition/unsent"
    machine.run("touch", f"{STATE}/wanted/{unit_of(wanted)}")
    states = [make_state(machine, job, "file") for job in (configured, wanted)]
    states.append(make_state(machine, unsent, "spool/000000000003.lp"))
    machine.write(f"{states[-1]}/spool/cursor", format_sent(3))
    machine.sh(f"""
        mkdir {STATE}/keepalive/Notes /root/elsewhere
        ln -s /root/elsewhere {STATE}/keepalive/moved
        touch {STATE}/ended/readme /root/elsewhere/precious
        touch /etc/sja-units/acquisition/configured.csv
    """)
    age(machine, *states, f"{PRIVATE}/{running}", "/etc/sja-units", "/root/elsewhere")
    age(machine, f"{STATE}/keepalive/Notes", f"{STATE}/ended/readme")
    names = f"find {STATE} {PRIVATE}/*/[!r]* /etc/sja-units /root/elsewhere"
    before = machine.sh(names).stdout
    out, err = cleanup(machine)
    assert machine.sh(names).stdout == before
    assert out == ""
    stays = [*states[1:], f"{STATE}/keepalive/Notes", f"{STATE}/keepalive/moved"]
    for path in (*stays, f"{STATE}/ended/readme"):
        assert f"{path} stays" in err
    assert len(err.splitlines()) == 5
    assert is_wanted(machine, wanted)

    # What is sent is not kept for ever.
    machine.write(f"{states[-1]}/spool/cursor", format_sent(8))
    age(machine, states[-1])
    out, _ = cleanup(machine)
    assert out.split()[0] == states[-1]
    assert not machine.exists(states[-1])
    machine.sh(f"""
        rm -r {STATE}/keepalive/Notes {STATE}/keepalive/moved {STATE}/ended/readme
        sjactl remove '*'
    """)


def test_no_planted_link_leads_anywhere(shared_machine: Machine) -> None:
    machine = shared_machine
    state = make_state(machine, "acquisition/line1")
    victim = "/root/victim"
    machine.sh(f"""
        mkdir {victim} {state}/deep; echo precious >{victim}/file
        ln -s {victim} {state}/spool; ln -s {victim} {state}/deep/folder
        ln -s {victim}/file {state}/file; ln {victim}/file {state}/deep/hard; mkfifo {state}/pipe
    """)
    age(machine, state)
    out, err = cleanup(machine)
    assert (out.split(" ")[0], err) == (state, "")
    assert not machine.exists(state)
    assert machine.read(f"{victim}/file") == "precious\n"


def test_what_cannot_be_deleted_is_told(shared_machine: Machine) -> None:
    machine = shared_machine
    states = [make_state(machine, f"keepalive/a{n}", "jar.json") for n in (1, 2)]
    machine.sh(f"cd {PRIVATE}/keepalive && mount --bind . . && mount -o remount,bind,ro .")
    _, err = cleanup(machine, status=1)
    for state in states:
        assert f"{state} was not deleted" in err
    machine.run("umount", f"{PRIVATE}/keepalive")
    assert len(cleanup(machine)[0].splitlines()) == 2


def test_wrong_words_and_people_are_refused(shared_machine: Machine) -> None:
    for words in (["--older-than", "nonsense"], ["--older-than", "-1d"], ["nonsense"]):
        cleanup(shared_machine, *words, status=2)
    shared_machine.sh("useradd oper; usermod -aG sja oper")
    done = shared_machine.run("sjactl", "cleanup", "--dry-run", user="oper", check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (5, 2)


def test_the_timer_is_on(shared_machine: Machine) -> None:
    shown = shared_machine.show("sja-cleanup.timer", "ActiveState", "UnitFileState", "Persistent")
    assert shown == {"ActiveState": "active", "UnitFileState": "enabled", "Persistent": "yes"}
