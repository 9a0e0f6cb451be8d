"""What changes something: jobs that are made, changed, removed, started, stopped, given cookies."""

import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from sja_units.actions import order as actions
from sja_units.actions.cookies import check_jar, choose_order
from sja_units.api.access import Access, find_template
from sja_units.api.limits import take_place
from sja_units.api.make import Made, Unfit, make_file
from sja_units.api.policy import Verb
from sja_units.api.problems import Fault, Problem
from sja_units.api.request import Request
from sja_units.api.templates import Template, read_template
from sja_units.config.job_file import JobFile, read_file
from sja_units.config.origin import is_edited
from sja_units.errors import ConfigError, SjaError
from sja_units.job import Job
from sja_units.jobs import manager
from sja_units.jobs.drop_ins import apply_drop_ins
from sja_units.jobs.files import Changed, change_file, create_file, read_job
from sja_units.jobs.state import is_active
from sja_units.jobs.status import get_status
from sja_units.keepalive.jar import decode_jar, parse_jar
from sja_units.kinds import is_keepalive
from sja_units.systemd.client import Systemd
from sja_units.systemd.journal_send import API_ORDER, send
from sja_units.systemd.unit import Verb as UnitVerb


class Outcome(NamedTuple):
    """What an order came to."""

    is_new: bool


def compute_etag(text: str) -> str:
    """Return the tag that tells one version of a job's file from another."""
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def read_etag(job: Job) -> str:
    """Return the tag of a job's file, "" where it has none that can be read."""
    try:
        return compute_etag(read_file(job.config_path))
    except (OSError, ConfigError):
        return ""


def put(systemd: Systemd, access: Access, request: Request) -> Outcome:
    """Make a job, or replace its file. Raises Problem, SjaError, OSError."""
    job = Job(request.kind, request.name)
    # Nothing is told of other jobs to who may make none of that name.
    if not access.can("change", request.template):
        access.require("create", request.template)
    template = _find_template(request, job)
    with _alone(job):
        old = _read_old(job, request)
        verb: Verb = "create" if old is None else "change"
        grants = access.require(verb, request.template)
        if request.start:
            access.require("start", request.template)
        if request.jar is not None:
            access.require("cookies", request.template)
        _check_conditions(request, old)
        made = _make(template, request, job, old)
        jar = _check_jar(request, job, made.file)
        if old is None:
            _check_left(access, job)
            if grants:
                take_place(grants)
        tell(access, verb, job)
        _write(job, old, made.text)
        if jar is not None:
            manager.give_jar(job, jar)
        apply_drop_ins(systemd, {job: made.file})
    can_start = access.can("start", request.template)
    begins = request.start if request.start is not None else old is None and can_start
    _begin(systemd, job, begins, made.text != old or jar is not None, request.start is not False)
    return Outcome(old is None)


def _write(job: Job, old: str | None, new: str) -> None:
    try:
        if old is None:
            create_file(job, new)
            with suppress(FileNotFoundError):
                os.unlink(job.left_path)
        elif new != old:
            change_file(job, old, new)
    except Changed as fault:
        raise Problem(409, fault.message) from None


def _begin(systemd: Systemd, job: Job, begins: bool, changed: bool, may_restart: bool) -> None:
    """Let a job run as its new file says. How that went, its state tells."""
    (view,) = get_status(systemd, [job])
    if is_active(view.state) or view.state in ("starting", "restarting"):
        if changed and may_restart:
            list(actions.carry_out(systemd, "restart", [view]))
    elif begins:
        list(actions.carry_out(systemd, "start", [view]))


def _read_old(job: Job, request: Request) -> str | None:
    """Return the text of a job's file, None where there is none. Raises Problem for another's."""
    if not os.path.lexists(job.config_path):
        return None
    if find_template(job) != request.template:
        raise Problem(409, f"the name {job} is taken by another job")
    return read_file(job.config_path)


def _check_conditions(request: Request, old: str | None) -> None:
    tag = None if old is None else compute_etag(old)
    if request.if_match and not _matches(request.if_match, tag):
        raise Problem(412, "the job's file is not the one that If-Match names")
    if request.if_none_match and _matches(request.if_none_match, tag):
        raise Problem(412, "there is such a job")


def _matches(condition: str, tag: str | None) -> bool:
    if condition.strip() == "*":
        return tag is not None
    return tag in [word.strip() for word in condition.split(",")]


