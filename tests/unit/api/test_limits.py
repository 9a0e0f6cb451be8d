"""How many jobs a grant lets be made, and how fast."""

from pathlib import Path

import pytest

from sja_units.api import limits
from sja_units.api.policy import Grant
from sja_units.api.problems import Problem
from sja_units.job import Job
from sja_units.jobs.inventory import Head

GRANT = Grant("booking", 1000, None, frozenset({"booking"}), frozenset(), 3, 2)


@pytest.fixture(autouse=True)
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """The jobs that there are, all made from the template."""
    found: list[Job] = []
    monkeypatch.setattr(limits, "_PATH", str(tmp_path / "creates"))
    monkeypatch.setattr(limits, "list_configured", lambda: found)
    monkeypatch.setattr(limits, "read_head", lambda _: Head("", True, "booking"))
    return found


def refusal(grants: list[Grant], now: float) -> Problem:
    with pytest.raises(Problem) as caught:
        limits.take_place(grants, now)
    return caught.value


def test_a_minute_has_room_for_so_many() -> None:
    limits.take_place([GRANT], 100)
    limits.take_place([GRANT], 101)
    late = refusal([GRANT], 102)
    assert (late.status, late.headers) == (429, (("Retry-After", "59"),))
    limits.take_place([GRANT], 160.5)


def test_a_grant_that_is_full_is_full(jobs: list[Job]) -> None:
    jobs += [Job("keepalive", name) for name in "abc"]
    assert refusal([GRANT], 100).status == 403
    other = GRANT._replace(name="other", max_jobs=4)
    limits.take_place([GRANT, other], 100)


def test_no_grant_gives_no_place() -> None:
    assert refusal([], 100).status == 403
