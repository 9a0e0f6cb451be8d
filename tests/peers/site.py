"""A small web site with login sessions, as sites are: a counterpart for keep-alive jobs.

    python tests/peers/site.py --port 8000 --session-life 5

POST /login with user=…&password=… opens a session. GET /api/user/current shows whether it lives,
moves its cookie on at every request and forgets sessions that were idle for longer than their
life. GET /stats tells as JSON what happened. `--fault`, or ?fault= in the address, makes it ill:
500, 429, captcha, slow, endless, headers, bomb, cut, foreign-redirect, control-cookie.
"""

import argparse
import gzip
import json
import secrets
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

USER, PASSWORD = "alice", "a made-up password"
COOKIE = "session"


class Session:
    """One login: its token, the one before it, when that was replaced, and the last visit."""

    def __init__(self, user: str, token: str, before: str, moved: float, seen: float) -> None:
        self.user = user
        self.token = token
        self.before = before
        self.moved = moved
        self.seen = seen


class Site:
    """The sessions of a site and what it was asked, shared by its threads."""

    def __init__(self, session_life: float, dead: str = "401", store: Path | None = None) -> None:
        self.session_life = session_life
        self.grace = 30.0  # seconds in which a token replaced counts: its answer may be lost
        self.dead = dead  # how it shows that a session is gone: 401, 403, 302 or 200
        self.fault = ""  # what it has at the moment
        self.store = store
        self.refuse_next = False  # take the next visit for that of a stranger
        self.delay = 0.0  # seconds between a visit and its answer
        self.clock: Callable[[], float] = time.time
        self.lock = threading.Lock()
        self.sessions: list[Session] = []
        self.stats = {"logins": 0, "alive": 0, "refused": 0, "requests": 0}
        self.log: list[dict[str, Any]] = []
        if store and store.exists():
            for row in json.loads(store.read_text()):
                self.sessions.append(Session(**row))

    def log_in(self, user: str, password: str) -> str | None:
        """Return the token of a new session, None if the password is wrong."""
        with self.lock:
            if (user, password) != (USER, PASSWORD):
                return None
            self.stats["logins"] += 1
            now = self.clock()
            session = Session(user, secrets.token_urlsafe(24), "", now, now)
            self.sessions.append(session)
            self._save()
            return session.token

    def visit(self, token: str) -> Session | None:
        """Return the session of a token after moving its token on, None if none lives."""
        with self.lock:
            now = self.clock()
            self.sessions = [s for s in self.sessions if now - s.seen <= self.session_life]
            known = bool(token) and not self.refuse_next
            self.refuse_next = False
            for session in self.sessions:
                late = token == session.before and now - session.moved <= self.grace
                if known and (token == session.token or late):
                    session.seen = now
                    if not late:
                        session.before, session.moved = token, now
                        session.token = secrets.token_urlsafe(24)
                    self.stats["alive"] += 1
                    self._save()
                    return session
            self.stats["refused"] += 1
            self._save()
            return None

    def note(self, path: str, headers: dict[str, str]) -> None:
        with self.lock:
            self.stats["requests"] += 1
            self.log.append({"at": time.time(), "path": path, "headers": headers})
            del self.log[:-1000]

    def _save(self) -> None:
        if self.store:
            rows = [vars(session) for session in self.sessions]
            temporary = self.store.with_suffix(".new")
            temporary.write_text(json.dumps(rows))
            temporary.replace(self.store)


