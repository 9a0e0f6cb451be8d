"""Jobs from a program: `Manager` for plain code, `AsyncManager` for asyncio.

    from sja_units import Manager

    with Manager() as jobs:
        for job in jobs.list():
            print(job.job, job.state, job.status)

It speaks over /run/sja-units/api.sock and needs the standard library only. The process has to be
in group sja-api, and a grant in /etc/sja-units/grants.d says what it may do.
"""

from typing import TYPE_CHECKING, Any

from sja_units.client.errors import (
    ApiError,
    BadRequest,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    PreconditionFailed,
    TooManyRequests,
    Unavailable,
)
from sja_units.client.manager import Manager
from sja_units.client.types import Event, Fault, Job, LogLine, Run, Sample

if TYPE_CHECKING:
    from sja_units.client.aio import AsyncManager

__all__ = [
    "ApiError",
    "AsyncManager",
    "BadRequest",
    "Conflict",
    "Event",
    "Fault",
    "Forbidden",
    "Invalid",
    "Job",
    "LogLine",
    "Manager",
    "NotFound",
    "PreconditionFailed",
    "Run",
    "Sample",
    "TooManyRequests",
    "Unavailable",
]


def __getattr__(name: str) -> Any:
    if name == "AsyncManager":  # whoever needs no asyncio loads none
        from sja_units.client.aio import AsyncManager

        return AsyncManager
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
