"""What the methods of a manager return."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple


class Fault(NamedTuple):
    """One thing that is wrong with what was sent."""

    key: str  # as in `set`, such as device.0.host
    message: str


class Job(NamedTuple):
    """A job as `sjactl status --json` shows it."""

    job: str  # "keepalive/alice"
    kind: str
    name: str
    title: str
    unit: str
    config: str
    state: str  # running, degraded, starting, stopping, restarting, down, failed, stopped, …
    wanted: bool
    relaunch: bool | str
    changed: bool
    pid: int | None
    since: str | None  # RFC 3339, UTC
    restarts: int | None
    status: str
    error: Mapping[str, Any] | None
    health: Mapping[str, Any]
    memory_bytes: int | None
    cpu_seconds: float | None
    etag: str = ""  # of its file, where the job was asked for alone

    @property
    def is_running(self) -> bool:
        """Whether it does its work, wholly or in part."""
        return self.state in ("running", "degraded")


class Run(NamedTuple):
    """One run of a job, as `sjactl history --json` shows it."""

    started: str | None
    ready: str | None
    ended: str | None
    seconds: float | None
    result: str | None  # None while it goes on
    message: str
    exit_code: int | None
    signal: str | None
    boot_id: str
    invocation_id: str | None


class LogLine(NamedTuple):
    """One entry of a job's journal."""

    time: str
    priority: int  # as syslog has it: 3 is an error, 6 information
    message: str


class Sample(NamedTuple):
    """One value that an acquisition job read."""

    time: str
    device: str
    point: str
    value: Any
    unit: str
    quality: str
    measurement: str
    tags: Mapping[str, str]


class Event(NamedTuple):
    """News of a job."""

    event: Literal["job", "ready", "removed"]
    job: Job | None  # of "job"
    name: str  # "keepalive/alice"; "" for "ready", by when every job has been told once


_DEFAULTS = {"changed": False}


def make_job(document: Mapping[str, Any], etag: str = "") -> Job:
    """Return the job that a document describes; keys that a newer version adds are passed over."""
    known = {key: document.get(key, _DEFAULTS.get(key)) for key in Job._fields if key != "etag"}
    return Job(**known, etag=etag)


def make_tuple(kind: Any, document: Mapping[str, Any]) -> Any:
    """Return a document as a named tuple; keys that a newer version adds are passed over."""
    return kind(**{key: document.get(key) for key in kind._fields})
