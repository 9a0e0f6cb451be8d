"""The way to the site: certificates are verified, proxies are gone through."""

import select
import socket
import ssl
import subprocess
import threading
import warnings
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sja_units.runtime.credentials import name_credential
from tests.unit.keepalive.asking import answer_of, reason_of
from tests.unit.keepalive.harness import PAGE, RunningSite, Worker, running_site


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a key and a certificate for localhost that signs itself."""
    folder = tmp_path_factory.mktemp("tls")
    key, cert, both = folder / "key.pem", folder / "cert.pem", folder / "both.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(key), "-out", str(cert)]
    subprocess.run([*command.split(), *names, *files], check=True, capture_output=True)
    both.write_bytes(key.read_bytes() + cert.read_bytes())
    return both


@pytest.fixture
def tls_site(certificate: Path) -> Iterator[RunningSite]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with running_site(tls=context) as site:
        yield site


def test_a_certificate_that_nobody_vouches_for_is_refused(tls_site: RunningSite) -> None:
    reason = reason_of(f"https://localhost:{tls_site.port}{PAGE}")
    assert "certificate refused" in reason
    assert tls_site.site.stats["requests"] == 0


def test_ca_file_vouches_for_its_own(tls_site: RunningSite, certificate: Path) -> None:
    answer = answer_of(f"https://localhost:{tls_site.port}{PAGE}", f'ca_file = "{certificate}"')
    assert answer.status == 401


@pytest.mark.slow
def test_certificates_that_systemd_hands_over_vouch(
    tls_site: RunningSite, certificate: Path, tmp_path: Path
) -> None:
    path = "/root/only/ca.pem"  # which the job's own user can never read
    text = f'url = "https://localhost:{tls_site.port}{PAGE}"\nca_file = "{path}"\n'
    worker = Worker(tmp_path, text)
    (tmp_path / "credentials" / name_credential(path)).write_bytes(certificate.read_bytes())
    try:
        worker.start()
        worker.wait_for_status(401)
    finally:
        worker.close()


def test_a_certificate_for_another_host_is_refused(
    tls_site: RunningSite, certificate: Path
) -> None:
    url = f"https://127.0.0.1:{tls_site.port}{PAGE}"
    assert "certificate refused" in reason_of(url, f'ca_file = "{certificate}"')
    assert tls_site.site.stats["requests"] == 0


def test_old_protocols_are_refused(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that they are old is the point
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with running_site(tls=context) as site:
        reason = reason_of(f"https://localhost:{site.port}{PAGE}", f'ca_file = "{certificate}"')
    assert "TLS" in reason


def test_a_site_without_tls_and_one_that_never_shakes_hands(site: RunningSite) -> None:
    assert "TLS" in reason_of(f"https://localhost:{site.port}{PAGE}")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/"
        reason = reason_of(url, 'timeout = "300ms"')
        assert "in time" in reason or "within" in reason


class Proxy(ThreadingHTTPServer):
    """A proxy on loopback that leads everything to one port, and wants a password."""

    daemon_threads = True

    def __init__(self, target: int) -> None:
        super().__init__(("127.0.0.1", 0), ProxyHandler)
        self.target = target
        self.asked: list[str] = []


class ProxyHandler(BaseHTTPRequestHandler):
    server: Proxy

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_CONNECT(self) -> None:
        if self._lets_in():
            self.send_response(200)
            self.end_headers()
            with self._dial() as site:
                self._pass_on(site)

    def do_GET(self) -> None:
        if self._lets_in():
            with self._dial() as site:
                lines = [
                    f"GET {urlsplit(self.path).path} HTTP/1.0",
                    f"Host: {self.headers['Host']}",
                ]
                site.sendall("\r\n".join([*lines, "", ""]).encode())
                while data := site.recv(65536):
                    self.connection.sendall(data)

    def _lets_in(self) -> bool:
        self.server.asked.append(f"{self.command} {self.path}")
        wanted = "Basic " + b64encode("bob:päss".encode()).decode()
        if self.headers.get("Proxy-Authorization") == wanted:
            return True
        self.send_error(407)
        return False

    def _dial(self) -> socket.socket:
        self.close_connection = True
        return socket.create_connection(("127.0.0.1", self.server.target))

    def _pass_on(self, site: socket.socket) -> None:
        ends = {self.connection: site, site: self.connection}
        while True:
            for end in select.select(list(ends), [], [])[0]:
                data = end.recv(65536)
                if not data:
                    return
                ends[end].sendall(data)


@contextmanager
def proxy_to(port: int) -> Iterator[Proxy]:
    with Proxy(port) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.02,))
        thread.start()
        yield proxy
        proxy.shutdown()
        thread.join()


def test_a_page_through_a_proxy(site: RunningSite) -> None:
    with proxy_to(site.port) as proxy:
        address = f"127.0.0.1:{proxy.server_address[1]}"
        url = f"http://site.example.edu{PAGE}"
        assert answer_of(url, f'proxy = "http://bob:p%C3%A4ss@{address}"').status == 401
        assert proxy.asked == [f"GET http://site.example.edu{PAGE}"]
        assert site.site.log[-1]["headers"]["host"] == "site.example.edu"
        assert (
            answer_of(f"http://site.example.edu{PAGE}", f'proxy = "http://{address}"').status == 407
        )


def test_a_tls_page_through_a_proxy(tls_site: RunningSite, certificate: Path) -> None:
    with proxy_to(tls_site.port) as proxy:
        address = f"127.0.0.1:{proxy.server_address[1]}"
        trust = f'ca_file = "{certificate}"\n'
        more = f'{trust}proxy = "http://bob:p%C3%A4ss@{address}"'
        assert answer_of(f"https://localhost{PAGE}", more).status == 401
        assert proxy.asked == ["CONNECT localhost:443"]
        assert "refused" in reason_of(f"https://other.example.edu{PAGE}", more)
        reason = reason_of(f"https://localhost{PAGE}", f'{trust}proxy = "http://{address}"')
        assert f"proxy {address}" in reason
        assert "407" in reason
