"""The login program, run by a whole worker."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.keepalive.harness import RunningSite, Worker, wait_for

Maker = Callable[..., Worker]


@pytest.fixture
def write_login(tmp_path: Path) -> Callable[..., str]:
    """Return a maker of the [login] table for a program with that body."""

    def write(body: str, more: str = "") -> str:
        path = tmp_path / "login"
        path.write_text(f"#!{sys.executable}\n{body}")
        path.chmod(0o755)
        return f'[login]\ncommand = ["{path}", "alice"]\n{more}'

    return write


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
    site: RunningSite, make_worker: Maker, write_login: Callable[..., str]
) -> None:
    worker = make_worker(site.url, write_login(LOG_IN))
    worker.start()
    worker.wait_until_ready()
    worker.wait_for_session("alive")
    site.site.sessions.clear()
    site.wait_for_visits("logins")
    site.wait_for_visits("alive", 2)
    assert worker.health()["ok"] is True
    assert worker.end() == 0


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("import sys; sys.exit(3)", "status 3"),
        ("print('no jar at all')", "no jar"),
        ("import sys; sys.stdout.write('a=' + 'x' * 2_000_000)", "more than"),
        ("import time; time.sleep(600)", "did not end"),
        ("print('session=wrong')", "2 logins in a row did not help"),
    ],
)
def test_a_login_that_does_not_help_ends_after_max_attempts(
    site: RunningSite,
    make_worker: Maker,
    write_login: Callable[..., str],
    body: str,
    words: str,
) -> None:
    count = "import os; os.write(os.open('count', os.O_WRONLY | os.O_CREAT | os.O_APPEND), b'x')\n"
    more = 'max_attempts = 2\ntimeout = "1s"\n'
    worker = make_worker(site.url, write_login(count + body, more))
    os.chdir(worker.state)
    worker.start()
    assert worker.wait_for_end() == 77
    assert words in worker.said()


def test_a_stop_ends_the_login_program_too(
    site: RunningSite, make_worker: Maker, write_login: Callable[..., str], tmp_path: Path
) -> None:
    body = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n"
    worker = make_worker(site.url, write_login(body + "time.sleep(600)"))
    worker.start()
    wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text(), "the login")
    assert worker.end() == 0
    wait_for(lambda: not Path(f"/proc/{(tmp_path / 'pid').read_text()}").exists(), "its end")
