"""A command's worker and its program, as systemd would run them."""

import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.acquisition.harness import free_port
from tests.unit.keepalive.harness import Worker
from tests.waiting import wait_for

pytestmark = pytest.mark.slow


Run = Callable[..., Worker]
FOREVER = "exec sleep 600"


def program_of(worker: Worker) -> int:
    wait_for(lambda: "program" in worker.health(), "a report")
    return int(worker.health()["program"]["pid"])


def is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_program_runs_until_it_is_told_to_stop(run_command: Run) -> None:
    worker = run_command(FOREVER)
    worker.wait_until_ready()
    pid = program_of(worker)
    assert is_alive(pid)
    assert worker.health()["ok"] is True
    assert worker.end() == 0
    assert not is_alive(pid)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_program_has_its_time_to_end(run_command: Run, number: int) -> None:
    script = 'trap "sleep 0.3; echo bye >$STATE_DIRECTORY/bye; exit 5" TERM\ntouch ready\n'
    worker = run_command(script + "while :; do sleep 0.1; done")
    wait_for((worker.state / "ready").exists, "the program's trap")
    assert worker.end(number) == 0
    assert (worker.state / "bye").read_text() == "bye\n"


def test_what_a_wrapper_started_has_its_time_too(run_command: Run) -> None:
    child = f"""{sys.executable} -c '
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.5), open("bye", "w").close(), sys.exit()))
open("ready", "w").close()
time.sleep(600)
'"""
    worker = run_command(f"{child} &\nwait")
    wait_for((worker.state / "ready").exists, "the child")
    assert worker.end() == 0
    assert (worker.state / "bye").exists()


def test_a_deaf_program_is_killed(run_command: Run) -> None:
    worker = run_command(
        'trap "" TERM\ntouch ready\nwhile :; do sleep 0.1; done', 'stop_timeout = "300ms"\n'
    )
    wait_for((worker.state / "ready").exists, "the program's trap")
    pid = program_of(worker)
    assert worker.end() == 0
    wait_for(lambda: not is_alive(pid), "its end")
    assert "killed" in worker.journal.read_text()


@pytest.mark.parametrize(
    ("script", "more", "status"),
    [
        ("exit 3", "", 3),
        ("exit 77", "", 77),
        ("exit 0", "", 75),
        ("exit 79", "", 75),
        ("exit 79", 'restart = "on-failure"\n', 75),
        ("kill -SEGV $$", "", 128 + signal.SIGSEGV),
        ("exit 0", 'restart = "on-failure"\n', 79),
        ("exit 3", 'restart = "on-failure"\n', 3),
        ("exec sleep 600", 'max_runtime = "1s"\n', 75),
    ],
)
def test_how_a_program_ends_is_passed_on(
    run_command: Run, script: str, more: str, status: int
) -> None:
    worker = run_command(script, more)
    assert worker.wait_for_end() == status
    assert worker.heard("STATUS=")
    if status == 79:
        assert worker.heard("READY=1")  # systemd takes an end before that for a failure


def test_a_program_finds_its_surroundings(run_command: Run) -> None:
    script = (
        'env >"$STATE_DIRECTORY/env"; pwd >"$STATE_DIRECTORY/pwd"; readlink /proc/self/fd/0 >in'
    )
    worker = run_command(
        script, 'restart = "on-failure"\n[environment]\nTITLE = "海 天 $HOME %i"\n'
    )
    worker.wait_for_end()
    lines = (worker.state / "env").read_text().splitlines()
    assert "TITLE=海 天 $HOME %i" in lines
    assert "SJA_JOB=command/x" in lines
    assert not [line for line in lines if line.startswith(("NOTIFY_SOCKET", "WATCHDOG_"))]
    assert (worker.state / "pwd").read_text().strip() == str(worker.state)
    assert (worker.state / "in").read_text().strip() == "/dev/null"


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ('command = ["/nowhere/thing"]\n', 75),
        ('command = ["/etc/passwd"]\n', 78),
        ('command = ["/bin/true"]\nworking_directory = "/nowhere"\n', 75),
        ('command = ["/bin/true"]\nworking_directory = "/etc/passwd"\n', 78),
        ('command = ["/bin/true"]\nuser = "nobody"\n', 78),
        ('command = ["/bin/true"]\nschedule = "hourly"\n', 78),
    ],
)
def test_what_cannot_be_run_is_said_in_one_line(run_command: Run, text: str, status: int) -> None:
    worker = run_command(text=text)
    assert worker.wait_for_end() == status
    assert len(worker.journal.read_text().splitlines()) == 1


