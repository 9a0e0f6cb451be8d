"""`AsyncManager`: jobs from asyncio. Its methods are those of `Manager`, awaited."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
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

_ORDER_SECONDS = 420.0
_ALIVE_SECONDS = 40.0
_PAUSE = 1.0
_LARGEST_LINE = 2**24
_MOST_IDLE = 8  # connections that are kept for the next requests


class AsyncManager:
    """Makes, changes, orders and shows the jobs that a grant lets this process see.

    Any number of requests may be under way. Every fault is an `ApiError`:

        async with AsyncManager() as jobs:
            for job in await jobs.list():
                print(job.job, job.state)

    Root needs no socket: without one its orders are carried out in this process.
    """

    def __init__(self, path: str = SOCKET, timeout: float = _ORDER_SECONDS) -> None:
        """path: of the socket; timeout: seconds to wait for an answer."""
        self._path, self._timeout = path, timeout
        self._idle: list[_Connection] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; the next request opens another one."""
        while self._idle:
            self._idle.pop().close()

    async def list(self) -> list[Job]:
        """Return all jobs that you may see.

        [job.name for job in await jobs.list() if not job.is_running]
        """
        return [make_job(each) for each in (await self._ask(Ask("GET", "/v1/jobs"))).parse()]

    async def get(self, job: str) -> Job:
        """Return a job. Raises NotFound.

        (await jobs.get("acquisition/line1")).health["devices"]["press1"]["state"]
        """
        return (await self._ask(ask_job("GET", job))).make_job()

    async def create(
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

        await jobs.create("keepalive/booking-7", "booking", {"title": "Li"}, cookies=text)
        """
        return (await self._ask(ask_create(job, template, set or {}, cookies, start))).make_job()

    async def replace(
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

        await jobs.replace("keepalive/booking-7", "booking", {"title": "Li"}, etag=job.etag)
        """
        return (
            await self._ask(ask_replace(job, template, set or {}, cookies, start, etag))
        ).make_job()

    async def remove(self, job: str, *, keep_state: bool = False) -> None:
        """Stop a job and delete it, its state too unless that is to be kept.

        await jobs.remove("keepalive/booking-7")
        """
        await self._ask(ask_job("DELETE", job, make_query(keep_state="1" if keep_state else "")))

    async def start(self, job: str) -> Job:
        """Start a job, now and after every boot. Raises Conflict with the reason if it fails.

        await jobs.start("acquisition/line1")
        """
        return (await self._ask(ask_job("POST", job, "/start"))).make_job()

    async def stop(self, job: str) -> Job:
        """Stop a job; it stays stopped after a boot.

        await jobs.stop("acquisition/line1")
        """
        return (await self._ask(ask_job("POST", job, "/stop"))).make_job()

    async def restart(self, job: str) -> Job:
        """Stop a job and start it again at once.

        await jobs.restart("acquisition/line1")
        """
        return (await self._ask(ask_job("POST", job, "/restart"))).make_job()

    async def set_cookies(self, job: str, cookies: Jar) -> Job:
        """Give a keep-alive job a new session; one that had ended for want of it starts.

        await jobs.set_cookies("keepalive/booking-7", open("cookies.txt").read())
        """
        return (await self._ask(ask_job("PUT", job, "/cookies", write_jar(cookies)))).make_job()

    async def cookies(
        self, job: str, format: Literal["netscape", "header", "json"] = "netscape"
    ) -> str:
        """Return a keep-alive job's live cookies. Raises NotFound where it holds none.

        header = await jobs.cookies("keepalive/booking-7", "header")
        """
        reply = await self._ask(ask_job("GET", job, f"/cookies{make_query(format=format)}"))
        return reply.body.decode("latin-1" if format == "header" else "utf-8", "surrogateescape")

    async def runs(self, job: str, lines: int = 20) -> Sequence[Run]:
        """Return a job's last runs, newest first.

        (await jobs.runs("command/nightly"))[0].result
        """
        found = (await self._ask(ask_job("GET", job, f"/runs{make_query(lines=lines)}"))).parse()
        return [make_tuple(Run, each) for each in found]

    async def log(self, job: str, lines: int = 100) -> Sequence[LogLine]:
        """Return the last entries of a job's journal, oldest first.

        for line in await jobs.log("command/nightly", 50):
            print(line.time, line.message)
        """
        found = (await self._ask(ask_job("GET", job, f"/log{make_query(lines=lines)}"))).parse()
        return [make_tuple(LogLine, each) for each in found]

    async def samples(self, job: str, since: str = "", lines: int = 100) -> Sequence[Sample]:
        """Return what an acquisition job holds on its host, oldest first.

        since: RFC 3339, or so long ago.

        await jobs.samples("acquisition/line1", since="-5min")
        """
        query = make_query(since=since, lines=lines)
        found = (await self._ask(ask_job("GET", job, f"/samples{query}"))).parse()
        return [make_tuple(Sample, each) for each in found]

    async def last(self, job: str) -> Any:
        """Return an acquisition job's last cycle: raw registers, values and times.

        await jobs.last("acquisition/line1")
        """
        return (await self._ask(ask_job("GET", job, "/last"))).parse()

    async def events(self) -> AsyncIterator[Event]:
        """Yield how each job is, then `ready`, then what changes, for ever.

        It goes on over ends and restarts of the door: then it tells all again, and what was
        removed meanwhile.

        async for event in jobs.events():
            if event.job:
                print(event.job.job, event.job.state)
        """
        reader = EventReader()
        while True:
            with suppress(Unavailable):  # it comes back
                async for event in self._follow(reader):
                    yield event
            await asyncio.sleep(_PAUSE)

    async def _follow(self, reader: EventReader) -> AsyncIterator[Event]:
        connection = await _connect(self._path)
        reader.begin()
        try:
            async with asyncio.timeout(_ALIVE_SECONDS):
                head = await connection.send(Ask("GET", "/v1/events"))
            if head.status != 200:
                make_reply(head, await connection.read(head.length))
            async for line in connection.read_lines():
                for event in reader.read(line):
                    yield event
        except TimeoutError:
            raise Unavailable("nothing was heard for too long") from None
        finally:
            connection.close()

    async def _ask(self, ask: Ask) -> Reply:
        if os.geteuid() == 0 and not os.path.exists(self._path):
            return await asyncio.to_thread(_answer_here, ask)
        if self._idle:
            with suppress(_Gone):
                # It may have been closed meanwhile. What is asked for twice is done once.
                return await self._ask_by(self._idle.pop(), ask)
        return await self._ask_by(await _connect(self._path), ask)

    async def _ask_by(self, connection: "_Connection", ask: Ask) -> Reply:
        is_kept = False
        try:
            async with asyncio.timeout(self._timeout):
                head = await connection.send(ask)
                body = await connection.read(head.length)
            is_kept = head.keeps_open and len(self._idle) < _MOST_IDLE
        except TimeoutError:
            raise Unavailable("there was no answer in time") from None
        finally:
            if is_kept:
                self._idle.append(connection)
            else:
                connection.close()
        return make_reply(head, body)


class _Gone(Unavailable):
    """The connection has ended before an answer."""


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    def close(self) -> None:
        self._writer.close()

    async def send(self, ask: Ask) -> Head:
        """Send a request; return the head of the answer."""
        with suppress(OSError):  # it may have answered before it read all
            self._writer.write(ask.encode())
            await self._writer.drain()
        return parse_head((await self._read_until(b"\r\n\r\n"))[:-4])

    async def read(self, size: int) -> bytes:
        """Return so many bytes of the answer."""
        try:
            return await self._reader.readexactly(size)
        except (OSError, asyncio.IncompleteReadError):
            raise _Gone("the connection was closed before the answer") from None

    async def read_lines(self) -> AsyncIterator[bytes]:
        """Yield the lines of an answer that comes in chunks, to its end."""
        text = b""
        while True:
            async with asyncio.timeout(_ALIVE_SECONDS):
                size = parse_size(await self._read_until(b"\r\n"))
                text += await self.read(size)
                await self.read(2)
            if not size:
                return
            *lines, text = text.split(b"\n")
            for line in lines:
                yield line

    async def _read_until(self, mark: bytes) -> bytes:
        try:
            return await self._reader.readuntil(mark)
        except (OSError, asyncio.IncompleteReadError):
            raise _Gone("the connection was closed before the answer") from None
        except asyncio.LimitOverrunError:
            raise Unavailable("the answer makes no sense") from None


async def _connect(path: str) -> _Connection:
    try:
        return _Connection(*await asyncio.open_unix_connection(path, limit=_LARGEST_LINE))
    except PermissionError:
        raise Forbidden(f"{path} is for members of group sja-api") from None
    except OSError as error:
        raise Unavailable(f"{path}: {error.strerror}") from None


def _answer_here(ask: Ask) -> Reply:
    from sja_units.api.local import answer

    status, headers, body = answer(ask.method, ask.target, dict(ask.headers), ask.body)
    return make_reply(Head(status, headers), body)
