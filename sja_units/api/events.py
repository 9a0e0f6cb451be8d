"""Who follows the jobs, and what each of them is told."""

import json
import re
import threading
from collections.abc import Callable
from typing import Any

from sja_units.api.access import read_access
from sja_units.api.policy import Peer
from sja_units.jobs.snapshot import JobStatus

ALIVE_SECONDS = 15.0
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT.*")
# What differs at each look without telling anything new.
_FLOWING = ("memory_bytes", "cpu_seconds")

Send = Callable[[int, bytes], None]
"""Sends a connection its next part."""


class _Follower:
    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.known: dict[str, str] = {}  # by job, what tells one news from the next
        self.is_ready = False


class Events:
    """Tells followers of jobs that they may see, as these change. Used by several threads."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._followers: dict[int, _Follower] = {}
        self._lock = threading.Lock()

    def add(self, connection: int, peer: Peer) -> None:
        """Let a connection follow; the next `publish` tells it of all that it may see."""
        with self._lock:
            self._followers[connection] = _Follower(peer)

    def remove(self, connection: int) -> None:
        """Forget a connection that has ended."""
        with self._lock:
            self._followers.pop(connection, None)

    @property
    def connections(self) -> list[int]:
        with self._lock:
            return list(self._followers)

    def publish(self, views: list[JobStatus]) -> bool:
        """Tell each follower what is new to it; return whether there is any."""
        objects = [(view.template, view.as_json()) for view in views]
        told = [(template, obj, _find_essence(obj)) for template, obj in objects]
        with self._lock:
            for connection, follower in self._followers.items():
                self._tell(connection, follower, told)
            return bool(self._followers)

    def _tell(
        self,
        connection: int,
        follower: _Follower,
        told: list[tuple[str | None, dict[str, Any], str]],
    ) -> None:
        access = read_access(follower.peer)
        news: list[dict[str, Any]] = []
        seen = set()
        for template, obj, essence in told:
            if not access.can("see", template):
                continue
            job = obj["job"]
            seen.add(job)
            if follower.known.get(job) != essence:
                follower.known[job] = essence
                news.append({"event": "job", "job": obj})
        for job in follower.known.keys() - seen:
            del follower.known[job]
            news.append({"event": "removed", "job": job})
        if not follower.is_ready:
            follower.is_ready = True
            news.append({"event": "ready"})
        if news:
            lines = (json.dumps(each, ensure_ascii=False) + "\n" for each in news)
            self._send(connection, "".join(lines).encode())

    def tell_alive(self) -> None:
        """Let each follower know that nothing is broken."""
        with self._lock:
            ready = [number for number, each in self._followers.items() if each.is_ready]
        for connection in ready:
            self._send(connection, b'{"event": "alive"}\n')


def _find_essence(obj: dict[str, Any]) -> str:
    """Return what tells an object of a job from one with news: not its counters and clocks."""
    fixed = {key: value for key, value in obj.items() if key not in (*_FLOWING, "health")}
    return json.dumps([fixed, _take_words(obj.get("health"))], sort_keys=True)


def _take_words(value: Any) -> Any:
    """Return what a worker's report says in words, without numbers and times."""
    if isinstance(value, dict):
        return {key: _take_words(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_take_words(item) for item in value]
    if isinstance(value, bool):
        return value
    return value if isinstance(value, str) and not _MOMENT.fullmatch(value) else None
