"""`Manager`: jobs from plain code."""

import os
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal, Self

from sja_units.client.errors import Forbidden, Unavailable
from sja_units.client.protocol import (
    SOCKET,
    Ask,
    EventReader,
    Head,
    Jar,
    Reply,
    ask_create,
    ask_job,
    ask_replace,
    make_query,
    make_reply,
    parse_head,
    parse_size,
    write_jar,
)
from sja_units.client.types import Event, Job, LogLine, Run, Sample, make_job, make_tuple

_ORDER_SECONDS = 420.0  # a start may take as long as the unit's own limit
_ALIVE_SECONDS = 40.0  # the door says every 15 s that it is there
_PAUSE = 1.0  # before another try to follow events
_MOST_HEAD = 64 * 1024


class Manager:
    """Makes, changes, orders and shows the jobs that a grant lets this process see.

    One instance is for one thread. Every fault is an `ApiError`:

        with Manager() as jobs:
            try:
                job = jobs.create("keepalive/booking-7", "booking", {"title": "Li"}, cookies=text)
            except Invalid as fault:
                for each in fault.errors:
                    print(each.key, each.message)

    Root needs no socket: without one its orders are carried out in this process.
    """

    def __init__(self, path: str = SOCKET, timeout: float = _ORDER_SECONDS) -> None:
        """path: of the socket; timeout: seconds to wait for an answer."""
        self._path, self._timeout = path, timeout
        self._connection: _Connection | None = None
        self._local: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the next request opens another one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def list(self) -> list[Job]:
        """Return all jobs that you may see.

        [job.name for job in jobs.list() if not job.is_running]
        """
        return [make_job(each) for each in self._ask(Ask("GET", "/v1/jobs")).parse()]

    def get(self, job: str) -> Job:
        """Return a job. Raises NotFound.

        jobs.get("acquisition/line1").health["devices"]["press1"]["state"]
        """
        return self._ask(ask_job("GET", job)).make_job()

    def create(
        self,
        job: str,
        template: str,
        set: Mapping[str, Any] | None = None,
        *,
        cookies: Jar | None = None,
        start: bool | None = None,
    ) -> Job:
        """Make a job from a template and start it; return how it is then.

        set: values of keys that are open in the template. Raises Invalid, Conflict,
        PreconditionFailed where there is such a job, TooManyRequests.

        jobs.create("keepalive/booking-7", "booking", {"title": "Li"}, cookies=text)
        """
        return self._ask(ask_create(job, template, set or {}, cookies, start)).make_job()

    def replace(
        self,
        job: str,
        template: str,
        set: Mapping[str, Any] | None = None,
        *,
        cookies: Jar | None = None,
        start: bool | None = None,
        etag: str = "",
    ) -> Job:
        """Give a job other values; one that runs is restarted if that changes anything.

        etag: replace only the file that `get` saw. Raises PreconditionFailed where it is another
        one, where there is no such job, and where a person has edited it and no etag is given.

        jobs.replace("keepalive/booking-7", "booking", {"title": "Li"}, etag=job.etag)
        """
        return self._ask(ask_replace(job, template, set or {}, cookies, start, etag)).make_job()

    def remove(self, job: str, *, keep_state: bool = False) -> None:
        """Stop a job and delete it, its state too unless that is to be kept.

        jobs.remove("keepalive/booking-7")
        """
        self._ask(ask_job("DELETE", job, make_query(keep_state="1" if keep_state else "")))

    def start(self, job: str) -> Job:
        """Start a job, now and after every boot. Raises Conflict with the reason if it fails.

        jobs.start("acquisition/line1")
        """
        return self._ask(ask_job("POST", job, "/start")).make_job()

    def stop(self, job: str) -> Job:
        """Stop a job; it stays stopped after a boot.

        jobs.stop("acquisition/line1")
        """
        return self._ask(ask_job("POST", job, "/stop")).make_job()

    def restart(self, job: str) -> Job:
        """Stop a job and start it again at once.

        jobs.restart("acquisition/line1")
        """
        return self._ask(ask_job("POST", job, "/restart")).make_job()

    def set_cookies(self, job: str, cookies: Jar) -> Job:
        """Give a keep-alive job a new session; one that had ended for want of it starts.

        jobs.set_cookies("keepalive/booking-7", open("cookies.txt").read())
        """
        return self._ask(ask_job("PUT", job, "/cookies", write_jar(cookies))).make_job()

    def cookies(self, job: str, format: Literal["netscape", "header", "json"] = "netscape") -> str:
        """Return a keep-alive job's live cookies. Raises NotFound where it holds none.

        header = jobs.cookies("keepalive/booking-7", "header")
        """
        reply = self._ask(ask_job("GET", job, f"/cookies{make_query(format=format)}"))
        return reply.body.decode("latin-1" if format == "header" else "utf-8", "surrogateescape")

    def runs(self, job: str, lines: int = 20) -> Sequence[Run]:
        """Return a job's last runs, newest first.

        jobs.runs("command/nightly")[0].result
        """
        found = self._ask(ask_job("GET", job, f"/runs{make_query(lines=lines)}")).parse()
        return [make_tuple(Run, each) for each in found]

    def log(self, job: str, lines: int = 100) -> Sequence[LogLine]:
        """Return the last entries of a job's journal, oldest first.

        for line in jobs.log("command/nightly", 50):
            print(line.time, line.message)
        """
        found = self._ask(ask_job("GET", job, f"/log{make_query(lines=lines)}")).parse()
        return [make_tuple(LogLine, each) for each in found]

    def samples(self, job: str, since: str = "", lines: int = 100) -> Sequence[Sample]:
        """Return what an acquisition job holds on its host, oldest first.

        since: RFC 3339, or so long ago.

        jobs.samples("acquisition/line1", since="-5min")
        """
        query = make_query(since=since, lines=lines)
        found = self._ask(ask_job("GET", job, f"/samples{query}")).parse()
        return [make_tuple(Sample, each) for each in found]

    def last(self, job: str) -> Any:
        """Return an acquisition job's last cycle: raw registers, values and times.

        jobs.last("acquisition/line1")
        """
        return self._ask(ask_job("GET", job, "/last")).parse()

    def events(self) -> Iterator[Event]:
        """Yield how each job is, then `ready`, then what changes, for ever.

        It goes on over ends and restarts of the door: then it tells all again, and what was
        removed meanwhile.

        for event in jobs.events():
            if event.job:
                print(event.job.job, event.job.state)
        """
        reader = EventReader()
        while True:
            with suppress(Unavailable):  # it comes back
                yield from self._follow(reader)
            time.sleep(_PAUSE)

    def _follow(self, reader: EventReader) -> Iterator[Event]:
        connection = _Connection(self._path, _ALIVE_SECONDS)
        reader.begin()
        try:
            head = connection.send(Ask("GET", "/v1/events"))
            if head.status != 200:
                make_reply(head, connection.read(head.length))
            for line in connection.read_lines():
                yield from reader.read(line)
        finally:
            connection.close()

    def _ask(self, ask: Ask) -> Reply:
        if self._is_local():
            return self._answer_here(ask)
        is_kept = self._connection is not None
        try:
            return self._ask_once(ask)
        except _Gone:
            # The door has closed a connection that rested. What is asked for twice is done once.
            if is_kept:
                return self._ask_once(ask)
            raise

    def _ask_once(self, ask: Ask) -> Reply:
        if self._connection is None:
            self._connection = _Connection(self._path, self._timeout)
        connection = self._connection
        try:
            head = connection.send(ask)
            body = connection.read(head.length)
        except BaseException:
            self.close()
            raise
        if not head.keeps_open:
            self.close()
        return make_reply(head, body)

    def _is_local(self) -> bool:
        return os.geteuid() == 0 and not os.path.exists(self._path)

    def _answer_here(self, ask: Ask) -> Reply:
        if self._local is None:
            from sja_units.api.local import answer

            self._local = answer
        status, headers, body = self._local(ask.method, ask.target, dict(ask.headers), ask.body)
        return make_reply(Head(status, headers), body)


