"""A database that takes everything and keeps the times. `python -m bench.database PORT`.

GET /times gives, as JSON, for each line that was written its own time and when it came, in ns.
"""

import gzip
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_times: list[tuple[int, int]] = []


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        now = time.time_ns()
        _times.extend((int(line.rpartition(b" ")[2]), now) for line in body.splitlines() if line)
        self.send_response(204)
        self.end_headers()

    def do_GET(self) -> None:
        body = json.dumps(_times).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), _Connection).serve_forever()
