"""What a manager asks and how it reads the answers, without a socket: the same for both. Pure."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from sja_units.client.errors import Unavailable, make_error
from sja_units.client.types import Event, Job, make_job

SOCKET = "/run/sja-units/api.sock"
Jar = str | bytes | list[Any] | dict[str, Any]
"""A jar as text in any form that keep-alive jobs take, or as a browser exports it."""


class Ask(NamedTuple):
    """One request."""

    method: str
    target: str
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()

    def encode(self) -> bytes:
        """Return the bytes of the request."""
        lines = [f"{self.method} {self.target} HTTP/1.1", "Host: sja-units"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


class Head(NamedTuple):
    """What comes before the body of an answer."""

    status: int
    headers: Mapping[str, str]  # by their names in lower case

    @property
    def length(self) -> int:
        return int(self.headers.get("content-length", "0"))

    @property
    def keeps_open(self) -> bool:
        return self.headers.get("connection", "") != "close"


class Reply(NamedTuple):
    """A whole answer that is no problem."""

    body: bytes
    headers: Mapping[str, str]

    def parse(self) -> Any:
        """Return what the JSON says."""
        return json.loads(self.body)

    def make_job(self) -> Job:
        return make_job(self.parse(), self.headers.get("etag", ""))


def parse_head(data: bytes) -> Head:
    """Return what a head says. Raises Unavailable for what is no HTTP."""
    first, *lines = data.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) < 2 or not words[1].isdigit():
        raise Unavailable(f"{SOCKET} does not speak HTTP")
    pairs = (line.partition(":") for line in lines if line)
    return Head(int(words[1]), {name.lower(): value.strip() for name, _, value in pairs})


def parse_size(data: bytes) -> int:
    """Return the bytes of a chunk by its first line. Raises Unavailable for what is none."""
    try:
        return int(data, 16)
    except ValueError:
        raise Unavailable("the answer makes no sense") from None


def make_reply(head: Head, body: bytes) -> Reply:
    """Return a whole answer. Raises the ApiError that it tells of."""
    if head.status < 300:
        return Reply(body, head.headers)
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    raise make_error(head.status, document, head.headers)


def ask_job(method: str, job: str, rest: str = "", body: bytes = b"", etag: str = "") -> Ask:
    """Return a request about a job, which is written KIND/NAME.

    etag: the file that the job must still have. Raises ValueError for what is no job's name.
    """
    kind, slash, name = job.partition("/")
    if not (slash and kind.isalnum() and name.replace("-", "").replace("_", "").isalnum()):
        raise ValueError(f"{job!r} is not a job: write KIND/NAME")
    if not job.isascii():
        raise ValueError(f"{job!r} is not a job: a name is lower-case letters, digits, - and _")
    headers = (("If-Match", etag),) if etag else ()
    return Ask(method, f"/v1/jobs/{job}{rest}", body, headers)


def ask_create(
    job: str,
    template: str,
    values: Mapping[str, Any],
    cookies: Jar | None,
    start: bool | None,
) -> Ask:
    """Return the request that makes a job where there is none of that name."""
    body = _write_put(template, values, cookies, start)
    return ask_job("PUT", job, body=body)._replace(headers=(("If-None-Match", "*"),))


def ask_replace(
    job: str,
    template: str,
    values: Mapping[str, Any],
    cookies: Jar | None,
    start: bool | None,
    etag: str,
) -> Ask:
    """Return the request that replaces a job that there is."""
    body = _write_put(template, values, cookies, start)
    return ask_job("PUT", job, body=body, etag=etag or "*")


def _write_put(
    template: str, values: Mapping[str, Any], cookies: Jar | None, start: bool | None
) -> bytes:
    said: dict[str, Any] = {"template": template, "set": dict(values)}
    if cookies is not None:
        said["cookies"] = cookies.decode() if isinstance(cookies, bytes) else cookies
    if start is not None:
        said["start"] = start
    return json.dumps(said, allow_nan=False).encode()


def write_jar(jar: Jar) -> bytes:
    """Return a jar as it goes over the socket."""
    if isinstance(jar, bytes):
        return jar
    return jar.encode() if isinstance(jar, str) else json.dumps(jar).encode()


def make_query(**words: Any) -> str:
    """Return a query of those words that are given, "" for none."""
    from urllib.parse import urlencode

    given = {key: value for key, value in words.items() if value}
    return f"?{urlencode(given)}" if given else ""


class EventReader:
    """Makes events of lines, over any number of connections: each tells all jobs anew."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._seen: set[str] = set()
        self._is_ready = False

    def begin(self) -> None:
        """Begin with a new connection."""
        self._seen, self._is_ready = set(), False

    def read(self, line: bytes) -> Iterator[Event]:
        """Yield what a line tells; what went while there was no connection is told as removed."""
        said = json.loads(line)
        if said["event"] == "job":
            job = make_job(said["job"])
            self._known.add(job.job)
            self._seen.add(job.job)
            yield Event("job", job, job.job)
        elif said["event"] == "removed":
            self._known.discard(said["job"])
            yield Event("removed", None, said["job"])
        elif said["event"] == "ready":
            for name in sorted(self._known - self._seen):
                yield Event("removed", None, name)
            self._known &= self._seen
            yield Event("ready", None, "")
