"""A receiver of webhooks that answers as its caller's path says: a counterpart for alerts.

    python tests/peers/webhook.py --port 9000 --log FILE

POST /204 (or another status) is answered so, with what the query has as `body`; 302 leads to /204.
/hang never answers, /drip answers without an end, /garbage not as HTTP. Each document goes into
FILE, a line each; a GET is answered alike.
"""

import argparse
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Hook(BaseHTTPRequestHandler):
    """One connection with the receiver."""

    server: "HookServer"

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the server keeps what it got."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.keep(self.path, self.headers["Content-Type"], body)
        word = self._first_word()
        if word == "hang":
            self.server.over.wait(600)
        elif word == "drip":
            while not self.server.over.wait(0.05):
                self.wfile.write(b"H")
        elif word == "garbage":
            self.wfile.write(b"220 smtp.example.org\r\n")
        else:
            self._answer(int(word))

    def do_GET(self) -> None:
        self.server.keep(self.path, "", b"")
        self._answer(int(self._first_word()))

    def _first_word(self) -> str:
        return urlsplit(self.path).path.split("/")[1]

    def _answer(self, status: int) -> None:
        body = parse_qs(urlsplit(self.path).query).get("body", [""])[0].encode()
        self.send_response(status)
        self.send_header("Location", "/204")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class HookServer(ThreadingHTTPServer):
    """The receiver on a port; `got` holds path, content type and body of each request."""

    daemon_threads = True

    def __init__(self, port: int = 0, log: Path | None = None) -> None:
        super().__init__(("127.0.0.1", port), Hook)
        self.got: list[tuple[str, str, bytes]] = []
        self.over = threading.Event()  # ends what hangs
        self._log = log

    def keep(self, path: str, kind: str, body: bytes) -> None:
        self.got.append((path, kind, body))
        if self._log:
            with self._log.open("ab") as file:
                file.write(body + b"\n")

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client may be killed at any moment."""


def main() -> None:
    parser = argparse.ArgumentParser(description="A receiver of webhooks.")
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--log", type=Path, required=True)
    options = parser.parse_args()
    with HookServer(options.port, options.log) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