class _Gone(Unavailable):
    """The connection has ended before an answer."""


class _Connection:
    def __init__(self, path: str, timeout: float) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        self._buffer = bytearray()
        try:
            self._socket.connect(path)
        except PermissionError:
            self.close()
            raise Forbidden(f"{path} is for members of group sja-api") from None
        except OSError as error:
            self.close()
            raise Unavailable(f"{path}: {error.strerror}") from None

    def close(self) -> None:
        self._socket.close()

    def send(self, ask: Ask) -> Head:
        """Send a request; return the head of the answer."""
        with suppress(OSError):  # it may have answered before it read all
            self._socket.sendall(ask.encode())
        head = self._read_until(b"\r\n\r\n", _MOST_HEAD)
        return parse_head(head)

    def read(self, size: int) -> bytes:
        """Return so many bytes of the answer."""
        while len(self._buffer) < size:
            self._receive()
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def read_lines(self) -> Iterator[bytes]:
        """Yield the lines of an answer that comes in chunks, to its end."""
        text = bytearray()
        while size := parse_size(self._read_until(b"\r\n", 64)):
            text += self.read(size)
            self.read(2)
            *lines, rest = bytes(text).split(b"\n")
            text = bytearray(rest)
            yield from lines

    def _read_until(self, mark: bytes, most: int) -> bytes:
        while (end := self._buffer.find(mark)) < 0:
            if len(self._buffer) > most:
                raise Unavailable("the answer makes no sense")
            self._receive()
        data = bytes(self._buffer[:end])
        del self._buffer[: end + len(mark)]
        return data

    def _receive(self) -> None:
        try:
            data = self._socket.recv(2**18)
        except TimeoutError:
            raise Unavailable("there was no answer in time") from None
        except OSError as error:
            raise _Gone(f"the connection broke: {error.strerror}") from None
        if not data:
            raise _Gone("the connection was closed before the answer")
        self._buffer += data
