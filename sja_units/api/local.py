"""Requests of a root process that needs no socket: decided and carried out where it stands."""

from collections.abc import Mapping

from sja_units.api.channel import Answer
from sja_units.api.door import Door
from sja_units.api.policy import Peer
from sja_units.api.problems import Problem
from sja_units.api.reader import make_answer
from sja_units.api.routes import parse_request
from sja_units.api.views import DirectViews


def answer(
    method: str, target: str, headers: Mapping[str, str], body: bytes
) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers (by their names in lower case) and body of the answer to root."""
    lower = {name.lower(): value for name, value in headers.items()}
    try:
        request = parse_request(method, target, lower, body)
        if request.action == "events":
            raise Problem(503, "events need the door: systemctl start sja-api.socket")
        made = Door(DirectViews()).answer(_find_self(), request)
    except Problem as problem:
        made = make_answer(problem)
    return made.status, _lower_headers(made), made.body


def _find_self() -> Peer:
    import os

    return Peer(os.geteuid(), frozenset(os.getgroups()), os.getpid())


def _lower_headers(answer: Answer) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.headers}
