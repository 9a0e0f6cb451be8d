"""A database that takes everything and tells what came. `python -m bench.database PORT`.

GET /lines gives and forgets, as JSON, of each line that was written its series, its own time and
when it came, in ns.
"""

import gzip
import json
import re
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_lines: list[tuple[str, int, int]] = []
# What collectd's write_http sends, one value a line.
_PUTVAL = re.compile(rb"PUTVAL ([^\s/]+)/\S+ interval=\S+ ([\d.]+):")


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        now = time.time_ns()
        if self.path == "/collectd":
            values = _PUTVAL.findall(body)
            found = [(f"collectd {host.decode()}", round(float(at) * 1e9)) for host, at in values]
        else:
            found = [_read_line(line) for line in body.splitlines() if line]
        _lines.extend((series, at, now) for series, at in found)
        self.send_response(204)
        self.end_headers()

    def do_GET(self) -> None:
        taken = _lines.copy()
        del _lines[: len(taken)]
        body = json.dumps(taken).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _read_line(line: bytes) -> tuple[str, int]:
    series, _, rest = line.partition(b" ")
    return series.partition(b",")[0].decode(), int(rest.rpartition(b" ")[2])


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), _Connection).serve_forever()
