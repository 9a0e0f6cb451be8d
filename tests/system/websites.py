"""A web site with login sessions in a machine, and keep-alive jobs that hold on to one."""

import json
import time
from typing import Any

from tests.machines.machine import Machine
from tests.peers.site import COOKIE, PASSWORD, USER
from tests.system.counterparts import fetch, spawn_peer
from tests.system.jobs import view


class WebSite:
    """A site at a port; its sessions outlive it, as a real site's outlive its restarts."""

    def __init__(self, machine: Machine, port: int, *, life: float) -> None:
        """life: seconds for which a session may idle."""
        self.machine = machine
        self.life = life
        self.page = f"http://127.0.0.1:{port}/api/user/current"
        self._root = f"http://127.0.0.1:{port}"
        self._port = port
        self._unit = f"site-{port}"
        self._store = f"/root/{self._unit}.json"

    def start(self, *options: str) -> None:
        """Open the site; its figures begin anew, its sessions go on."""
        argv = ["/src/tests/peers/site.py", "--session-life", str(self.life)]
        spawn_peer(self.machine, self._unit, self._port, *argv, "--store", self._store, *options)

    def stop(self) -> None:
        self.machine.run("systemctl", "stop", self._unit)

    def forget_sessions(self) -> None:
        """Let the site lose all its sessions."""
        self.stop()
        self.machine.run("rm", self._store)
        self.start()

    def log_in(self) -> str:
        """Return the token of a new session, as a person has it after the login."""
        status, _ = fetch(self.machine, f"{self._root}/login", f"user={USER}&password={PASSWORD}")
        assert status == 200
        return str(self._sessions()[-1]["token"])

    def stats(self) -> dict[str, Any]:
        """Return what happened since the site was started."""
        answer = json.loads(fetch(self.machine, f"{self._root}/stats")[1])
        assert isinstance(answer, dict)
        return answer

    def wait_moves(self) -> None:
        """Return when the cookie has moved on so far that the one held before is worthless."""
        goal = self.stats()["alive"] + 3
        self.machine.wait_for(lambda: self.stats()["alive"] >= goal, what="three more visits")

    def tokens(self) -> set[str]:
        """Return the tokens that the site takes at the moment."""
        return {row[key] for row in self._sessions() for key in ("token", "before")} - {""}

    def has_idled(self) -> bool:
        """Return whether all sessions have idled for longer than they live."""
        return all(time.time() - row["seen"] > self.life for row in self._sessions())

    def _sessions(self) -> list[dict[str, Any]]:
        rows = json.loads(self.machine.read(self._store))
        assert isinstance(rows, list)
        return rows


def write_jar(machine: Machine, path: str, token: str, *more: str) -> str:
    """Write a jar as a Cookie: header, with more cookies NAME=VALUE; return its path."""
    machine.write(path, "; ".join([f"{COOKIE}={token}", *more]) + "\n", mode=0o600)
    return path


def create_keepalive(site: WebSite, name: str, jar: str, *, check: bool = True) -> str:
    """Create and start a job that looks every second and is soon hung; return the job."""
    words = ["--url", site.page, "--cookies", jar, "--interval", "1s", "--set", "timeout=1s"]
    words += ["--set", 'alive.body_contains="username"', "--set", "service.WatchdogSec=3s"]
    site.machine.run("sjactl", "create", "keepalive", name, *words, check=check)
    return f"keepalive/{name}"


def kill_worker(machine: Machine, job: str, signal: str = "KILL") -> None:
    """Send a signal to a job's worker, and return when systemd has restarted it for that."""
    before = view(machine, job)
    machine.run("kill", f"-{signal}", str(before["pid"]))

    def is_back() -> bool:
        now = view(machine, job)
        return bool(now["state"] == "running" and now["restarts"] > before["restarts"])

    machine.wait_for(is_back, what=f"{job} to be back after SIG{signal}")
