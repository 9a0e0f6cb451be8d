"""Followers are told what is new to them, and of what they may see alone."""

import json
from typing import Any

import pytest

from sja_units.api import events
from sja_units.api.access import Access
from sja_units.api.events import Events
from sja_units.api.policy import Grant, Peer
from sja_units.job import Job
from sja_units.jobs.snapshot import JobStatus
from sja_units.jobs.state import State
from tests.unit.statuses import make_status

ROOT, MEMBER = Peer(0, frozenset()), Peer(1000, frozenset({1000}))
GRANT = Grant("g", None, 1000, frozenset({"mine"}), frozenset({"see"}), 1, 1)


def job(
    name: str, state: State = "running", template: str | None = "mine", **more: Any
) -> JobStatus:
    return make_status(state, job=Job("acquisition", name), template=template, **more)


class Followers:
    """Two who follow, and what each was told since the last look."""

    def __init__(self) -> None:
        self.told: dict[int, list[Any]] = {1: [], 2: []}
        self.events = Events(self.send)
        self.events.add(1, ROOT)
        self.events.add(2, MEMBER)

    def send(self, number: int, data: bytes) -> None:
        self.told[number] += map(json.loads, data.splitlines())

    def hear(self, *jobs: JobStatus) -> tuple[list[str], list[str]]:
        for told in self.told.values():
            told.clear()
        self.events.publish(list(jobs))
        root, member = ([self.tell(each) for each in told] for told in self.told.values())
        return root, member

    @staticmethod
    def tell(event: Any) -> str:
        said = event.get("job", "")
        words = f"{said['name']} {said['state']}" if isinstance(said, dict) else said
        return f"{event['event']} {words}"


@pytest.fixture
def followers(monkeypatch: pytest.MonkeyPatch) -> Followers:
    monkeypatch.setattr(events, "read_access", lambda peer: Access(peer, (GRANT,)))
    return Followers()


def test_each_is_told_all_that_it_may_see_then_what_changes(followers: Followers) -> None:
    mine, other = job("mine"), job("other", template="other")
    by_hand = job("hand", template=None)
    root, member = followers.hear(mine, other, by_hand)
    assert root == ["job mine running", "job other running", "job hand running", "ready "]
    assert member == ["job mine running", "ready "]
    assert followers.hear(mine, other, by_hand) == ([], [])
    changed = job("other", "failed", template="other")
    assert followers.hear(mine, changed, by_hand) == (["job other failed"], [])
    assert followers.hear(changed, by_hand) == (
        ["removed acquisition/mine"],
        ["removed acquisition/mine"],
    )


def test_counters_and_clocks_are_no_news_but_words_are(followers: Followers) -> None:
    def look(cycles: int, device: str) -> JobStatus:
        moment = f"2026-01-01T00:00:{cycles:02}Z"
        devices = {"press1": {"state": device, "last_success": moment}}
        health = {"cycles": cycles, "updated": moment, "devices": devices}
        return job("line1", health=health, memory_bytes=cycles, cpu_seconds=cycles / 10)

    followers.hear(look(1, "healthy"))
    assert followers.hear(look(2, "healthy")) == ([], [])
    assert followers.hear(look(3, "timeout"))[1] == ["job line1 running"]


def test_who_may_see_no_more_is_told_that_it_is_gone(
    followers: Followers, monkeypatch: pytest.MonkeyPatch
) -> None:
    followers.hear(job("mine"))
    monkeypatch.setattr(events, "read_access", lambda peer: Access(peer, ()))
    assert followers.hear(job("mine")) == ([], ["removed acquisition/mine"])


def test_alive_is_for_who_has_been_told_all(followers: Followers) -> None:
    followers.events.tell_alive()
    assert followers.told == {1: [], 2: []}
    followers.hear()
    followers.events.tell_alive()
    assert followers.told[2][-1] == {"event": "alive"}
    followers.events.remove(2)
    assert followers.events.connections == [1]
    assert followers.events.publish([])
    followers.events.remove(1)
    assert not followers.events.publish([])
