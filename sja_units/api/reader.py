"""The part of the door that reads what strangers send: HTTP and JSON, and nothing else.

It runs as a user of its own in an empty folder: it has no file to read, none to write, and no
right. What it has read goes to the root side as one checked structure.
"""

import asyncio
import os
import resource
import signal
import socket
import time
from contextlib import suppress

from sja_units.api import request as requests
from sja_units.api.channel import (
    LARGEST,
    Answer,
    Frame,
    Word,
    decode_answer,
    encode_frame,
    take_frame,
)
from sja_units.api.http import MAX_HEAD, Head, format_head, measure_body, parse_head
from sja_units.api.problems import Problem
from sja_units.api.routes import parse_request

REQUEST_SECONDS = 10.0  # for a request to arrive, from its first byte to its last
IDLE_SECONDS = 25.0  # a connection may rest that long
WRITE_SECONDS = 30.0  # for a client to take an answer
_FRESH_SECONDS = 5.0  # whoever has just come is about to ask
_END_SECONDS = 3.0
_MOST_DISCARDED = 2**24  # bytes that a client goes on to send after it was refused
_LARGEST_BACKLOG = 2**20  # bytes of events that a client has not taken
_REFUSED = 1  # beside a connection: it is one too many


def drop_rights(uid: int, gid: int, folder: str) -> None:
    """Give up all that a process may do with files. Raises OSError."""
    # The root side tells when to end. And what is loaded on first use cannot be loaded in there.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    "".encode("latin-1")
    os.chroot(folder)
    os.chdir("/")
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    for limit in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE, resource.RLIMIT_NPROC):
        resource.setrlimit(limit, (0, 0))


def run(channel: socket.socket, connections: socket.socket) -> None:
    """Read requests until the root side has gone.

    connections: where it hands over what it has accepted.
    """
    asyncio.run(_Reader(channel, connections).work())


class _Connection:
    """One client."""

    def __init__(self, number: int, writer: asyncio.StreamWriter) -> None:
        self.number = number
        self.writer = writer
        self.waits = True  # for a request of which nothing has come
        self.since = time.monotonic()
        self.frames: asyncio.Queue[Frame] = asyncio.Queue()

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        async with asyncio.timeout(WRITE_SECONDS):
            await self.writer.drain()


