"""One kept-alive HTTP connection to the database, with one deadline for a whole request."""

import zlib

from sja_units.acquisition.config import SinkConfig
from sja_units.acquisition.influxdb import api
from sja_units.acquisition.influxdb.api import Rejected, Result, Retry
from sja_units.runtime.http import ConnectionClosed, HttpConnection, HttpError
from sja_units.text import lookup_seconds
from sja_units.url import parse_address

REQUEST_SECONDS = 15.0
_MAX_ANSWER = 64 * 1024


class Uploader:
    """Sends line protocol; only the sink's thread uses it."""

    def __init__(self, sink: SinkConfig) -> None:
        """Raises OSError if `ca_file` cannot be used, with words for people."""
        server = parse_address(sink.url)
        assert server is not None  # the reader of the configuration has seen to that
        self._path, self._headers = api.make_target(sink)
        # A request, once more where an idle connection was closed, each with its connection.
        self.longest_seconds = 2 * (lookup_seconds(server.hostname) + 2 * REQUEST_SECONDS)
        self._http = HttpConnection(server, ca_file=sink.ca_file)

    def send(self, body: bytes) -> Result:
        """Send lines and return what the answer means; what the network does is an answer, too."""
        # gzip at its fastest: line protocol shrinks to a tenth
        packer = zlib.compressobj(1, zlib.DEFLATED, 31)
        packed = packer.compress(body) + packer.flush()
        was_open = self._http.is_open
        try:
            try:
                return self._exchange(packed)
            except ConnectionClosed:
                if not was_open:
                    raise
                # The database closed a connection that was idle: that is no failure yet.
                return self._exchange(packed)
        except HttpError as error:
            return Retry(error.reason)
        except ValueError as error:
            # Without its text, which may hold a header and so a secret.
            return Rejected(f"the request cannot be sent: {type(error).__name__}")

    def _exchange(self, packed: bytes) -> Result:
        response = self._http.ask(
            "POST",
            self._path,
            self._headers.items(),
            packed,
            seconds=REQUEST_SECONDS,
            max_body=_MAX_ANSWER,
        )
        return api.classify(response.status, dict(response.headers), response.body)

    def close(self) -> None:
        self._http.close()
