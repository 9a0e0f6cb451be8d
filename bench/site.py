"""A site that is well whatever it is asked for, as the text of a program that needs nothing.

Its arguments: a port and, if wanted, a file for a line with the time and the path of each visit.
"""

SITE = r"""
import http.server, sys, time
visits = open(sys.argv[2], "w", 1) if sys.argv[2:] else None
class Site(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if visits:
            visits.write(f"{time.time()} {self.path}\n")
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer.request_queue_size = 1024
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Site).serve_forever()
"""
