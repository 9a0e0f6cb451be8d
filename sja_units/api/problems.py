"""What is wrong with a request, as RFC 9457 tells it. Pure."""

import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, NamedTuple


class Fault(NamedTuple):
    """One thing that is wrong with what was sent."""

    key: str  # as in "set", such as device.0.host
    message: str


class Problem(Exception):
    """An answer that refuses."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Iterable[Fault] = (),
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = tuple(headers)

    def render(self) -> bytes:
        """Return the problem's document."""
        document: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            document["errors"] = [fault._asdict() for fault in self.errors]
        return json.dumps(document).encode()