def test_a_probe_makes_it_ready(run_command: Run) -> None:
    port = free_port()
    worker = run_command(FOREVER, f'[probe]\ntcp = "127.0.0.1:{port}"\ninterval = "100ms"\n')
    wait_for(lambda: worker.health().get("probe", {}).get("message"), "a look that fails")
    assert not worker.heard("READY=1")
    with socket.create_server(("127.0.0.1", port)):
        worker.wait_until_ready()
        assert worker.health()["probe"]["state"] == "healthy"


def test_a_program_that_hangs_is_ended_by_the_watchdog(run_command: Run) -> None:
    probe = '[probe]\nfile = "beat"\ninterval = "100ms"\nfailures = 2\nmax_age = "1s"\n'
    worker = run_command(f"touch beat\n{FOREVER}", probe, watchdog="30000000")
    worker.wait_until_ready()
    wait_for(lambda: worker.heard("WATCHDOG=trigger"), "the watchdog")
    assert not is_alive(program_of(worker))  # it got a signal to tell where it stands


def test_a_program_that_never_comes_up_hangs_too(run_command: Run) -> None:
    probe = '[probe]\nexec = ["/bin/false"]\ninterval = "100ms"\ngrace = "1s"\n'
    worker = run_command(FOREVER, probe, watchdog="30000000")
    wait_for(lambda: worker.heard("WATCHDOG=trigger"), "the watchdog")
    assert not worker.heard("READY=1")


def test_a_stop_does_not_wait_for_a_look(run_command: Run) -> None:
    probe = '[probe]\nexec = ["/bin/sleep", "600"]\ntimeout = "10min"\n'
    worker = run_command(FOREVER, probe)
    wait_for(lambda: worker.heard("EXTEND_TIMEOUT_USEC="), "the first look")
    began = time.monotonic()
    assert worker.end() == 0
    assert time.monotonic() - began < 30


NOTIFIER = """
import os, socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(os.environ["NOTIFY_SOCKET"])
assert "WATCHDOG_PID" not in os.environ
reader, writer = os.pipe()
socket.send_fds(s, [b"BARRIER=1"], [writer])
os.close(writer)
assert os.read(reader, 1) == b""
time.sleep(0.3)
s.send("READY=1\\nSTATUS=读 3 个".encode())
for _ in range(int(sys.argv[1])):
    s.send(b"WATCHDOG=1")
    time.sleep(0.1)
time.sleep(600)
"""


def write_notifier(folder: Path, pings: int) -> str:
    (folder / "notifier.py").write_text(NOTIFIER)
    return f"exec {sys.executable} {folder}/notifier.py {pings}"


def test_a_program_speaks_for_itself(run_command: Run, tmp_path: Path) -> None:
    worker = run_command(write_notifier(tmp_path, 0), "notify = true\n", watchdog="900000")
    worker.wait_until_ready()
    wait_for(lambda: worker.health().get("status") == "读 3 个", "the program's own words")
    # It does not ping, so the worker does as long as it lives.
    worker.notes.clear()
    wait_for(lambda: worker.notes.count("WATCHDOG=1") >= 5, "pings")
    assert worker.end() == 0


