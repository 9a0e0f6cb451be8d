"""docs/examples as people install them: hardened services of their own, which own no job."""

import json
from typing import Any

import pytest

from tests.machines.machine import Machine
from tests.system.counterparts import ModbusDevice, wait_listening
from tests.system.jobs import view, wait_state
from tests.system.websites import WebSite, kill_worker

_SITE_PACKAGES = "/opt/sja-units/lib/python3.11/site-packages"
# What an application's own virtual environment would hold.
_DROP_IN = """[Service]
Environment=PYTHONPATH=/peers:{packages} PYTHONDONTWRITEBYTECODE=1 {more}
ExecStart=
ExecStart=/usr/bin/python3 {words}
"""
_CALL = """
import json, sys, urllib.error, urllib.request
method, url, body = sys.argv[1:4]
data = body.encode() if body else None
head = {"Content-Type": "application/json"}
request = urllib.request.Request(url, data, head, method=method)
try:
    answer = urllib.request.urlopen(request, timeout=60)
except urllib.error.HTTPError as error:
    answer = error
print(answer.status, answer.read().decode(), sep="\\n")
"""


class Application:
    """One of docs/examples, installed and running."""

    def __init__(self, machine: Machine, example: str, name: str, port: int, file: str) -> None:
        self.machine, self.name, self.port = machine, name, port
        self._example, self._file = f"/src/docs/examples/{example}", file

    def install(self, words: str, more: str = "", **replaced: str) -> None:
        """Install it as its README says. replaced: words of the template that differ here."""
        machine, name = self.machine, self.name
        machine.run("useradd", "--system", "--user-group", "--no-create-home", name)
        template = machine.read(f"{self._example}/template.toml")
        for old, new in replaced.items():
            template = template.replace(old, new)
        path = f"/etc/sja-units/templates/{name}.toml"
        machine.write(path, template, mode=0o640, group="sja")
        grant = machine.read(f"{self._example}/grant.toml")
        machine.write(f"/etc/sja-units/grants.d/{name}.toml", grant, mode=0o600)
        app = machine.read(f"{self._example}/{self._file}")
        machine.write(f"/opt/{name}/{self._file}", app)
        unit = machine.read(f"{self._example}/{name}.service")
        machine.write(f"/etc/systemd/system/{name}.service", unit)
        drop_in = _DROP_IN.format(packages=_SITE_PACKAGES, more=more, words=words)
        machine.write(f"/etc/systemd/system/{name}.service.d/test.conf", drop_in)
        machine.run("systemctl", "daemon-reload")
        machine.run("systemctl", "start", name)
        wait_listening(machine, self.port)

    def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Return status and JSON of an answer."""
        text = "" if body is None else json.dumps(body)
        url = f"http://127.0.0.1:{self.port}{path}"
        done = self.machine.run("python3", "-Ic", _CALL, method, url, text)
        status, _, said = done.stdout.partition("\n")
        try:
            return int(status), json.loads(said)
        except ValueError:
            return int(status), said

    def kill(self) -> None:
        """Kill it, and wait until it is back."""
        self.machine.run("systemctl", "kill", "--signal=KILL", self.name)
        self.machine.wait_for(self._is_new, what=f"{self.name} to be back")

    def _is_new(self) -> bool:
        status = self.machine.show(f"{self.name}.service", "ActiveState", "NRestarts")
        return status["ActiveState"] == "active" and int(status["NRestarts"]) > 0


@pytest.fixture(scope="module")
def booking(shared_machine: Machine) -> tuple[Application, WebSite]:
    site = WebSite(shared_machine, 8000, life=600)
    site.start()
    application = Application(shared_machine, "fastapi", "booking", 8101, "app.py")
    application.install(
        "-m uvicorn app:app --host 127.0.0.1 --port 8101",
        more="SITE=http://127.0.0.1:8000",
        **{"https://sports.example.edu": "http://127.0.0.1:8000"},
    )
    return application, site


def test_a_booking_service_keeps_the_sessions_of_its_users(
    booking: tuple[Application, WebSite],
) -> None:
    application, site = booking
    machine = application.machine
    job = "keepalive/booking-alice"
    cookies = f"session={site.log_in()}"
    added = {"title": "张三", "cookies": cookies, "interval": "1s"}
    status, said = application.call("POST", "/accounts/alice", added)
    assert (status, said["title"]) == (201, "张三")
    wait_state(machine, job, "running")
    machine.wait_for(
        lambda: application.call("GET", "/accounts/alice")[1]["session"] == "alive",
        what="the session to be alive",
    )
    status, said = application.call("GET", "/accounts/alice/site")
    assert (status, said["username"]) == (200, "alice")
    # The application dies; the job does not notice.
    pid = view(machine, job)["pid"]
    application.kill()
    wait_listening(machine, application.port)
    assert view(machine, job)["pid"] == pid
    # The session ends at the site; the user gives a new one.
    site.forget_sessions()
    wait_state(machine, job, "failed")
    status, said = application.call("GET", "/accounts/alice")
    assert said["state"] == "failed"
    status, said = application.call("PUT", "/accounts/alice/cookies", f"session={site.log_in()}")
    assert status == 200
    wait_state(machine, job, "running")
    assert application.call("GET", "/accounts/alice/site")[0] == 200
    assert application.call("POST", "/accounts/alice/stop")[1]["state"] == "stopped"
    assert application.call("DELETE", "/accounts/alice")[0] == 204
    assert application.call("GET", "/accounts") == (200, [])


def test_a_booking_service_tells_what_is_wrong(booking: tuple[Application, WebSite]) -> None:
    application, _ = booking
    bad = {"title": "x", "cookies": "<html>", "interval": "2h"}
    status, said = application.call("POST", "/accounts/bob", bad)
    assert status == 422
    assert set(said["faults"]) == {"interval", "cookies"}
    assert application.call("GET", "/accounts/bob")[0] == 404


def test_events_outlive_the_door(booking: tuple[Application, WebSite]) -> None:
    application, site = booking
    machine = application.machine
    follow = "import urllib.request as r; s = r.urlopen('http://127.0.0.1:8101/events')\n"
    follow += "while line := s.readline(): print(line.decode(), end='', flush=True)"
    machine.spawn("follower", "sh", "-c", 'python3 -Ic "$0" >/root/events', follow)

    def heard() -> list[Any]:
        lines = machine.run("cat", "/root/events", check=False).stdout.splitlines()
        return [json.loads(line[6:]) for line in lines if line.startswith("data: ")]

    machine.wait_for(lambda: [e for e in heard() if e["event"] == "ready"], what="ready")
    machine.run("systemctl", "kill", "--signal=KILL", "sja-api.service")
    added = {"title": "x", "cookies": f"session={site.log_in()}", "interval": "1s"}
    machine.wait_for(
        lambda: application.call("POST", "/accounts/eve", added)[0] in (201, 412), what="a job"
    )
    machine.wait_for(
        lambda: any(e["event"] == "job" and e["account"]["state"] == "running" for e in heard()),
        what="news of the job",
    )
    kill_worker(machine, "keepalive/booking-eve")
    application.call("DELETE", "/accounts/eve")
    machine.wait_for(
        lambda: {"event": "removed", "account": "keepalive/booking-eve"} in heard(),
        what="news of its end",
    )
    machine.run("systemctl", "stop", "follower")


def test_a_console_shows_and_orders_lines(shared_machine: Machine) -> None:
    machine = shared_machine
    device = ModbusDevice(machine, 5020)
    device.start()
    console = Application(machine, "django", "console", 8102, "console.py")
    console.install("-m gunicorn console:application --bind 127.0.0.1:8102 --workers 2")
    job = "acquisition/line-1"
    added = {"title": "海天注塑机", "device.0.port": 5020}
    status, said = console.call("PUT", "/api/lines/1", added)
    assert (status, said["title"]) == (200, added["title"])
    wait_state(machine, job, "running")
    machine.wait_for(
        lambda: console.call("GET", "/api/lines/1/values")[1]["samples"], what="values"
    )
    assert console.call("GET", "/api/lines/1")[1]["devices"]["press"]["state"] == "healthy"
    assert added["title"] in console.call("GET", "/")[1]
    pid = view(machine, job)["pid"]
    console.kill()
    wait_listening(machine, console.port)
    assert view(machine, job)["pid"] == pid
    assert console.call("POST", "/api/lines/1/stop")[1]["state"] == "stopped"
    assert console.call("POST", "/api/lines/1/start")[0] == 200
    elsewhere = {"device.0.host": "192.0.2.1"}
    status, said = console.call("PUT", "/api/lines/2", elsewhere)
    assert (status, set(said["faults"])) == (422, set(elsewhere))
    assert console.call("DELETE", "/api/lines/1")[0] == 204
    assert console.call("GET", "/api/lines")[1] == {"lines": []}


@pytest.mark.parametrize("name", ["booking", "console"])
def test_an_application_has_no_other_right(shared_machine: Machine, name: str) -> None:
    machine = shared_machine
    machine.run("systemd-analyze", "verify", f"/etc/systemd/system/{name}.service")
    done = machine.run("sjactl", "list", user=name, check=False)
    assert done.returncode == 5
    for path in ("/etc/sja-units/templates", "/etc/sja-units/grants.d"):
        assert machine.run("ls", path, user=name, check=False).returncode != 0
