"""What can go wrong with a request, each with an exception of its own."""

from collections.abc import Mapping, Sequence
from typing import Any

from sja_units.client.types import Fault


class ApiError(Exception):
    """A request was refused, or could not be made. `status` is that of HTTP, 0 for no answer."""

    status = 0

    def __init__(
        self, detail: str, status: int = 0, errors: Sequence[Fault] = (), retry_after: float = 0
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status or self.status
        self.errors = tuple(errors)  # every fault of what was sent, with its key
        self.retry_after = retry_after  # seconds, where it makes sense to try again


class BadRequest(ApiError):
    """What was sent makes no sense there (400, 405, 411, 413)."""


class Forbidden(ApiError):
    """No grant allows it (403), or this process may not even connect."""


class NotFound(ApiError):
    """There is no such job, or none that you may know of (404)."""


class Conflict(ApiError):
    """The name is another job's, or the job did not do as it was told (409)."""


class PreconditionFailed(ApiError):
    """The job's file is another one than was expected, or is there already (412)."""


class Invalid(ApiError):
    """The values make no job: `errors` holds every fault with its key (422)."""


class TooManyRequests(ApiError):
    """Too many jobs were made within a minute: `retry_after` says when there is room (429)."""


class Unavailable(ApiError):
    """The door cannot be reached, or something that it needs is broken (503)."""


_BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequest,
    403: Forbidden,
    404: NotFound,
    405: BadRequest,
    409: Conflict,
    411: BadRequest,
    412: PreconditionFailed,
    413: BadRequest,
    422: Invalid,
    429: TooManyRequests,
    503: Unavailable,
}


def make_error(status: int, document: Any, headers: Mapping[str, str]) -> ApiError:
    """Return the exception for a problem (RFC 9457)."""
    said = document if isinstance(document, dict) else {}
    errors = [Fault(str(e.get("key")), str(e.get("message"))) for e in said.get("errors", ())]
    wait = headers.get("retry-after", "")
    return _BY_STATUS.get(status, ApiError)(
        str(said.get("detail") or said.get("title") or f"the answer was {status}"),
        status,
        errors,
        float(wait) if wait.isdigit() else 0,
    )