def test_a_program_that_has_begun_to_ping_has_to_go_on(run_command: Run, tmp_path: Path) -> None:
    worker = run_command(write_notifier(tmp_path, 5), "notify = true\n", watchdog="900000")
    worker.wait_until_ready()
    time.sleep(2.5)  # more than its pings and one time of the watchdog
    worker.notes.clear()
    time.sleep(1)
    assert "WATCHDOG=1" not in worker.notes


SLOW_TO_END = """
import os, signal, socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(os.environ["NOTIFY_SOCKET"])
def end(*_):
    s.send(b"EXTEND_TIMEOUT_USEC=60000000")
    time.sleep(1.5)
    open("bye", "w").close()
    sys.exit()
signal.signal(signal.SIGTERM, end)
s.send(b"READY=1")
time.sleep(600)
"""


def test_a_program_may_ask_for_more_time_to_end(run_command: Run, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW_TO_END)
    more = 'notify = true\nstop_timeout = "300ms"\n'
    worker = run_command(f"exec {sys.executable} {tmp_path}/slow.py", more)
    worker.wait_until_ready()
    assert worker.end() == 0
    assert (worker.state / "bye").exists()


def test_its_last_words_are_why_it_failed(run_command: Run) -> None:
    said = "import os, socket; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); "
    said += "s.sendto(b'STATUS=no such valve', os.environ['NOTIFY_SOCKET']); os._exit(4)"
    worker = run_command(f'exec {sys.executable} -c "{said}"', "notify = true\n")
    assert worker.wait_for_end() == 4
    assert "ended with exit status 4: no such valve" in worker.journal.read_text()


TALKER = """
import os, socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(os.environ["NOTIFY_SOCKET"])
s.send(b"READY=1")
for n in range(2000):
    s.send(b"STATUS=%d\\nEXTEND_TIMEOUT_USEC=%d" % (n, 10**6 + n))
s.send(b"STATUS=last\\nEXTEND_TIMEOUT_USEC=" + b"9" * 400)
import time
time.sleep(600)
"""


def test_a_program_that_talks_in_a_loop_does_not_flood_systemd(
    run_command: Run, tmp_path: Path
) -> None:
    (tmp_path / "talker.py").write_text(TALKER)
    worker = run_command(f"exec {sys.executable} {tmp_path}/talker.py", "notify = true\n")
    began = time.monotonic()
    wait_for(lambda: worker.health().get("status") == "last", "its last words")
    passed_on = sum(note.startswith(("STATUS=", "EXTEND_TIMEOUT")) for note in worker.notes)
    assert passed_on <= 4 + 10 * (time.monotonic() - began)
    assert worker.end() == 0


def test_a_probe_s_program_knows_its_job_and_cannot_speak_for_it(run_command: Run) -> None:
    probe = '[probe]\nexec = ["/bin/sh", "-c", "env >$STATE_DIRECTORY/env"]\n'
    worker = run_command(FOREVER, probe)
    worker.wait_until_ready()
    lines = (worker.state / "env").read_text().splitlines()
    assert "SJA_JOB=command/x" in lines
    assert not [line for line in lines if line.startswith(("NOTIFY_SOCKET", "WATCHDOG_"))]


@pytest.mark.parametrize(
    ("first_line", "status", "words"),
    [
        ("#!/bin/sh\r", 78, "CR"),
        ("#!/usr/bin/no-such-python3", 75, "/usr/bin/no-such-python3"),
    ],
)
def test_a_script_whose_first_line_is_wrong(
    run_command: Run, tmp_path: Path, first_line: str, status: int, words: str
) -> None:
    script = tmp_path / "windows"
    script.write_bytes(f"{first_line}\necho hello\r\n".encode())
    script.chmod(0o755)
    worker = run_command(text=f'command = ["{script}"]\n')
    assert worker.wait_for_end() == status
    said = worker.journal.read_text()
    assert words in said
    assert "No such file" not in said
