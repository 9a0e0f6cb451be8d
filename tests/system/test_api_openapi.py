"""The door answers as docs/openapi.yaml says, whatever it is asked."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from tests.linters.test_linters import CHECKOUT
from tests.machines.machine import Machine
from tests.system.door import SOCKET, put, write_idle_template

schema = schemathesis.openapi.from_path(CHECKOUT / "docs/openapi.yaml").exclude(path="/v1/events")
FOUND: Any = schema.get_all_operations()
OPERATIONS = [each.ok() for each in FOUND]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


class UnixAdapter(requests.adapters.HTTPAdapter):
    """Takes requests' requests to a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__()

        class Connection(HTTPConnection):
            def connect(self) -> None:
                self.sock = socket.socket(socket.AF_UNIX)
                self.sock.settimeout(60)
                self.sock.connect(path)

        class Pool(HTTPConnectionPool):
            ConnectionCls = Connection

        self._pool = Pool("localhost")

    def get_connection_with_tls_context(self, *_: object, **__: object) -> HTTPConnectionPool:
        return self._pool


@pytest.fixture(scope="module")
def session(shared_machine: Machine) -> Iterator[requests.Session]:
    """Requests to the door, as root, of a machine with a template and a job."""
    write_idle_template(shared_machine, "line")
    assert put(shared_machine, "root", "acquisition/0", "line").status == 201
    with requests.Session() as session:
        session.mount("http://", UnixAdapter(f"/proc/{shared_machine.pid}/root{SOCKET}"))
        yield session


@pytest.mark.parametrize("operation", OPERATIONS, ids=[each.label for each in OPERATIONS])
def test_answers_are_as_described(operation: Any, session: requests.Session) -> None:
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        case.call_and_validate(base_url="http://localhost", session=session, checks=CHECKS)

    ask()
