"""What a peer may see and do here and now."""

import sys
from typing import NamedTuple

from sja_units.api.grants import read_grants
from sja_units.api.policy import Grant, Peer, Verb, is_root, knows, may
from sja_units.api.problems import Problem
from sja_units.errors import ConfigError
from sja_units.job import Job
from sja_units.jobs.inventory import list_configured, read_head


class Access(NamedTuple):
    """A peer with the grants of this host."""

    peer: Peer
    grants: tuple[Grant, ...]

    @property
    def is_root(self) -> bool:
        return is_root(self.peer)

    def can(self, verb: Verb, template: str | None) -> bool:
        """Tell whether the peer may do that with jobs of a template."""
        return self.is_root or bool(may(self.peer, self.grants, verb, template))

    def require(self, verb: Verb, template: str | None) -> list[Grant]:
        """Return the grants that allow it; none for root, who needs none. Raises Problem."""
        allowing = may(self.peer, self.grants, verb, template)
        if not allowing and not self.is_root:
            raise Problem(403, f"no grant allows you {verb!r} there")
        return allowing

    def require_on(self, verb: Verb, job: Job) -> str | None:
        """Return the template of a job that there is and with which the peer may do that.

        Raises Problem: to a peer that may do nothing with a job, there is none of that name.
        """
        template = find_template(job)
        if template is None and (not self.is_root or job not in list_configured()):
            raise make_absence(job)
        if not self.is_root and not knows(self.peer, self.grants, template):
            raise make_absence(job)
        self.require(verb, template)
        return template


def make_absence(job: Job) -> Problem:
    """Return what is said of a job that there is not, or not for who asks."""
    return Problem(404, f"there is no job {job}")


def find_template(job: Job) -> str | None:
    """Return the template that a job was made from, None for no job and one made by hand."""
    return read_head(job).template


def read_access(peer: Peer) -> Access:
    """Return what a peer may do; a grant whose file is faulty allows nothing, and is told."""
    if is_root(peer):
        return Access(peer, ())
    grants = []
    for grant in read_grants():
        if isinstance(grant, ConfigError):
            _tell_once(str(grant))
        else:
            grants.append(grant)
    return Access(peer, tuple(grants))


_told: set[str] = set()


def _tell_once(words: str) -> None:
    if words not in _told:
        _told.add(words)
        print(f"<3>{words}", file=sys.stderr, flush=True)
