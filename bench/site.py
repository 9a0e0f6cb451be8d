"""A site that is well whatever it is asked for. `python -m bench.site PORT [FILE]`.

Each visit is a line of FILE: the time and the path.
"""

import http.server
import sys
import time
from typing import TextIO


class _Site(http.server.BaseHTTPRequestHandler):
    visits: TextIO

    def do_GET(self) -> None:
        self.visits.write(f"{time.time()} {self.path}\n")
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(http.server.ThreadingHTTPServer):
    request_queue_size = 1024


if __name__ == "__main__":
    with open(sys.argv[2] if sys.argv[2:] else "/dev/null", "w", 1) as _Site.visits:
        _Server(("127.0.0.1", int(sys.argv[1])), _Site).serve_forever()