def _find_template(request: Request, job: Job) -> Template:
    try:
        template = read_template(request.template)
    except FileNotFoundError:
        fault = Fault("template", "there is no such template")
        raise Problem(422, fault.message, errors=[fault]) from None
    except ConfigError:
        raise Problem(503, f"the template {request.template} is faulty") from None
    if not template.fits(job.kind, job.name):
        words = f"{template.kind} jobs whose names match {template.names}"
        raise Problem(403, f"the template {template.name} is for {words}")
    return template


def _make(template: Template, request: Request, job: Job, old: str | None) -> Made:
    created = ""
    if old is not None:
        try:
            origin = read_job(job).origin
        except ConfigError:
            origin = None
        if request.if_match.strip() in ("", "*") and (origin is None or is_edited(origin, old)):
            raise Problem(412, "somebody has edited the job's file: name its ETag in If-Match")
        created = origin.created if origin else ""
    try:
        return make_file(template, dict(request.values), created)
    except Unfit as unfit:
        errors = [*unfit.faults, *_find_jar_faults(request, job)]
        raise Problem(422, "the values make no job", errors=errors) from None


def _check_jar(request: Request, job: Job, file: JobFile) -> str | None:
    if request.jar is None:
        return None
    message = "" if is_keepalive(job) else "only keepalive jobs hold cookies"
    try:
        if not message:
            return check_jar(request.jar, file)
    except SjaError as fault:
        message = fault.message
    raise Problem(422, "the cookies cannot be taken", errors=[Fault("cookies", message)])


def _find_jar_faults(request: Request, job: Job) -> Iterator[Fault]:
    """Yield what is wrong with a jar whatever the job's page is."""
    if request.jar is not None and is_keepalive(job):
        try:
            parse_jar(decode_jar(request.jar), "localhost")
        except SjaError as fault:
            yield Fault("cookies", fault.message)


def _check_left(access: Access, job: Job) -> None:
    """Refuse a name under which a job that is gone has left its state, unless that was one's own.

    What a new job finds there, it would take for its own.
    """
    if access.is_root or not os.path.lexists(job.state_dir):
        return
    try:
        with open(job.left_path, encoding="utf-8") as file:
            left = file.read()
    except OSError:
        left = ""
    if not access.can("create", left):
        raise Problem(409, f"a job that is gone has left its state under the name {job}")


def give_cookies(systemd: Systemd, access: Access, request: Request) -> None:
    """Give a job new cookies, and let it take them up. Raises Problem, SjaError, OSError."""
    job = Job(request.kind, request.name)
    with _alone(job):
        access.require_on("cookies", job)
        jar = _check_jar(request, job, read_job(job))
        assert jar is not None
        tell(access, "cookies", job)
        manager.give_jar(job, jar)
    (view,) = get_status(systemd, [job])
    if verb := choose_order(view):
        list(actions.carry_out(systemd, verb, [view]))


def carry_out(systemd: Systemd, access: Access, verb: UnitVerb, job: Job) -> None:
    """Start, stop or restart a job. Raises Problem where it did not do as told."""
    access.require_on(verb, job)
    tell(access, verb, job)
    for result in list(actions.carry_out(systemd, verb, get_status(systemd, [job]))):
        if result.result != "done":
            raise Problem(409, actions.explain_failure(systemd, verb, result))


def remove(systemd: Systemd, access: Access, request: Request) -> None:
    """Remove a job. Raises Problem, SjaError, OSError."""
    job = Job(request.kind, request.name)
    with _alone(job):
        access.require_on("remove", job)
        tag = read_etag(job)
        if request.if_match and not _matches(request.if_match, tag):
            raise Problem(412, "the job's file is not the one that If-Match names")
        tell(access, "remove", job)
        manager.remove(systemd, job, keep_state=request.keep_state)


def tell(access: Access, verb: Verb, job: Job) -> None:
    """Write an order into the journal: who gave it, and what."""
    peer = access.peer
    words = f"{job}: {verb} ordered by uid {peer.uid}" + (f", {peer.unit}" if peer.unit else "")
    send(
        API_ORDER,
        words,
        job,
        sja_verb=verb,
        sja_peer_uid=str(peer.uid),
        sja_peer_pid=str(peer.pid),
        sja_peer_unit=peer.unit,
    )


_locks: dict[Job, tuple[threading.Lock, int]] = {}
_guard = threading.Lock()


@contextmanager
def _alone(job: Job) -> Iterator[None]:
    """Keep those apart who write one job's files."""
    with _guard:
        lock, users = _locks.get(job, (threading.Lock(), 0))
        _locks[job] = lock, users + 1
    try:
        with lock:
            yield
    finally:
        with _guard:
            lock, users = _locks[job]
            if users == 1:
                del _locks[job]
            else:
                _locks[job] = lock, users - 1
