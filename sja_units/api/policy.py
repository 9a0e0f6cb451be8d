"""Who may do what. Pure: nothing here touches the disk, and nothing is allowed that is not named.

`may` is the only way to a yes.
"""

from collections.abc import Iterable
from typing import Literal, NamedTuple, get_args

Verb = Literal[
    "see",
    "create",
    "change",
    "remove",
    "start",
    "stop",
    "restart",
    "cookies",
    "cookies-read",
    "log",
    "samples",
]
VERBS: tuple[Verb, ...] = get_args(Verb)

_NOBODY = 65534  # the overflow id as well: what a user namespace hides
_DYNAMIC = range(61184, 65520)  # systemd's for DynamicUser=, see uid-gid.md of systemd


class Peer(NamedTuple):
    """Who is at the other end of a connection, by what the kernel says; never by a request."""

    uid: int
    gids: frozenset[int]
    pid: int = 0
    unit: str = ""  # the systemd unit that it runs in, as far as known


class Grant(NamedTuple):
    """What members of a group, or one user, may do."""

    name: str  # of its file
    uid: int | None  # None where it is for a group, or for a user that there is not
    gid: int | None
    templates: frozenset[str]
    verbs: frozenset[str]
    max_jobs: int
    creates_per_minute: int


def may(peer: Peer, grants: Iterable[Grant], verb: Verb, template: str | None) -> list[Grant]:
    """Return the grants by which a peer may do that with jobs of a template; none: it may not.

    template: None for a job that was made from none, which is root's alone. What root may do
    follows from no grant: see `is_root`.
    """
    if template is None:
        return []
    return [
        grant
        for grant in grants
        if verb in grant.verbs and template in grant.templates and _is_meant(peer, grant)
    ]


def knows(peer: Peer, grants: Iterable[Grant], template: str | None) -> bool:
    """Tell whether a peer may do anything at all with jobs of a template."""
    held = list(grants)
    return any(may(peer, held, verb, template) for verb in VERBS)


def is_root(peer: Peer) -> bool:
    """Tell who may do all."""
    return peer.uid == 0


def _is_meant(peer: Peer, grant: Grant) -> bool:
    if grant.uid is not None:
        return peer.uid == grant.uid and not _is_nobody(peer.uid)
    return grant.gid is not None and grant.gid in peer.gids and not _is_nobody(grant.gid)


def _is_nobody(number: int) -> bool:
    """Tell an id that stands for nobody, or for a different one each time."""
    return number == _NOBODY or number in _DYNAMIC or number < 0
