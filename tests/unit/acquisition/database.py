"""A database for a test: takes line protocol over real HTTP, and misbehaves when told to."""

import socket
import ssl
import threading
import zlib
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.unit.acquisition.line_parser import Value, parse_line

Answer = tuple[int, str]
"""Status and body; a body may follow headers given as "Name: value" lines and an empty line."""
Rule = Callable[[list[str]], Answer | None]


class Database:
    """Keeps each field of each series and time once, and counts what came more than once."""

    def __init__(self, port: int = 0, certificate: tuple[str, str] | None = None) -> None:
        self.values: dict[tuple[str, int, str], Value] = {}
        self.repeated = 0
        self.sizes: list[int] = []
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.connections: list[socket.socket] = []
        self.rule: Rule = lambda lines: None  # answers before anything is kept
        self.tell: Callable[[str], Answer] = lambda path: (404, "")  # what a GET gets
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _make_handler(self))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http{'s' if certificate else ''}://127.0.0.1:{self.port}"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def take(self, lines: list[str]) -> Answer:
        self.sizes.append(len(lines))
        answer = self.rule(lines)
        if answer is None:
            for line in lines:
                self.keep(line)
        return answer or (204, "")

    def keep(self, text: str) -> None:
        line = parse_line(text)
        tags = ",".join(f"{key}={value}" for key, value in sorted(line.tags.items()))
        for name, value in line.fields.items():
            key = (f"{line.measurement},{tags}", line.time, name)
            self.repeated += key in self.values
            self.values[key] = value

    def column(self, field: str) -> list[Value]:
        """Return all values of a field in the order of their times."""
        found = [(key[1], value) for key, value in self.values.items() if key[2] == field]
        return [value for _, value in sorted(found, key=lambda pair: pair[0])]


def _make_handler(database: Database) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            database.connections.append(self.connection)

        def do_GET(self) -> None:
            database.requests.append((self.path, dict(self.headers)))
            self._answer(*database.tell(self.path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            is_packed = self.headers.get("Content-Encoding") == "gzip"
            lines = (zlib.decompress(body, 31) if is_packed else body).decode().split("\n")
            database.requests.append((self.path, dict(self.headers)))
            self._answer(*database.take([line for line in lines if line]))

        def _answer(self, status: int, text: str) -> None:
            headers, _, text = text.rpartition("\n\n")
            self.send_response(status)
            for header in filter(None, headers.split("\n")):
                name, _, value = header.partition(": ")
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_words: Any) -> None:
            pass

    return Handler