class _Reader:
    def __init__(self, channel: socket.socket, connections: socket.socket) -> None:
        self._channel_socket, self._handed = channel, connections
        self._clients: dict[int, _Connection] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._channel: asyncio.StreamWriter | None = None
        self._is_resting = False

    async def work(self) -> None:
        loop = asyncio.get_running_loop()
        reader, self._channel = await asyncio.open_connection(sock=self._channel_socket)
        self._handed.setblocking(False)
        loop.add_reader(self._handed, self._take_connections)
        buffer = bytearray()
        while data := await reader.read(2**18):
            buffer += data
            while frame := take_frame(buffer, LARGEST):
                self._take_frame(frame)
        # What has been answered is still to arrive.
        for client in self._clients.values():
            if client.waits:
                client.writer.close()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_END_SECONDS)

    def _tell(self, word: Word, number: int = 0, data: bytes = b"") -> None:
        assert self._channel is not None
        self._channel.write(encode_frame(Frame(word, number, data)))

    def _take_frame(self, frame: Frame) -> None:
        if frame.word is Word.REST:
            self._rest()
        elif client := self._clients.get(frame.connection):
            client.frames.put_nowait(frame)

    def _rest(self) -> None:
        """Close what waits for a request, and tell whether that was all."""
        late = time.monotonic() - _FRESH_SECONDS
        busy = [c for c in self._clients.values() if not c.waits or c.since > late]
        if busy:
            self._tell(Word.BUSY)
            return
        for client in self._clients.values():
            client.writer.close()
        self._tell(Word.RESTING)

    def _take_connections(self) -> None:
        while True:
            try:
                data, fds, _, _ = socket.recv_fds(self._handed, 16, 1)
            except (BlockingIOError, InterruptedError):
                return
            if not data:
                return
            if fds:
                connection = socket.socket(fileno=fds[0])
                work = self._serve(int.from_bytes(data[:8], "big"), connection, data[8])
                task = asyncio.get_running_loop().create_task(work)
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _serve(self, number: int, connection: socket.socket, mark: int) -> None:
        reader, writer = await asyncio.open_connection(sock=connection, limit=MAX_HEAD)
        client = self._clients[number] = _Connection(number, writer)
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            if mark == _REFUSED:
                await self._refuse(client, Problem(503, "too many connections are open"))
            else:
                while await self._serve_one(client, reader):
                    client.waits, client.since = True, time.monotonic()
        del self._clients[number]
        self._tell(Word.CLOSED, number)
        with suppress(OSError):
            await _close(reader, writer)

    async def _serve_one(self, client: _Connection, reader: asyncio.StreamReader) -> bool:
        """Answer one request; return whether another one may follow."""
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                first = await reader.read(1)
        except TimeoutError:
            return False
        if not first:
            return False
        client.waits = False
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                head = await _read_head(first, reader)
                size = measure_body(head)
                if size and head.expects_word:
                    await client.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                body = await reader.readexactly(size)
        except TimeoutError:
            await self._refuse(client, Problem(400, "the request took too long to arrive"))
            return False
        except Problem as problem:
            await self._refuse(client, problem)
            return False
        try:
            request = parse_request(head.method, head.target, head.headers, body)
        except Problem as problem:
            await _answer(client, head, make_answer(problem))
            return head.keeps_open
        self._tell(Word.REQUEST, client.number, requests.encode(request))
        return await self._pass_answer(client, head, reader)

    async def _pass_answer(
        self, client: _Connection, head: Head, reader: asyncio.StreamReader
    ) -> bool:
        frame = await client.frames.get()
        answer = decode_answer(frame.data)
        if not answer.goes_on:
            await _answer(client, head, answer)
            return head.keeps_open
        # Whoever follows events says nothing more: its end is the only word.
        gone = asyncio.ensure_future(reader.read(1))
        client.writer.write(_format_head(answer, None, keeps_open=False))
        while not gone.done():
            part = asyncio.ensure_future(client.frames.get())
            await asyncio.wait([part, gone], return_when=asyncio.FIRST_COMPLETED)
            if not part.done():
                part.cancel()
                break
            if client.writer.transport.get_write_buffer_size() > _LARGEST_BACKLOG:
                client.writer.transport.abort()
                break
            data = part.result().data
            client.writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            if part.result().word is Word.END:
                break
        gone.cancel()
        return False

    async def _refuse(self, client: _Connection, problem: Problem) -> None:
        answer = make_answer(problem)
        head = _format_head(answer, len(answer.body), keeps_open=False)
        await client.write(head + answer.body)


def make_answer(problem: Problem) -> Answer:
    """Return the answer that tells of a problem."""
    return Answer(problem.status, problem.render(), "application/problem+json", problem.headers)


async def _read_head(first: bytes, reader: asyncio.StreamReader) -> Head:
    # An empty line before a request is passed over: RFC 9112, 2.2.
    while first in (b"\r", b"\n"):
        first = await reader.readexactly(1)
    try:
        data = first + await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise Problem(400, f"the head is longer than {MAX_HEAD} bytes") from None
    return parse_head(data[:-4])


async def _answer(client: _Connection, head: Head, answer: Answer) -> None:
    data = _format_head(answer, len(answer.body), keeps_open=head.keeps_open)
    await client.write(data if head.method == "HEAD" else data + answer.body)


def _format_head(answer: Answer, length: int | None, *, keeps_open: bool) -> bytes:
    # A body that is empty has no type.
    kind = [("Content-Type", answer.content_type)] if length is None or length else []
    return format_head(answer.status, [*kind, *answer.headers], length, keeps_open=keeps_open)


async def _close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """End a connection so that what was written last arrives: the other end closes first."""
    if writer.can_write_eof():
        writer.write_eof()
    with suppress(TimeoutError):
        async with asyncio.timeout(1):
            left = _MOST_DISCARDED
            while left > 0 and (data := await reader.read(2**16)):
                left -= len(data)
    writer.close()