class Handler(BaseHTTPRequestHandler):
    """One connection with the site."""

    protocol_version = "HTTP/1.1"
    server: "SiteServer"

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the site keeps its own log."""

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length", "0"))
        form = parse_qs(self.rfile.read(min(size, 10_000)).decode())
        token = None
        if urlsplit(self.path).path == "/login":
            token = self.server.site.log_in(form["user"][0], form["password"][0])
        if token is None:
            self._send(403, {"error": "wrong user or password"})
        else:
            self._send(200, {"user": USER}, self._set_cookie(token))

    def do_GET(self) -> None:
        site = self.server.site
        address = urlsplit(self.path)
        if address.path == "/stats":
            self._send(200, site.stats | {"sessions": len(site.sessions)})
            return
        site.note(self.path, {name.lower(): value for name, value in self.headers.items()})
        fault = parse_qs(address.query).get("fault", [site.fault])[0]
        if fault:
            self._fail(fault)
        elif address.path == "/login":
            self._page("<form>请登录</form>")
        elif address.path == "/api/user/current":
            self._show_user()
        else:
            self._send(404, {"error": "no such page"})

    def _show_user(self) -> None:
        # http.cookies takes nothing of a header with a byte that is not ASCII.
        pairs = (pair.partition("=") for pair in self.headers.get("Cookie", "").split("; "))
        token = {name: value for name, _, value in pairs}.get(COOKIE, "")
        session = self.server.site.visit(token)
        time.sleep(self.server.site.delay)
        if session:
            moved = self._set_cookie(session.token)
            self._send(200, {"username": session.user, "data": {"id": 7}}, moved)
        elif self.server.site.dead == "302":
            self._send(302, {}, [("Location", "/login?next=/api/user/current&ticket=made-up")])
        elif self.server.site.dead == "200":
            self._page("<form>请登录</form>")
        else:
            self._send(int(self.server.site.dead), {"error": "not logged in"})

    def _set_cookie(self, token: str) -> list[tuple[str, str]]:
        return [("Set-Cookie", f"{COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax")]

    def _page(self, html: str, status: int = 200) -> None:
        self._raw(status, html.encode(), [("Content-Type", "text/html; charset=utf-8")])

    def _send(
        self, status: int, document: dict[str, Any], headers: list[tuple[str, str]] | None = None
    ) -> None:
        data = json.dumps(document).encode()
        self._raw(status, data, [("Content-Type", "application/json"), *(headers or [])])

    def _raw(self, status: int, data: bytes, headers: list[tuple[str, str]]) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _fail(self, fault: str) -> None:
        self.close_connection = True
        try:
            getattr(self, "_fault_" + fault.replace("-", "_"))()
        except (BrokenPipeError, ConnectionResetError):
            return  # the other side has had enough

    def _fault_500(self) -> None:
        self._send(500, {"error": "out of order"})

    def _fault_429(self) -> None:
        self._send(429, {"error": "slowly"}, [("Retry-After", "1000000000")])

    def _fault_captcha(self) -> None:
        self._page("<h1>Are you human?</h1><div class='captcha'></div>", 403)

    def _fault_slow(self) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000:
            self.wfile.write(bytes([byte]))
            time.sleep(0.2)

    def _fault_endless(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            self.wfile.write(b"x" * 65536)

    def _fault_headers(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            self.wfile.write(b"X-More: of the same\r\n" * 100)

    def _fault_bomb(self) -> None:
        data = gzip.compress(b'{"username": "' + b"x" * 200_000_000, 1)
        self._raw(200, data, [("Content-Encoding", "gzip")])

    def _fault_cut(self) -> None:
        self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"username": 1')

    def _fault_foreign_redirect(self) -> None:
        port = self.server.server_address[1]
        self._send(302, {}, [("Location", f"http://localhost:{port}/stolen")])

    def _fault_control_cookie(self) -> None:
        forged = "v\t.bank.example\tTRUE\t/\tFALSE\t0\tforged\t1"
        self._send(200, {"username": USER}, [("Set-Cookie", f"odd={forged}")])


class SiteServer(ThreadingHTTPServer):
    """The site on a port."""

    daemon_threads = True

    def __init__(self, site: Site, address: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__((address, port), Handler)
        self.site = site

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that goes away is none of a site's faults."""


def main() -> None:
    parser = argparse.ArgumentParser(description="A web site with login sessions.")
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--session-life", type=float, default=5.0, help="seconds of idling")
    parser.add_argument("--dead", choices=("401", "403", "302", "200"), default="401")
    parser.add_argument("--store", type=Path, help="file for sessions, to outlive a restart")
    parser.add_argument("--fault", default="")
    options = parser.parse_args()
    site = Site(options.session_life, options.dead, options.store)
    site.fault = options.fault
    with SiteServer(site, options.address, options.port) as server:
        print(f"http://{options.address}:{server.server_address[1]}/", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
