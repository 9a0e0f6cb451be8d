"""What the demo does, step by step, and what each step has to show."""

import json
import shlex
import time
from collections.abc import Mapping, Sequence
from typing import Any

from docs.demo.ledger import Comparison, compare, last_answer
from docs.demo.screen import COLUMNS, Screen
from docs.demo.surroundings import (
    DEVICE_LOG,
    LINE1,
    SESSION_LIFE,
    run_client,
    start_surroundings,
)
from tests.machines.machine import Machine

KEPT, FORGOTTEN = "/root/alice.txt", "/root/forgotten.txt"
PUBLISHED = "/run/sja-units/cookies/alice/cookies.txt"
_SECONDS_TO_COME_BACK = 60.0
_SECONDS_DOWN = 10.0  # nobody starts any more what has been down for that long
_QUESTION = "SELECT answers FROM press1"
_UNITS = {
    "acquisition/line1": "sja-acquisition@line1.service",
    "command/page": "sja-command@page.service",
    "keepalive/alice": "sja-keepalive@alice.service",
}
_PAGE = ("python3", "-m", "http.server", "--bind", "127.0.0.1", "8080")


class NotBack(Exception):
    """Something did not come back, or was lost; the message says what."""


class Story:
    """The demo on one machine. Each method is a step; NotBack or LabError tells that it failed."""

    def __init__(self, machine: Machine, screen: Screen) -> None:
        self._machine = machine
        self._screen = screen
        self._forgotten_at = 0.0

    def tell(self) -> None:
        """Go through all steps."""
        self.boot()
        self.surround()
        self.install()
        self.create()
        self.kill()
        self.hang()
        self.cut_power()
        self.count_samples()
        self.open_page()

    def boot(self) -> None:
        self._screen.step("A machine boots")
        began = time.monotonic()
        self._machine.boot()
        seconds = time.monotonic() - began
        name = self._machine.sh(". /etc/os-release; echo $PRETTY_NAME").stdout.strip()
        systemd = self._machine.run("systemctl", "--version").stdout.split()[1]
        self._screen.found(
            f"{name}, systemd {systemd} as its PID 1, no network, up after {seconds:.1f} s"
        )

    def surround(self) -> None:
        self._screen.step("Something to work with")
        start_surroundings(self._machine)
        self._screen.say(
            f"A web site that forgets a session after {SESSION_LIFE} idle seconds and moves its "
            "cookie on at every visit; a Modbus device that counts and logs its own answers; "
            "Debian's InfluxDB. Somebody logs in at the site and leaves it at that:"
        )
        self._client("login", FORGOTTEN)
        self._forgotten_at = time.monotonic() + SESSION_LIFE + 1

    def install(self) -> None:
        self._screen.step("sja-units is installed in it")
        self._show("/src/install.sh", "--wheels", "/wheels", timeout=600)

    def create(self) -> None:
        self._screen.step("One job of each kind")
        self._screen.say("Somebody else logs in, and gives the cookies to a keep-alive job:")
        self._client("login", KEPT)
        self._show(
            *("sjactl", "create", "keepalive", "alice", "--title", "体育馆预约"),
            *("--url", "http://127.0.0.1:8000/api/user/current"),
            *("--cookies", KEPT, "--interval", "2s"),
        )
        self._screen.command("cat", "/root/line1.toml")
        self._screen.output(LINE1)
        self._machine.write("/root/line1.toml", LINE1)
        self._show("sjactl", "create", "acquisition", "line1", "--from", "/root/line1.toml")
        self._screen.say("Any program is a job, too; a probe tells whether it is well:")
        probe = ("--set", "probe.tcp=127.0.0.1:8080")
        self._show("sjactl", "create", "command", "page", *probe, "--", *_PAGE)
        self._wait_until_all_run({})
        self._list()
        self._screen.found("all are at work")

    def kill(self) -> None:
        self._screen.step("Workers are killed")
        before = self._pids()
        began = time.monotonic()
        self._show("kill", "-9", *map(str, before.values()))
        self._wait_until_all_run(before)
        self._list()
        self._screen.found(f"all are new processes, at work {_since(began)} after the kill")

    def hang(self) -> None:
        self._screen.step("A worker hangs")
        job = "acquisition/line1"
        before = {job: self._pids()[job]}
        began = time.monotonic()
        # The device's log learns of it: what was asked for right now, nobody will read.
        self._machine.sh(f"kill -STOP {before[job]}; echo stopped >>{DEVICE_LOG}")
        self._screen.command("kill", "-STOP", str(before[job]))
        self._screen.say("The process is there, but does nothing any more. systemd notices:")
        self._wait_until_all_run(before)
        seconds = _since(began)
        words = ("journalctl", "-b", "-o", "cat", "-g", "Watchdog timeout", "-u", _UNITS[job])
        self._show(*words)
        self._list()
        self._screen.found(f"a new process works in its place, {seconds} after the hang")

    def cut_power(self) -> None:
        self._screen.step("The power is cut")
        self._screen.say(
            f"SIGKILL to the machine's PID 1 (here {self._machine.pid}): jobs, site, device and "
            "database die at once, and nobody can tidy up. Then it boots again:"
        )
        self._machine.cut()
        began = time.monotonic()
        self._machine.boot()
        self._show("journalctl", "-b", "-o", "cat", "-t", "sja-relaunch")
        self._wait_until_all_run({})  # process numbers begin anew
        seconds = _since(began)
        self._list()
        self._screen.found(f"all are at work again, {seconds} after the power came back")

    def count_samples(self) -> None:
        self._screen.step("Are all samples there, and once?")
        newest = last_answer(self._machine.read(DEVICE_LOG))

        def ask() -> list[int]:
            rows = run_client(self._machine, "query", _QUESTION).splitlines()
            numbers = [int(row.split()[1]) for row in rows]
            return numbers if max(numbers, default=0) >= newest else []

        stored = self._machine.wait_for(ask, what=f"answer {newest} in the database")
        found = compare(self._machine.read(DEVICE_LOG), stored, newest)
        self._screen.say(
            f"The device has logged {found.answered} answers, each with a number of its own. "
            f"The database holds {found.stored} rows ({_QUESTION}):"
        )
        self._judge(found)

    def _judge(self, found: Comparison) -> None:
        faults = {
            "lost": found.lost,
            "stored more than once": found.doubled,
            "stored, but never answered": found.unknown,
        }
        told = [f"{what}: {_join(numbers)}" for what, numbers in faults.items() if numbers]
        if told:
            raise NotBack(f"samples are not whole; {'; '.join(told)}")
        if found.on_the_wire:
            self._screen.say(
                f"{_join(found.on_the_wire)} went out at the very moment at which the worker "
                "died: on the wire then, read by nobody, so no sample."
            )
        self._screen.found("no sample that was read is missing, and none is doubled")

    def open_page(self) -> None:
        self._screen.step("Does the session live?")
        visits = {
            PUBLISHED: "With the cookies of the job, from where applications read them",
            FORGOTTEN: "With those of the login that was left at that",
        }
        time.sleep(max(0.0, self._forgotten_at - time.monotonic()))
        answers = {}
        for path, what in visits.items():
            self._screen.say(f"{what}:")
            answers[path] = self._client("visit", path)
        if not answers[PUBLISHED].startswith("200 "):
            raise NotBack(f"the session is gone: the site said {answers[PUBLISHED]}")
        if not answers[FORGOTTEN].startswith("401 "):
            raise NotBack("the site keeps sessions that nobody keeps alive: nothing is proven")
        self._screen.found("the session lives, and it does because the job kept it alive")

    def _show(self, *words: str, timeout: float = 120) -> None:
        """Run a command inside as on a terminal, and print both it and what it says."""
        self._screen.command(*words)
        as_typed = ["script", "--quiet", "--return", "--command", shlex.join(words), "/dev/null"]
        colour = {} if self._screen.in_colour else {"NO_COLOR": "1", "SYSTEMD_COLORS": "0"}
        environment = {"COLUMNS": str(COLUMNS), "TERM": "xterm", "SYSTEMD_PAGER": ""}
        done = self._machine.run(
            *as_typed, env={**environment, **colour}, timeout=timeout, check=False
        )
        self._screen.output(done.stdout)
        if done.returncode != 0:
            raise NotBack(f"{shlex.join(words[:3])} ended with {done.returncode}")

    def _client(self, *words: str) -> str:
        """Run the demo's own client, print what it says and return that."""
        self._screen.command("demo", *words)
        said = run_client(self._machine, *words)
        self._screen.output(said)
        return said

    def _list(self) -> None:
        self._show("sjactl", "list")

    def _look(self) -> dict[str, dict[str, Any]]:
        listed = json.loads(self._machine.run("sjactl", "list", "--json").stdout)
        return {entry["job"]: entry for entry in listed}

    def _pids(self) -> dict[str, int]:
        return {job: entry["pid"] for job, entry in self._look().items()}

    def _wait_until_all_run(self, before: Mapping[str, int]) -> None:
        """Wait until each job runs well, and as another process than `before`."""
        began = changed = time.monotonic()
        while True:
            views = self._look()
            missing = [job for job in _UNITS if not _runs(views.get(job), before.get(job))]
            if not missing:
                return
            now = time.monotonic()
            if not all(_is_down(views.get(job)) for job in missing):
                changed = now
            if now > min(began + _SECONDS_TO_COME_BACK, changed + _SECONDS_DOWN):
                told = "; ".join(_describe(job, views.get(job)) for job in missing)
                raise NotBack(f"after {now - began:.0f} s {told}")
            time.sleep(0.05)


def _runs(view: Mapping[str, Any] | None, pid_before: int | None) -> bool:
    return bool(view and view["state"] == "running" and view["pid"] not in (None, pid_before))


def _is_down(view: Mapping[str, Any] | None) -> bool:
    """Whether nothing is under way that could change a job's state."""
    return view is None or view["state"] in ("down", "failed", "stopped", "unconfigured")


def _describe(job: str, view: Mapping[str, Any] | None) -> str:
    if view is None:
        return f"{job} is gone"
    reason = view["error"]["message"] if view["error"] else view["status"]
    return f"{job} is {view['state']}" + (f" ({reason})" if reason else "")


def _since(began: float) -> str:
    return f"{time.monotonic() - began:.1f} s"


def _join(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:10]))
    return f"{shown} and {len(numbers) - 10} more" if len(numbers) > 10 else shown
