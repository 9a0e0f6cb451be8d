"""One kept-alive HTTP connection to the database, with one deadline for a whole request."""

import zlib

from sja_units.acquisition.influxdb import api
from sja_units.acquisition.influxdb.api import BadRequest, Rejected, Result, Retry, Written
from sja_units.acquisition.sink_config import SinkConfig
from sja_units.runtime.http import ConnectionClosed, HttpConnection, HttpError
from sja_units.runtime.http_response import Response
from sja_units.text import lookup_seconds
from sja_units.url import parse_address

REQUEST_SECONDS = 15.0
_MAX_ANSWER = 64 * 1024
_MAX_TYPES = 4 * 2**20
_GZIP_REFUSALS = 2


class Uploader:
    """Sends line protocol; only the sink's thread uses it."""

    def __init__(self, sink: SinkConfig) -> None:
        """Raises OSError if `ca_file` cannot be used, with words for people."""
        server = parse_address(sink.url)
        assert server is not None  # the reader of the configuration has seen to that
        self._sink = sink
        self._path, self._headers = api.make_target(sink)
        self.packs = True  # until it has turned out that the database does not know gzip
        self._is_gzip_known = False  # it has taken lines that were packed
        self._gzip_refusals = 0  # what was refused packed, and taken as plain text
        self._failures = 0  # in a row, of the kind that a foreign encoding may cause
        self._status = 0  # of the last answer
        # A request, once more where an idle connection was closed, and both as plain text, too.
        self.longest_seconds = 4 * (lookup_seconds(server.hostname) + 2 * REQUEST_SECONDS)
        self._http = HttpConnection(server, ca_file=sink.ca_file)

    def send(self, body: bytes) -> Result:
        """Send lines and return what the answer means; what the network does is an answer, too."""
        if not self.packs:
            return self._send(body, {})
        # gzip at its fastest: line protocol shrinks to a tenth
        packer = zlib.compressobj(1, zlib.DEFLATED, 31)
        packed = packer.compress(body) + packer.flush()
        result = self._send(packed, {"Content-Encoding": "gzip"})
        if isinstance(result, Written):
            self._is_gzip_known |= bool(body)
            return result
        if self._is_gzip_known or not self._may_be_gzip():
            return result
        plain = self._send(body, {})
        if not isinstance(plain, Written | BadRequest) or plain.message == result.message:
            return result
        # Twice: between the two requests the database may have been mended as well.
        self._gzip_refusals += 1
        self.packs = self._gzip_refusals < _GZIP_REFUSALS
        return plain

    def _may_be_gzip(self) -> bool:
        """Return whether the last answer may be to how the request was packed."""
        self._failures = self._failures + 1 if self._status in (500, 501) else 0
        return self._status in (400, 406, 415, 422) or self._failures >= _GZIP_REFUSALS

    def _send(self, body: bytes, headers: dict[str, str]) -> Result:
        self._status = 0
        try:
            response = self._ask("POST", self._path, {**self._headers, **headers}, body)
        except HttpError as error:
            return Retry(error.reason)
        except ValueError as error:
            # Without its text, which may hold a header and so a secret.
            return Rejected(f"the request cannot be sent: {type(error).__name__}")
        self._status = response.status
        return api.classify(response.status, dict(response.headers), response.body)

    def ask_types(self, measurement: str) -> dict[str, set[str]]:
        """Return the types that the database has of each field, {} where it does not say."""
        path, headers = api.make_types_target(self._sink, measurement)
        try:
            response = self._ask("GET", path, headers, b"", _MAX_TYPES)
        except (HttpError, ValueError):
            return {}
        return api.read_types(response.body) if response.status == 200 else {}

    def _ask(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        max_body: int = _MAX_ANSWER,
    ) -> Response:
        """Return a response. Raises HttpError, ValueError."""

        def ask() -> Response:
            return self._http.ask(
                method,
                path,
                headers.items(),
                body,
                seconds=REQUEST_SECONDS,
                max_body=max_body,
            )

        was_open = self._http.is_open
        try:
            return ask()
        except ConnectionClosed:
            if not was_open:
                raise
            # The database closed a connection that was idle: that is no failure yet.
            return ask()

    def close(self) -> None:
        self._http.close()
