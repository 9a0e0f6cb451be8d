"""The door for applications in a machine: users, templates, grants, and requests as they come."""

import json
from typing import Any, NamedTuple

from tests.machines.machine import Machine
from tests.system.jobs import IDLE

SOCKET = "/run/sja-units/api.sock"
ALL = (
    *("see", "create", "change", "remove", "start", "stop", "restart"),
    *("cookies", "cookies-read", "log", "samples"),
)
# Sends what stands on stdin, and prints what comes back, to the end.
_ASK = """
import socket, sys
with socket.socket(socket.AF_UNIX) as door:
    door.settimeout(60)
    door.connect("/run/sja-units/api.sock")
    door.sendall(sys.stdin.buffer.read())
    while data := door.recv(65536):
        sys.stdout.buffer.write(data)
"""


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: str

    def json(self) -> Any:
        return json.loads(self.body)


def add_user(machine: Machine, name: str, *groups: str) -> None:
    machine.run("useradd", "--system", "--user-group", "--groups", ",".join(groups), name)


def write_template(machine: Machine, name: str, text: str) -> None:
    path = f"/etc/sja-units/templates/{name}.toml"
    machine.write(path, text, mode=0o640, group="sja")


def write_grant(machine: Machine, name: str, who: str, *verbs: str, **limits: int) -> None:
    """Let `who` ("group = ..." or "user = ...") do that with jobs of the template of that name."""
    lines = [who, f"templates = {json.dumps([name])}", f"verbs = {json.dumps(verbs or ALL)}"]
    lines += [f"{key} = {value}" for key, value in limits.items()]
    machine.write(f"/etc/sja-units/grants.d/{name}.toml", "\n".join(lines), mode=0o600)


def write_idle_template(machine: Machine, name: str, names: str = "*") -> None:
    """Write a template of jobs that need no counterpart."""
    head, _, tables = IDLE.format(title="", extra="").partition("[sink]")
    job = head.replace('title = ""\n', "") + "[job.sink]" + tables.replace("[[", "[[job.")
    opened = '[template.open]\ntitle = {}\n"device.0.host" = { pattern = "127.0.0.*" }\n'
    text = f'[template]\nkind = "acquisition"\nnames = "{names}"\n{opened}[job]\n{job}'
    write_template(machine, name, text)


def send(machine: Machine, user: str, data: str) -> str:
    """Send these bytes as that user; return all that comes back, "" where nobody answers."""
    done = machine.run("python3", "-Ic", _ASK, input=data, user=user, check=False)
    return done.stdout


def ask(
    machine: Machine, user: str, method: str, target: str, body: object = None, **headers: str
) -> Answer:
    """Send one request as that user. Names of headers are written with _ for -."""
    data = "" if body is None else body if isinstance(body, str) else json.dumps(body)
    lines = [f"{method} {target} HTTP/1.1", "Host: x", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(data.encode())}", "", data]
    return parse(send(machine, user, "\r\n".join(lines)))


def parse(text: str) -> Answer:
    """Return the first answer in a text."""
    head, _, body = text.replace("\r\n", "\n").partition("\n\n")
    first, *lines = head.split("\n")
    pairs = (line.partition(": ") for line in lines)
    return Answer(int(first.split()[1]), {k.lower(): v for k, _, v in pairs}, body)


def put(machine: Machine, user: str, job: str, template: str, **body: Any) -> Answer:
    return ask(machine, user, "PUT", f"/v1/jobs/{job}", {"template": template, **body})
