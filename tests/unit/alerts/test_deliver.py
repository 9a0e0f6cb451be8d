"""Alerts on their way: real programs, and real servers that do as servers do."""

import json
import os
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from sja_units.alerts import deliver as delivering
from sja_units.alerts.deliver import AT_A_TIME, Notification, ask, deliver
from sja_units.alerts.program import run_program
from sja_units.config.host import FORMATS, Alert, Format
from sja_units.job import Job
from sja_units.url import parse_address
from tests.peers.webhook import HookServer
from tests.unit.acquisition.harness import TOP
from tests.unit.keepalive.test_tls_and_proxy import certificate

pytestmark = pytest.mark.slow


__all__ = ["certificate"]

VIEW = {"job": "acquisition/line1", "title": "1号线", "state": "failed"}


@pytest.fixture
def hook() -> Iterator[HookServer]:
    with HookServer() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def package(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program that posts finds the package of this checkout, which is not installed."""
    code = f"import sys; sys.path.insert(0, {str(TOP)!r})\n"
    code += "from sja_units.alerts.post import main; sys.exit(main())"
    monkeypatch.setattr(delivering, "POST", (sys.executable, "-Ic", code))


def post(url: str, form: Format = "json") -> str:
    """Deliver one alert to a webhook; return what went wrong."""
    alert = Alert((), parse_address(url), 3, 86400.0, form)
    notification = Notification(Job("acquisition", "line1"), "webhook", "failed", VIEW)
    ((_, fault),) = deliver([notification], alert)
    return fault


def url_of(server: HookServer, path: str) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}{path}"


def script(tmp_path: Path, text: str) -> tuple[str, ...]:
    path = tmp_path / "tell"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return (str(path), "first")


def tell(command: tuple[str, ...], count: int = 1) -> list[str]:
    """Deliver alerts to a command; return what went wrong with each."""
    alert = Alert(command, None, 3, 86400.0)
    jobs = [Job("acquisition", f"line{n}") for n in range(1, count + 1)]
    notifications = [Notification(job, "command", "failed", VIEW) for job in jobs]
    return [fault for _, fault in deliver(notifications, alert)]


def test_a_webhook_gets_the_event_and_the_view(hook: HookServer) -> None:
    assert post(url_of(hook, "/204?topic=a%20b")) == ""
    ((path, kind, body),) = hook.got
    assert (path, kind) == ("/204?topic=a%20b", "application/json")
    assert json.loads(body) == {"event": "failed", "host": socket.gethostname(), **VIEW}


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_a_refusal_is_told(hook: HookServer, status: int) -> None:
    assert f"HTTP {status}" in post(url_of(hook, f"/{status}?token=s3cret"))


@pytest.mark.parametrize(
    ("form", "body", "is_taken"),
    [
        ("json", "", True),
        ("json", "anything", True),
        ("json", '{"errcode": 310000, "errmsg": "no"}', False),
        ("json", '{"ok": false, "error": "no"}', False),
        ("slack", "ok", True),
        ("ntfy", '{"id": "x", "event": "message"}', True),
        ("discord", "", True),
        ("dingtalk", '{"errcode": 0, "errmsg": "ok"}', True),
        ("dingtalk", '{"errcode": 310000, "errmsg": "keywords not in content"}', False),
        ("wecom", '{"errcode": 0, "errmsg": "ok"}', True),
        ("wecom", '{"errcode": 93000, "errmsg": "invalid webhook url"}', False),
        ("wecom", "<html>log in to the network</html>", False),
        ("feishu", '{"code": 0, "data": {}, "msg": "success"}', True),
        ("feishu", '{"StatusCode": 0, "StatusMessage": "success"}', True),
        ("feishu", '{"code": 19021, "msg": "sign match fail"}', False),
        ("feishu", "[]", False),
    ],
)
def test_an_answer_that_refuses_in_its_body_is_no_delivery(
    hook: HookServer, form: Format, body: str, is_taken: bool
) -> None:
    fault = post(url_of(hook, f"/200/t?body={quote(body)}"), form)
    assert (fault == "") is is_taken, fault
    assert len(hook.got) == 1


@pytest.mark.parametrize("form", FORMATS)
def test_every_service_gets_words_for_people(hook: HookServer, form: Format) -> None:
    body = quote('{"errcode": 0, "code": 0}')
    assert post(url_of(hook, f"/200/topic?body={body}"), form) == ""
    ((_, kind, sent),) = hook.got
    assert kind == "application/json"
    said = json.loads(sent)
    assert "acquisition/line1" in json.dumps(said)
    assert "1号线" in sent.decode()


def test_a_heartbeat_asks_for_its_page(hook: HookServer) -> None:
    address = parse_address(url_of(hook, "/200"))
    assert address
    assert ask(address, None, Alert((), None, 3, 86400.0)) == ""
    assert hook.got == [("/200", "", b"")]
    away = parse_address(url_of(hook, "/503"))
    assert away
    assert "503" in ask(away, None, Alert((), None, 3, 86400.0))


def test_a_redirect_is_not_followed(hook: HookServer) -> None:
    assert "302" in post(url_of(hook, "/302"))
    assert [path for path, _, _ in hook.got] == ["/302"]


@pytest.mark.parametrize("way", ["hang", "drip"])
def test_a_server_cannot_hold_us_up(
    hook: HookServer, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "SECONDS", 2.0)
    assert "2 s" in post(url_of(hook, f"/{way}"))
    assert hook.got


def test_what_is_no_web_server_is_told(hook: HookServer) -> None:
    fault = post(url_of(hook, "/garbage?s3cret"))
    assert "HTTP" in fault
    assert "s3cret" not in fault


def test_nobody_there() -> None:
    assert "refused" in post("http://127.0.0.1:1/s3cret")


def test_a_certificate_that_nobody_vouches_for_is_refused(
    hook: HookServer, certificate: Path
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    hook.socket = context.wrap_socket(hook.socket, server_side=True)
    assert "certificate" in post(f"https://localhost:{hook.server_address[1]}/204")
    assert not hook.got


def test_a_command_gets_event_job_and_view(tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = script(tmp_path, f'{{ echo "$@"; env; pwd; cat; }} >{out}')
    assert tell(command) == [""]
    first, *environment, folder, view = out.read_text().splitlines()
    assert first == "first failed acquisition/line1"
    assert {line.split("=")[0] for line in environment} <= {"PATH", "HOME", "LANG", "PWD", "SHLVL"}
    assert folder == "/"
    assert json.loads(view) == VIEW


def test_a_command_that_reads_nothing_is_no_fault(tmp_path: Path) -> None:
    assert run_program(script(tmp_path, "exit 0"), b"x" * 1_000_000, 30).fault == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("echo no mail server; echo here >&2; exit 3", ["status 3", "no mail server here"]),
        ("kill -TERM $$", ["SIGTERM"]),
        ("yes | head -c 10000000; echo the end; exit 1", ["status 1", "the end"]),
    ],
)
def test_a_command_that_fails_is_told_with_its_words(
    tmp_path: Path, text: str, words: list[str]
) -> None:
    (fault,) = tell(script(tmp_path, text))
    assert all(word in fault for word in words)
    assert len(fault) < 3000


def test_a_command_that_is_not_there_is_told() -> None:
    (fault,) = tell(("/nowhere/tell",))
    assert "/nowhere/tell" in fault


def is_gone(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_a_command_that_hangs_is_killed_with_all_it_started(tmp_path: Path) -> None:
    text = f"trap '' TERM; sleep 1000 & echo $! >{tmp_path}/pid; echo waiting; sleep 1000"
    began = time.monotonic()
    run = run_program(script(tmp_path, text), b"", 1)
    assert "1 s" in run.fault
    assert run.said == "waiting"
    assert time.monotonic() - began < 500
    child = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 30
    while not is_gone(child):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_a_command_leaves_running_does_not_hold_us_up(tmp_path: Path) -> None:
    # It has left the group, and holds the output open.
    text = f"setsid sleep 1000 & echo $! >{tmp_path}/pid"
    try:
        assert run_program(script(tmp_path, text), b"", 100).fault == ""
    finally:
        os.kill(int((tmp_path / "pid").read_text()), 9)


def test_several_at_a_time_and_never_more(tmp_path: Path) -> None:
    # Each notes how many others are under way.
    run = tmp_path / "run"
    run.mkdir()
    text = f"cd {run}; : >$$; ls | wc -l >>{tmp_path}/counts; sleep 0.3; rm $$"
    assert tell(script(tmp_path, text), 12) == [""] * 12
    counts = [int(line) for line in (tmp_path / "counts").read_text().split()]
    assert len(counts) == 12
    assert 1 < max(counts) <= AT_A_TIME


def test_a_channel_that_fails_is_soon_left_alone(tmp_path: Path) -> None:
    text = f"echo x >>{tmp_path}/runs; exit 1"
    faults = tell(script(tmp_path, text), 40)
    assert len(faults) == 40
    assert all(faults)
    assert len((tmp_path / "runs").read_text().split()) < 40 / 2


def test_one_channel_does_not_wait_for_the_other(tmp_path: Path, hook: HookServer) -> None:
    over = tmp_path / "over"
    command = script(tmp_path, f"until [ -e {over} ]; do sleep 0.05; done")
    alert = Alert(command, parse_address(url_of(hook, "/204")), 3, 86400.0)
    jobs = [Job("acquisition", f"line{n}") for n in range(9)]
    notifications = [
        Notification(job, channel, "failed", VIEW)
        for channel in ("command", "webhook")
        for job in jobs
    ]
    channels = []
    for notification, fault in deliver(notifications, alert):
        assert fault == ""
        channels.append(notification.channel)
        if channels.count("webhook") == len(jobs):
            over.touch()
    assert channels[: len(jobs)] == ["webhook"] * len(jobs)
