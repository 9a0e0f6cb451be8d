"""One kept-alive HTTP connection to the database, with one deadline for a whole request."""

import http.client
import io
import socket
import time
import zlib
from typing import Any
from urllib.parse import urlsplit

from sja_units.acquisition.config import SinkConfig
from sja_units.acquisition.influxdb import api
from sja_units.acquisition.influxdb.api import Verdict
from sja_units.acquisition.modbus.tls import make_tls
from sja_units.text import describe_os_error, lookup_seconds

REQUEST_SECONDS = 15.0
_MAX_ANSWER = 64 * 1024


class _DeadlineSocket:
    """The part of a socket that http.client uses; all waiting ends at one moment."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.deadline = 0.0
        self.has_ended = False  # the other side has closed it

    def _arm(self) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long")
        self._connection.settimeout(left)

    def sendall(self, data: bytes) -> None:
        self._arm()
        self._connection.sendall(data)

    def recv_into(self, buffer: memoryview) -> int:
        self._arm()
        size = self._connection.recv_into(buffer)
        self.has_ended = not size
        return size

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Stream(self))

    def close(self) -> None:
        self._connection.close()


class _Stream(io.RawIOBase):
    """What http.client reads an answer from."""

    def __init__(self, source: _DeadlineSocket) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        return self._source.recv_into(buffer)


class Uploader:
    """Sends line protocol; only the sink's thread uses it."""

    def __init__(self, sink: SinkConfig) -> None:
        parts = urlsplit(sink.url)
        self._host = parts.hostname or ""
        self._path, self._headers = api.make_target(sink)
        self._tls = make_tls(sink.ca_file) if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._tls else 80)
        # A request, once more where an idle connection was closed, each with its connection.
        self.longest_seconds = 2 * (lookup_seconds(self._host) + 2 * REQUEST_SECONDS)
        self._http: http.client.HTTPConnection | None = None
        self._socket: _DeadlineSocket | None = None

    def send(self, body: bytes) -> Verdict:
        """Send lines and return what the answer means; what the network does is an answer, too."""
        # gzip at its fastest: line protocol shrinks to a tenth
        packer = zlib.compressobj(1, zlib.DEFLATED, 31)
        packed = packer.compress(body) + packer.flush()
        was_open = self._socket is not None
        try:
            try:
                return self._exchange(packed)
            except (ConnectionError, http.client.RemoteDisconnected):
                if not was_open:
                    raise
                # The database closed a connection that was idle: that is no failure yet.
                self.close()
                return self._exchange(packed)
        except OSError as error:
            self.close()
            return Verdict("later", describe_os_error(error))
        except http.client.HTTPException as error:
            self.close()
            return Verdict("later", f"the answer is not HTTP: {type(error).__name__}")
        except ValueError as error:
            self.close()
            # Without its text, which may hold a header and so a secret.
            return Verdict("refused", f"the request cannot be sent: {type(error).__name__}")

    def _exchange(self, packed: bytes) -> Verdict:
        deadline = time.monotonic() + REQUEST_SECONDS
        if self._socket is None:
            self._connect(deadline)
        assert self._socket is not None
        assert self._http is not None
        self._socket.deadline = deadline
        self._http.request("POST", self._path, packed, self._headers)
        answer = self._http.getresponse()
        if self._socket.has_ended:
            # http.client takes a head that was cut off for a whole one.
            raise ConnectionResetError("the answer was cut off")
        body = answer.read(_MAX_ANSWER)
        headers = {name.lower(): value for name, value in answer.getheaders()}
        if not answer.isclosed():
            self.close()
        return api.judge(answer.status, headers, body)

    def _connect(self, deadline: float) -> None:
        # As bytes: for text, tables of Unicode would be loaded, and a URL is ASCII.
        address: Any = (self._host.encode(), self._port)
        connection = socket.create_connection(address, REQUEST_SECONDS)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls:
                connection.settimeout(max(0.001, deadline - time.monotonic()))
                connection = self._tls.wrap_socket(connection, server_hostname=self._host)
        except BaseException:
            connection.close()
            raise
        self._socket = _DeadlineSocket(connection)
        self._http = http.client.HTTPConnection(self._host, self._port)
        self._http.sock = self._socket
        self._http.auto_open = 0

    def close(self) -> None:
        if self._http is not None:
            self._http.close()
        self._http = self._socket = None
