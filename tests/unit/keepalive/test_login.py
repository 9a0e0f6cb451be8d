"""The login program, run by a whole worker."""

import json
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from sja_units.job import Job
from sja_units.keepalive.config import Login
from sja_units.keepalive.login import LoginError, log_in
from sja_units.url import parse_address
from tests.unit.keepalive.harness import RunningSite, Worker
from tests.waiting import PATIENCE, wait_for

pytestmark = pytest.mark.slow


Maker = Callable[..., Worker]


def write_program(folder: Path, body: str) -> str:
    path = folder / "login"
    path.write_text(f"#!{sys.executable}\n{body}")
    path.chmod(0o755)
    return str(path)


LOG_IN = """
import http.client, os, sys, urllib.parse
assert sys.argv[1] == "alice" and "NOTIFY_SOCKET" not in os.environ
assert os.environ["SJA_JOB"] == "keepalive/x" and "401" in os.environ["SJA_REASON"]
page = urllib.parse.urlsplit(os.environ["SJA_URL"])
connection = http.client.HTTPConnection(page.hostname, page.port)
connection.request("POST", "/login", "user=alice&password=a+made-up+password")
print("Cookie: " + connection.getresponse().headers["Set-Cookie"].partition(";")[0])
"""


def test_an_expired_session_is_opened_again(
    site: RunningSite, make_worker: Maker, tmp_path: Path
) -> None:
    program = write_program(tmp_path, LOG_IN)
    # One is enough each time: attempts count only as long as the session stays dead.
    worker = make_worker(site.url, f'[login]\ncommand = ["{program}", "alice"]\nmax_attempts = 1\n')
    worker.start()
    worker.wait_until_ready()
    worker.wait_for_session("alive")
    site.site.sessions.clear()
    site.wait_for_visits("logins")
    site.wait_for_visits("alive")
    worker.wait_for_session("alive")
    assert worker.health()["ok"] is True
    assert worker.end() == 0


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("import sys; sys.exit(3)", "status 3"),
        ("print('no jar at all')", "no jar"),
        ("import sys; sys.stdout.write('a=' + 'x' * 2_000_000)", "more than"),
        ("import time; time.sleep(600)", "did not end"),
        ("import os, time; os.fork() or time.sleep(6000)", "no jar"),
    ],
)
def test_what_is_no_login(tmp_path: Path, body: str, words: str) -> None:
    program = write_program(tmp_path, body)
    login = Login((program,), "", timeout=0.5 if "(600)" in body else PATIENCE, max_attempts=1)
    page = parse_address("http://192.0.2.1/")
    assert page
    with pytest.raises(LoginError, match=words):
        log_in(login, page, Job("keepalive", "x"), "401", give_up=lambda: False)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (b"#!/nowhere/python\nprint()\n", "/nowhere/python"),
        (b"#!/bin/sh\r\necho a=b\r\n", "CRLF"),
        (b"echo a=b\n", "no #! line"),
        (b"#!/bin/sh\nkill -9 $$\n", "SIGKILL"),
    ],
)
def test_a_login_program_that_cannot_be_run_is_told_why(
    tmp_path: Path, script: bytes, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "login"
    program.write_bytes(script)
    program.chmod(0o755)
    login = Login((str(program),), "", timeout=PATIENCE, max_attempts=1)
    page = parse_address("http://192.0.2.1/")
    assert page
    with pytest.raises(LoginError, match=words):
        log_in(login, page, Job("keepalive", "x"), "401", give_up=lambda: False)
    assert "Error" not in capfd.readouterr().err


def test_what_a_login_leaves_in_a_session_of_its_own_is_ended(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    body = "import subprocess\n"
    body += 'left = subprocess.Popen(["setsid", "sleep", "1000"], close_fds=False)\n'
    body += f"open({str(pid)!r}, 'w').write(str(left.pid)); print('a=b')"
    login = Login((write_program(tmp_path, body),), "", timeout=PATIENCE, max_attempts=1)
    page = parse_address("http://192.0.2.1/")
    assert page
    assert log_in(login, page, Job("keepalive", "x"), "401", give_up=lambda: False)
    wait_for(lambda: is_dead(pid), "its end")


def is_dead(pid: Path) -> bool:
    try:
        stat = Path(f"/proc/{pid.read_text()}/stat").read_text()
    except OSError:
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


def test_why_logins_failed_is_told_to_all(
    site: RunningSite, make_worker: Maker, tmp_path: Path
) -> None:
    program = write_program(tmp_path, "import sys; sys.exit(3)")
    worker = make_worker(site.url, f'[login]\ncommand = ["{program}"]\nmax_attempts = 1\n')
    worker.start()
    assert worker.wait_for_end() == 77
    assert "status 3" in worker.health()["message"]
    assert any("status 3" in note for note in worker.notes if note.startswith("STATUS="))


def test_a_login_program_that_is_not_there_is_named() -> None:
    page = parse_address("http://192.0.2.1/")
    assert page
    login = Login(("/nowhere/campus-login",), "", timeout=PATIENCE, max_attempts=1)
    with pytest.raises(LoginError, match="/nowhere/campus-login"):
        log_in(login, page, Job("keepalive", "x"), "401", give_up=lambda: False)


def test_logins_that_do_not_help_end_after_max_attempts(
    site: RunningSite, make_worker: Maker, tmp_path: Path
) -> None:
    counter = tmp_path / "count"
    program = write_program(tmp_path, f"open({str(counter)!r}, 'a').write('x')\nprint('a=wrong')")
    worker = make_worker(site.url, f'[login]\ncommand = ["{program}"]\nmax_attempts = 2\n')
    worker.start()
    assert worker.wait_for_end() == 77
    assert counter.read_text() == "xx"
    # A start by a person, or a boot, is worth one more, not two.
    worker.start()
    assert worker.wait_for_end() == 77
    assert counter.read_text() == "xxx"


def test_a_stop_ends_the_login_program_too(
    site: RunningSite, make_worker: Maker, tmp_path: Path
) -> None:
    body = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n"
    program = write_program(tmp_path, body + "time.sleep(600)")
    worker = make_worker(site.url, f'[login]\ncommand = ["{program}"]\n')
    worker.start()
    wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text(), "the login")
    assert worker.end() == 0
    wait_for(lambda: not Path(f"/proc/{(tmp_path / 'pid').read_text()}").exists(), "its end")


TELL_SECRET = "import os; print('session=' + open(os.environ['SJA_SECRETS']).read())"


def test_secrets_come_by_file_and_must_be_there(
    site: RunningSite, make_worker: Maker, tmp_path: Path
) -> None:
    program = write_program(tmp_path, TELL_SECRET)
    secrets = tmp_path / "credentials" / "login"
    worker = make_worker(
        site.url, f'[login]\ncommand = ["{program}"]\nsecrets = "/etc/sja-units/alice.secret"\n'
    )
    worker.start()
    assert worker.wait_for_end() == 78
    assert "sjactl apply keepalive/x" in worker.said()
    secrets.write_text("\n")
    worker.start()
    assert worker.wait_for_end() == 78
    assert "/etc/sja-units/alice.secret" in worker.said()
    secrets.write_text(site.log_in().partition("=")[2])
    worker.start()
    worker.wait_until_ready()
    worker.wait_for_session("alive")
    assert secrets.read_text() not in worker.said()
    assert worker.end() == 0


class TokenSite(BaseHTTPRequestHandler):
    """A page that wants a POST with a token, and says nothing of cookies."""

    token = "first"
    asked: ClassVar[list[tuple[str, str, str]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.asked.append((body, self.headers["Content-Type"], self.headers["X-Client"]))
        is_known = self.headers.get("Authorization") == f"Bearer {self.token}"
        self.send_response(200 if is_known else 401)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def test_a_session_that_lives_in_a_header(make_worker: Maker, tmp_path: Path) -> None:
    headers = tmp_path / "headers"
    headers.write_text("# of the client\nX-Client: tests\nAuthorization: Bearer old\n")
    token = tmp_path / "token"
    program = write_program(tmp_path, f"print(open({str(token)!r}).read())")
    token.write_text("Authorization: Bearer first")
    with ThreadingHTTPServer(("127.0.0.1", 0), TokenSite) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        more = f'body = \'{{"query": 1}}\'\nheaders_file = "{headers}"\n'
        more += f'[login]\ncommand = ["{program}"]\n'
        worker = make_worker(f"http://127.0.0.1:{server.server_address[1]}/api", more)
        published = worker.published / "headers.json"
        worker.start()
        worker.wait_for_session("alive")
        assert json.loads(published.read_text()) == {"Authorization": "Bearer first"}
        assert published.stat().st_mode & 0o777 == 0o640
        assert set(TokenSite.asked) == {('{"query": 1}', "application/json", "tests")}
        fresh = {"headers": {"Authorization": "Bearer second"}, "cookies": {"sid": "1"}}
        token.write_text(json.dumps(fresh))
        TokenSite.token = "second"
        wait_for(lambda: "second" in published.read_text(), "the new token")
        worker.wait_for_session("alive")
        assert worker.end() == 0
        token.write_text("")
        worker.start()  # it remembers the token
        worker.wait_until_ready()
        assert worker.health()["session"] == "alive"
        assert worker.end() == 0
        server.shutdown()
        thread.join()
    assert "Bearer" not in worker.said()
    assert "sid" in (worker.published / "cookies.txt").read_text()


def test_headers_that_cannot_be_read_are_a_fault_of_the_configuration(
    site: RunningSite, make_worker: Maker, tmp_path: Path
) -> None:
    headers = tmp_path / "headers"
    headers.write_text("no header\n")
    worker = make_worker(site.url, f'headers_file = "{headers}"\n')
    worker.start()
    assert worker.wait_for_end() == 78
    assert "headers_file" in worker.said()
