"""The root side of the door: accepts, knows who is there, lets requests be answered in turn."""

import os
import selectors
import signal
import socket
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress

from sja_units.api.channel import (
    LARGEST_REQUEST,
    Answer,
    Frame,
    Word,
    encode_answer,
    encode_frame,
    take_frame,
)
from sja_units.api.door import Door
from sja_units.api.events import ALIVE_SECONDS, Events
from sja_units.api.peer import read_peer
from sja_units.api.policy import Peer
from sja_units.api.problems import Problem
from sja_units.api.request import Malformed, Request, decode
from sja_units.api.views import WatchedViews

IDLE_SECONDS = 30.0
MOST_CONNECTIONS = 300
MOST_BY_UID = 64
MOST_AT_ONCE = 64  # requests being answered
MOST_AT_ONCE_BY_UID = 8  # the others wait for their turn
STOP_SECONDS = 80.0  # for what is being carried out when the service is stopped

_OPEN, _REFUSED = b"\0", b"\1"


class Server:
    """Serves until nobody has asked for a while, or until it is told to stop."""

    def __init__(
        self, listening: socket.socket, channel: socket.socket, handing: socket.socket
    ) -> None:
        """channel, handing: towards the reader: frames, and connections."""
        self._listening, self._channel, self._handing = listening, channel, handing
        self._peers: dict[int, Peer] = {}
        self._count = 0
        self._by_uid: Counter[int] = Counter()
        self._buffer = bytearray()
        self._sending = threading.Lock()
        self._events = Events(lambda number, data: self._send(Word.PART, number, data))
        self._views = WatchedViews(self._events.publish)
        self._door = Door(self._views)
        self._waiting: dict[int, deque[tuple[int, Peer, Request]]] = {}
        self._working: Counter[int] = Counter()
        self._finished: deque[int] = deque()
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        self._last = time.monotonic()
        self._told_alive = self._last
        self._is_over = False
        self._rests = False

    def serve(self) -> None:
        """Serve; return when all that was ordered has been carried out."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop())
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        selector = selectors.DefaultSelector()
        self._listening.setblocking(False)
        handlers: dict[socket.socket, Callable[[], None]] = {
            self._listening: self._accept,
            self._channel: self._receive,
            self._woken: self._wake,
        }
        for each, handler in handlers.items():
            selector.register(each, selectors.EVENT_READ, handler)
        try:
            while not self._is_over:
                for key, _ in selector.select(self._find_pause()):
                    key.data()
                self._look_at_clock()
            self._finish()
        finally:
            self._views.close()

    def _stop(self) -> None:
        self._is_over = True

    def _find_pause(self) -> float:
        now = time.monotonic()
        due = self._told_alive + ALIVE_SECONDS if self._events.connections else now + 60
        if not self._is_busy:
            due = min(due, self._last + IDLE_SECONDS)
        return max(0.05, due - now)

    @property
    def _is_busy(self) -> bool:
        return bool(self._working or self._events.connections)

    def _look_at_clock(self) -> None:
        now = time.monotonic()
        if now >= self._told_alive + ALIVE_SECONDS:
            self._told_alive = now
            self._events.tell_alive()
        if not self._is_busy and now >= self._last + IDLE_SECONDS and not self._rests:
            # Connections that wait for a request are closed; one that has just sent some of it
            # keeps the service up.
            self._rests = True
            self._send(Word.REST)

    def _accept(self) -> None:
        if self._rests:
            self._last = time.monotonic()  # whoever comes now is served by this one
        try:
            connection, _ = self._listening.accept()
        except OSError as error:
            # Out of descriptors, for instance: whoever is there waits a moment.
            print(f"<4>cannot accept a connection: {error}", file=sys.stderr, flush=True)
            time.sleep(0.05)
            return
        with connection:
            self._last = time.monotonic()
            try:
                peer = read_peer(connection)
            except OSError as error:
                print(f"<4>cannot tell who is there: {error}", file=sys.stderr, flush=True)
                return
            if len(self._peers) >= MOST_CONNECTIONS:
                return
            self._count += 1
            mark = _OPEN if self._by_uid[peer.uid] < MOST_BY_UID or peer.uid == 0 else _REFUSED
            self._peers[self._count] = peer
            self._by_uid[peer.uid] += 1
            data = self._count.to_bytes(8, "big") + mark
            socket.send_fds(self._handing, [data], [connection.fileno()])

    def _receive(self) -> None:
        data = self._channel.recv(2**18)
        if not data:
            print("<3>the reader has ended", file=sys.stderr, flush=True)
            self._is_over = True
            return
        self._buffer += data
        while frame := take_frame(self._buffer, LARGEST_REQUEST):
            self._take(frame)

    def _take(self, frame: Frame) -> None:
        if frame.word is Word.REQUEST:
            self._take_request(frame)
        elif frame.word is Word.CLOSED:
            self._events.remove(frame.connection)
            peer = self._peers.pop(frame.connection, None)
            if peer is not None:
                self._by_uid[peer.uid] -= 1
        elif frame.word is Word.RESTING:
            # A connection that was accepted since then is there, and served.
            self._rests = False
            if not self._is_busy and time.monotonic() >= self._last + IDLE_SECONDS:
                self._is_over = True
        elif frame.word is Word.BUSY:
            self._rests = False
            self._last = time.monotonic()

    def _take_request(self, frame: Frame) -> None:
        self._last = time.monotonic()
        peer = self._peers.get(frame.connection)
        if peer is None:
            return
        try:
            request = decode(frame.data)
        except Malformed as error:
            # Only a reader that somebody has got hold of sends such a thing.
            print(f"<2>the reader sent what is no request: {error}", file=sys.stderr, flush=True)
            self._is_over = True
            return
        if request.action == "events":
            self._send_answer(
                frame.connection, Answer(200, b"", "application/x-ndjson", goes_on=True)
            )
            self._events.add(frame.connection, peer)
            self._views.follow()
            return
        self._waiting.setdefault(peer.uid, deque()).append((frame.connection, peer, request))
        self._begin_next()

    def _begin_next(self) -> None:
        """Let those work whose turn it is, each user's in their order."""
        for uid, requests in list(self._waiting.items()):
            while requests and self._may_begin(uid):
                number, peer, request = requests.popleft()
                self._working[uid] += 1
                words = (number, peer, request)
                work = threading.Thread(target=self._work, args=words, daemon=True)
                try:
                    work.start()
                except RuntimeError:  # there is no room for another thread
                    self._working[uid] -= 1
                    self._send_answer(number, _make_answer(Problem(503, "too much is going on")))
            if not requests:
                del self._waiting[uid]

    def _may_begin(self, uid: int) -> bool:
        own = self._working[uid]
        return own < MOST_AT_ONCE_BY_UID and self._working.total() < MOST_AT_ONCE

    def _work(self, number: int, peer: Peer, request: Request) -> None:
        try:
            answer = self._door.answer(peer, request)
        except Problem as problem:
            answer = _make_answer(problem)
        self._send_answer(number, answer)
        self._finished.append(peer.uid)
        with suppress(OSError):
            self._waker.send(b"\0")

    def _wake(self) -> None:
        with suppress(BlockingIOError):
            self._woken.recv(4096)
        while self._finished:
            uid = self._finished.popleft()
            self._working[uid] -= 1
            if not self._working[uid]:
                del self._working[uid]
            self._last = time.monotonic()
        self._begin_next()

    def _send_answer(self, number: int, answer: Answer) -> None:
        self._send(Word.ANSWER, number, encode_answer(answer))

    def _send(self, word: Word, number: int = 0, data: bytes = b"") -> None:
        with self._sending, suppress(OSError):  # without a reader there is nobody to tell
            self._channel.sendall(encode_frame(Frame(word, number, data)))

    def _finish(self) -> None:
        """Wait for what is being carried out, and let its answers arrive."""
        end = time.monotonic() + STOP_SECONDS
        while (self._working or self._waiting) and time.monotonic() < end:
            time.sleep(0.02)
            self._wake()
        for number in self._events.connections:
            self._send(Word.END, number)
        self._channel.shutdown(socket.SHUT_WR)
        # The reader ends when it has passed all on.
        self._channel.settimeout(5)
        with suppress(OSError):
            while self._channel.recv(2**16):
                pass


def _make_answer(problem: Problem) -> Answer:
    return Answer(problem.status, problem.render(), "application/problem+json", problem.headers)


def count_descriptors() -> int:
    """Return how many sockets systemd has handed over."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return 0
    return int(os.environ.get("LISTEN_FDS", "0"))
