"""Answers one request: decides, carries it out, says what came of it."""

import sys
import threading
import traceback
from collections.abc import Callable

from sja_units.api import orders, queries
from sja_units.api.access import Access, make_absence, read_access
from sja_units.api.channel import Answer
from sja_units.api.policy import Peer
from sja_units.api.problems import Problem
from sja_units.api.queries import make_json
from sja_units.api.request import Request
from sja_units.api.views import Views
from sja_units.errors import ConfigError, NoSuchJob, NotAllowed, SjaError, UsageError
from sja_units.job import Job
from sja_units.systemd.client import Systemd


class _GatheringSystemd(Systemd):
    """A connection whose reloads count for all who wait for one."""

    _guard = threading.Lock()
    _turn = threading.Lock()
    _begun = 0

    def reload(self) -> None:
        """Let systemd read unit files again, once for all that were written before."""
        own = _GatheringSystemd
        with own._guard:
            needed = own._begun + 1
        with own._turn:
            # A reload that began after this was asked for has read what was written.
            if own._begun < needed:
                with own._guard:
                    own._begun += 1
                super().reload()


class Door:
    """Answers requests, from any thread."""

    def __init__(self, views: Views) -> None:
        self._views = views

    def answer(self, peer: Peer, request: Request) -> Answer:
        """Return the answer to a request. Raises Problem, and nothing else."""
        try:
            return self._answer(read_access(peer), request)
        except Problem:
            raise
        except UsageError as fault:
            raise Problem(400, fault.message) from None
        except NoSuchJob as fault:
            raise Problem(404, fault.message) from None
        except ConfigError as fault:
            print(f"<3>{fault}", file=sys.stderr, flush=True)
            raise Problem(
                503, "a file of this job is faulty: an administrator has to mend it"
            ) from None
        except (NotAllowed, SjaError) as fault:
            raise Problem(503, fault.message) from None
        except OSError as error:
            raise Problem(503, f"{error.filename or 'the system'}: {error.strerror}") from None
        except Exception:  # a fault of ours must not take the others' answers along
            traceback.print_exc()
            raise Problem(503, "the door failed: its journal tells why") from None

    def _answer(self, access: Access, request: Request) -> Answer:
        if request.action == "list":
            views = self._views.list_all()
            return make_json([v.as_json() for v in views if access.can("see", v.template)])
        if request.action == "get":
            return self._get(access, request)
        if look := _QUERIES.get(request.action):
            return look(access, request)
        return self._order(access, request)

    def _get(self, access: Access, request: Request) -> Answer:
        job = Job(request.kind, request.name)
        if not access.is_root:
            access.require_on("see", job)
        return self._show(job)

    def _show(self, job: Job, status: int = 200) -> Answer:
        view = self._views.get(job)
        if not view.configured and view.state == "unconfigured" and not view.wanted:
            raise make_absence(job)
        return make_json(view.as_json(), status=status, etag=orders.read_etag(job))

    def _order(self, access: Access, request: Request) -> Answer:
        job = Job(request.kind, request.name)
        status = 200
        with _GatheringSystemd() as systemd:
            if request.action == "put":
                status = 201 if orders.put(systemd, access, request).is_new else 200
            elif request.action == "remove":
                orders.remove(systemd, access, request)
                return Answer(204)
            elif request.action == "set-cookies":
                orders.give_cookies(systemd, access, request)
            elif request.action in ("start", "stop", "restart"):
                orders.carry_out(systemd, access, request.action, job)
        return self._show(job, status)


_QUERIES: dict[str, Callable[[Access, Request], Answer]] = {
    "cookies": queries.get_cookies,
    "runs": queries.list_runs,
    "log": queries.read_log,
    "samples": queries.list_samples,
    "last": queries.read_last_cycle,
}
