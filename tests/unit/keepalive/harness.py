"""A site and a worker of its own for a test."""

import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.peers.site import PASSWORD, USER, Site, SiteServer
from tests.waiting import PATIENCE, wait_for

PAGE = "/api/user/current"
_TOP = Path(__file__).parents[3]


class Clock:
    """A site's clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class RunningSite:
    """A site with its server. Its sessions live 100 s of a clock that stands still."""

    def __init__(self, site: Site, port: int, tls: ssl.SSLContext | None) -> None:
        self.site = site
        self.clock = Clock()
        site.clock = self.clock
        self.server = SiteServer(site, port=port)
        if tls:
            self.server.socket = tls.wrap_socket(
                self.server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}{PAGE}"
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()

    def log_in(self) -> str:
        """Return a new session as "NAME=TOKEN"."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request("POST", "/login", urlencode({"user": USER, "password": PASSWORD}))
        header = connection.getresponse().headers["Set-Cookie"]
        connection.close()
        return str(header).partition(";")[0]

    def wait_for_visits(self, kind: str, more: int = 1) -> None:
        self.wait_for_count(kind, self.site.stats[kind] + more)

    def wait_for_count(self, kind: str, goal: int) -> None:
        wait_for(lambda: self.site.stats[kind] >= goal, f"{goal} of {kind}")


@contextmanager
def running_site(port: int = 0, tls: ssl.SSLContext | None = None) -> Iterator[RunningSite]:
    running = RunningSite(Site(session_life=100), port, tls)
    try:
        yield running
    finally:
        running.close()


@contextmanager
def answering(answer: Callable[[str], tuple[int, str, str]]) -> Iterator[str]:
    """Serve a page: `answer` makes status, body and Set-Cookie ("": none) of a Cookie header."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body, cookie = answer(self.headers.get("Cookie", ""))
            self.send_response(status)
            if cookie:
                self.send_header("Set-Cookie", cookie)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}{PAGE}"
        server.shutdown()
        thread.join()


class Worker:
    """One job's folders, and its worker as systemd would run it."""

    def __init__(self, folder: Path, config: str, kind: str = "keepalive") -> None:
        self.kind = kind
        self.state = folder / "state"
        self.run_dir = folder / "run" / kind / "x"
        self.published = folder / "run" / "cookies" / "x"
        credentials = folder / "credentials"
        for path in (self.state, self.run_dir, self.published, credentials):
            path.mkdir(parents=True)
        (self.run_dir / "config").write_text(config)
        self.notes: list[str] = []
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(str(folder / "notify"))
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()
        self.journal = folder / "journal"
        self.environment = os.environ | {
            "STATE_DIRECTORY": str(self.state),
            "RUNTIME_DIRECTORY": str(self.run_dir),
            "CREDENTIALS_DIRECTORY": str(credentials),
            "NOTIFY_SOCKET": str(folder / "notify"),
        }
        self.process: subprocess.Popen[bytes] | None = None

    def give(self, jar: str) -> None:
        """Put a jar there, whole at once as sjactl does."""
        (self.state / "incoming.txt.new").write_text(jar)
        (self.state / "incoming.txt.new").rename(self.state / "incoming.txt")

    def start(self, module: str = "tests.unit.keepalive.fast_worker") -> None:
        self.notes.clear()
        command = [sys.executable, "-m", module, self.kind, "x"]
        with self.journal.open("ab") as journal:
            self.process = subprocess.Popen(command, env=self.environment, cwd=_TOP, stderr=journal)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.wait_for_end()

    def wait_for_end(self) -> int:
        assert self.process is not None
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)  # it prints where it stands
            self.process.wait()
            raise AssertionError(f"it did not end:\n{self.journal.read_text()}") from None

    def _listen(self) -> None:
        while note := self._notify.recv(65536).decode():
            self.notes += note.split("\n")

    def heard(self, note: str) -> bool:
        """Return whether the worker has told systemd that since it was started."""
        return any(line.startswith(note) for line in self.notes)

    def wait_until_ready(self) -> None:
        wait_for(lambda: self.heard("READY=1"), "READY=1")

    def health(self) -> dict[str, Any]:
        try:
            return dict(json.loads((self.run_dir / "health.json").read_text()))
        except FileNotFoundError:
            return {}

    def wait_for_session(self, session: str) -> None:
        wait_for(lambda: self.health().get("session") == session, f"session {session}")

    def wait_for_status(self, status: int) -> None:
        wait_for(lambda: self.health().get("http_status") == status, f"status {status}")

    def close(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(b"", self.environment["NOTIFY_SOCKET"])
        self._listener.join()
        self._notify.close()

    def said(self) -> str:
        """Return all that others can see of the job."""
        return "\n".join([self.journal.read_text(), *self.notes, json.dumps(self.health())])

    def saved(self) -> list[str]:
        """Return the values of the saved jar."""
        document = json.loads((self.state / "jar.json").read_text())
        return [row["value"] for row in document["cookies"]]
