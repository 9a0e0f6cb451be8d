"""Speaks TLS before a Modbus/TCP device, and asks who calls: Modbus/TCP Security."""

import argparse
import socket
import ssl
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread


class Front(ThreadingTCPServer):
    """Passes bytes on to a port of this host, from whom an authority vouches for."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int, behind: int, certificates: Path) -> None:
        super().__init__(("127.0.0.1", port), Passage)
        self.behind = behind
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificates / "device.pem", certificates / "device.key")
        self.context.load_verify_locations(certificates / "ca.pem")
        self.context.verify_mode = ssl.CERT_REQUIRED


class Passage(BaseRequestHandler):
    """One connection."""

    server: Front

    def handle(self) -> None:
        try:
            caller = self.server.context.wrap_socket(self.request, server_side=True)
        except OSError:
            return
        with caller, socket.create_connection(("127.0.0.1", self.server.behind)) as device:
            Thread(target=pass_on, args=(device, caller), daemon=True).start()
            pass_on(caller, device)


def pass_on(source: socket.socket, target: socket.socket) -> None:
    """Hand over what comes, until either side has ended."""
    try:
        while data := source.recv(4096):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--behind", type=int, required=True, help="the device's port")
    parser.add_argument("--certificates", type=Path, required=True, help="folder with *.pem, *.key")
    options = parser.parse_args()
    Front(options.port, options.behind, options.certificates).serve_forever()


if __name__ == "__main__":
    main()
