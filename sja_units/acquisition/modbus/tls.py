"""Modbus/TCP Security: Modbus/TCP inside of TLS.

Source: MODBUS/TCP Security Protocol Specification, MB-TCP-Security-v21, modbus.org: the frames are
those of Modbus/TCP, the port is 802. A certificate is always verified.
"""

import socket
import ssl
import time

from sja_units.acquisition.modbus.channel import left
from sja_units.acquisition.modbus.endpoint import TlsFiles
from sja_units.acquisition.modbus.steps import READABLE, WRITABLE, Call, Steps, Wait
from sja_units.acquisition.modbus.tcp import Network
from sja_units.errors import DescribedError
from sja_units.runtime.tls import describe_tls_error, find_credential, make_tls


class TlsNetwork(Network):
    """A TLS connection."""

    def __init__(self, host: str, port: int, files: TlsFiles) -> None:
        super().__init__(host, port)
        self._files = files

    def send(self, data: bytes, deadline: float) -> Steps[None]:
        connection = self._opened()
        view = memoryview(data)
        while view:
            left(deadline, time.monotonic())
            try:
                view = view[connection.send(view) :]
            except ssl.SSLError as error:
                yield _wait_for(error, connection, deadline)

    def receive(self, size: int, deadline: float) -> Steps[bytes]:
        connection = self._opened()
        while True:
            left(deadline, time.monotonic())
            # What was decrypted already makes no descriptor readable.
            try:
                data = connection.recv(size)
            except ssl.SSLError as error:
                # With TLS 1.3, this is where a device tells that it does not take our certificate.
                yield _wait_for(error, connection, deadline)
                continue
            if not data:
                raise ConnectionResetError("the device closed the connection")
            return data

    def _peek(self, connection: socket.socket) -> None:
        try:
            connection.recv(1)
        except ssl.SSLWantReadError:
            raise BlockingIOError from None

    def _dress(self, connection: socket.socket, deadline: float) -> Steps[socket.socket]:
        call = Call(self._make_context)  # reading files takes its time
        while not call.is_done:
            left(deadline, time.monotonic())
            yield Wait(deadline, call=call)
        context = call.result()
        assert isinstance(context, ssl.SSLContext)
        try:
            # Beforehand: wrap_socket would leave the connection open when it finds that out.
            name = self._files.server_name.encode("idna").decode()
            secure = context.wrap_socket(
                connection, server_hostname=name, do_handshake_on_connect=False
            )
        except ValueError:
            words = f"server_name {self._files.server_name!r} is not the name of a host"
            raise DescribedError(words) from None
        try:
            yield from _shake_hands(secure, deadline)
        except BaseException:
            secure.close()
            raise
        return secure

    def _make_context(self) -> ssl.SSLContext:
        files = self._files
        context = make_tls(files.ca_file)
        if files.cert_file:
            cert_file = find_credential("cert_file", files.cert_file)
            key_file = find_credential("key_file", files.key_file)
            try:
                # A password would be asked for at a terminal, which a job does not have.
                context.load_cert_chain(cert_file, key_file, password="")
            except (ssl.SSLError, ValueError):
                words = f"cert_file {files.cert_file} and key_file {files.key_file}"
                raise DescribedError(f"{words} are no pair, or have a password") from None
        return context


def _shake_hands(connection: ssl.SSLSocket, deadline: float) -> Steps[None]:
    while True:
        left(deadline, time.monotonic())
        try:
            connection.do_handshake()
        except ssl.SSLError as error:
            yield _wait_for(error, connection, deadline)
        else:
            return


def _wait_for(error: ssl.SSLError, connection: socket.socket, deadline: float) -> Wait:
    """Return what TLS waits for; raise OSError with words for people where it has failed."""
    if isinstance(error, ssl.SSLWantReadError):
        return Wait(deadline, connection.fileno(), READABLE)
    if isinstance(error, ssl.SSLWantWriteError):
        return Wait(deadline, connection.fileno(), WRITABLE)
    raise DescribedError(describe_tls_error(error)) from None
