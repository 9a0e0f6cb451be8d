"""Stands before a database and spoils what goes through it, as the file --mode says from now on.

ok           passes everything on
400, 503 ... answers that itself, and passes nothing on
late-503 ... passes the request on, and then answers that all the same
cut          passes the request on, and closes the connection in the middle of the answer
closing      passes the request on, and closes the connection after each answer
denied       answers 200 as some gateways do that let nobody in, and passes nothing on
no-gzip      answers 400 to what is packed, and passes on what is not
"""

import argparse
import http.client
import json
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Proxy(ThreadingHTTPServer):
    """Passes requests on to a port of this host."""

    daemon_threads = True

    def __init__(self, port: int, behind: int, mode: Path) -> None:
        super().__init__(("127.0.0.1", port), Passage)
        self.behind = behind
        self._mode = mode

    def read_mode(self) -> str:
        return self._mode.read_text().strip() if self._mode.exists() else "ok"


class Passage(BaseHTTPRequestHandler):
    """One connection to the proxy."""

    protocol_version = "HTTP/1.1"
    server: Proxy

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        mode = self.server.read_mode()
        kind, _, late = mode.partition("-")
        if kind.isdigit():
            self._answer(int(kind), f"made-up {kind}")
            return
        if mode == "denied":
            self._answer(200, "Access denied", key="message")
            return
        if mode == "no-gzip" and self.headers.get("Content-Encoding") == "gzip":
            self._answer(400, "unable to parse")
            return
        try:
            status, answer = self._pass_on(body)
        except OSError as error:
            self._answer(502, str(error))
            return
        if mode == "cut":
            self.wfile.write(b"HTTP/1.1 2")
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif late.isdigit():
            self._answer(int(late), f"made-up {late}, too late")
        else:
            self.close_connection = mode == "closing"
            self._answer(status, answer)

    def _pass_on(self, body: bytes) -> tuple[int, str]:
        link = http.client.HTTPConnection("127.0.0.1", self.server.behind, timeout=20)
        try:
            link.request("POST", self.path, body, dict(self.headers.items()))
            answer = link.getresponse()
            return answer.status, answer.read().decode()
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from None
        finally:
            link.close()

    def _answer(self, status: int, message: str, *, key: str = "error") -> None:
        body = b"" if status == 204 else json.dumps({key: message}).encode()
        self.send_response(status)
        if self.close_connection:
            self.send_header("Connection", "close")
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: the test has its own witnesses."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=8087)
    parser.add_argument("--behind", type=int, default=8086, help="the database's port")
    parser.add_argument("--mode", type=Path, required=True, help="file with one word; none: ok")
    options = parser.parse_args()
    Proxy(options.port, options.behind, options.mode).serve_forever()


if __name__ == "__main__":
    main()
