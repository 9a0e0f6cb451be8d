"""The ways to look whether a program is well, against real counterparts."""

import os
import socket
import time
from pathlib import Path

import pytest

from sja_units.command.config import CommandConfig, Probe
from sja_units.command.notify_socket import parse_notification
from sja_units.command.probe import describe_end, run_probe
from sja_units.config.job_file import parse
from sja_units.runtime.child import run_child
from sja_units.url import parse_address
from tests.unit.keepalive.harness import running_site
from tests.waiting import PATIENCE


def look(text: str, timeout: float = PATIENCE) -> str:
    """Return what one look says that the text of a [probe] asks for."""
    settings = parse("command", f'command = ["/x"]\n[probe]\n{text}\n', "x").settings
    assert isinstance(settings, CommandConfig)
    assert isinstance(settings.probe, Probe)
    probe = settings.probe._replace(timeout=timeout)
    ended = run_child(lambda fd: run_probe(probe, dict(os.environ), fd), timeout)
    return describe_end(probe, ended.output, ended.status, late=ended.late)


def test_a_port_that_is_open_is_well() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert look(f'tcp = "127.0.0.1:{port}"') == ""
    assert "refused" in look(f'tcp = "127.0.0.1:{port}"')


def test_a_page_that_answers_is_well() -> None:
    with running_site() as site:
        assert look(f'http = "http://127.0.0.1:{site.port}/login"') == ""
        assert look(f'http = "http://127.0.0.1:{site.port}/login?健康"') == ""
        said = look(f'http = "{site.url}"')
        assert "401" in said
    assert look(f'http = "{site.url}"')


def test_a_page_that_says_no_http_is_unwell() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        page = parse_address(f"http://127.0.0.1:{port}/")
        assert page is not None
        assert look(f'http = "{page.url}"', timeout=0.3)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ('["/bin/true"]', ""),
        ('["/bin/false"]', "status 1"),
        ('["/bin/sh", "-c", "echo 不行; echo why >&2; exit 4"]', "status 4: 不行 why"),
        ('["/bin/sh", "-c", "kill -9 $$"]', "signal 9"),
        ('["/nowhere"]', "No such file"),
    ],
)
def test_a_program_of_its_own_tells(argv: str, words: str) -> None:
    said = look(f"exec = {argv}")
    assert words in said
    assert bool(said) == bool(words)


def test_a_look_ends_in_time() -> None:
    assert "0.2 s" in look('exec = ["/bin/sleep", "600"]', timeout=0.2)


def test_a_file_that_changes_is_well(tmp_path: Path) -> None:
    path = tmp_path / "beat"
    assert "No such file" in look(f'file = "{path}"')
    path.touch()
    assert look(f'file = "{path}"') == ""
    then = time.time() - 100
    os.utime(path, (then, then))
    assert "100 s" in look(f'file = "{path}"')
    assert look(f'file = "{path}"\nmax_age = "5min"') == ""


def test_what_a_program_tells_is_read() -> None:
    notice = parse_notification("READY=1\nSTATUS=a=b\nX\nEXTEND_TIMEOUT_USEC=2500000\nMAINPID=1")
    assert (notice.ready, notice.status, notice.extend) == (True, "a=b", 2.5)
    assert parse_notification("EXTEND_TIMEOUT_USEC=²").extend == 0
    assert parse_notification("WATCHDOG=trigger") == (False, False, True, None, 0)
    assert parse_notification("WATCHDOG=1").ping
    assert parse_notification("STATUS=\x1b[31mred\0\n").status == "[31mred"
    assert len(parse_notification(f"STATUS={'汉' * 20_000}").status or "") < 1000


@pytest.mark.parametrize("digits", ["9" * 400, "-5", "1e9", "2.5", ""])
def test_what_is_no_number_asks_for_no_time(digits: str) -> None:
    said = parse_notification(f"EXTEND_TIMEOUT_USEC={digits}\nREADY=1")
    assert (said.extend, said.ready) == (0, True)


def test_a_file_with_a_time_to_come_is_not_well_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "beat"
    path.touch()
    then = time.time() + 3600
    os.utime(path, (then, then))
    assert "clock" in look(f'file = "{path}"')
    then = time.time() + 5  # as where a clock was set back by a little
    os.utime(path, (then, then))
    assert look(f'file = "{path}"') == ""
