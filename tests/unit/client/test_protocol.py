"""What managers ask, and what they make of answers."""

import json
import subprocess
import sys

import pytest

from sja_units import client
from sja_units.client.protocol import (
    EventReader,
    Head,
    ask_create,
    ask_job,
    ask_replace,
    make_reply,
)
from sja_units.client.types import Fault

JOB = {
    **dict.fromkeys(client.Job._fields),
    "job": "keepalive/alice",
    "kind": "keepalive",
    "name": "alice",
    "state": "running",
}


def tell(event: str, job: str = "") -> bytes:
    said: dict[str, object] = {"event": event}
    if event == "job":
        said["job"] = {**JOB, "job": job}
    elif job:
        said["job"] = job
    return json.dumps(said).encode()


def read(reader: EventReader, *lines: bytes) -> list[tuple[str, str]]:
    return [(event.event, event.name) for line in lines for event in reader.read(line)]


def test_events_tell_what_went_between_two_connections() -> None:
    reader = EventReader()
    reader.begin()
    first = [tell("job", "keepalive/a"), tell("job", "keepalive/b"), tell("ready"), tell("alive")]
    assert read(reader, *first) == [("job", "keepalive/a"), ("job", "keepalive/b"), ("ready", "")]
    reader.begin()
    again = [tell("job", "keepalive/b"), tell("ready")]
    assert read(reader, *again) == [
        *(("job", "keepalive/b"), ("removed", "keepalive/a"), ("ready", "")),
    ]
    assert read(reader, tell("removed", "keepalive/b")) == [("removed", "keepalive/b")]
    reader.begin()
    assert read(reader, tell("ready")) == [("ready", "")]


@pytest.mark.parametrize(
    "job",
    [
        "",
        "alice",
        "/",
        "keepalive/",
        "/x",
        "a/b/c",
        "keepalive/a?b",
        "keepalive/a\r\nX: y",
        "k/../x",
    ],
)
def test_what_is_no_job_is_refused_before_it_is_sent(job: str) -> None:
    with pytest.raises(ValueError, match="not a job"):
        ask_job("GET", job)


def test_conditions() -> None:
    assert ("If-None-Match", "*") in ask_create("keepalive/a", "t", {}, None, None).headers
    assert ("If-Match", "*") in ask_replace("keepalive/a", "t", {}, None, None, "").headers
    assert ("If-Match", '"x"') in ask_replace("keepalive/a", "t", {}, None, None, '"x"').headers


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, client.BadRequest),
        (403, client.Forbidden),
        (404, client.NotFound),
        (409, client.Conflict),
        (412, client.PreconditionFailed),
        (422, client.Invalid),
        (429, client.TooManyRequests),
        (503, client.Unavailable),
        (500, client.ApiError),
    ],
)
def test_each_problem_is_an_exception_of_its_own(status: int, kind: type[client.ApiError]) -> None:
    said = {"detail": "why", "errors": [{"key": "url", "message": "no"}]}
    with pytest.raises(kind) as caught:
        make_reply(Head(status, {"retry-after": "7"}), json.dumps(said).encode())
    assert type(caught.value) is kind
    assert (str(caught.value), caught.value.status) == ("why", status)
    assert caught.value.errors == (Fault("url", "no"),)
    assert caught.value.retry_after == 7


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null"])
def test_an_answer_that_is_no_problem_document_is_told_all_the_same(body: bytes) -> None:
    with pytest.raises(client.Unavailable):
        make_reply(Head(503, {}), body)


def test_naming_manager_loads_no_asyncio_and_nothing_of_others() -> None:
    code = (
        "import sys, sja_units; assert 'sja_units.client' not in sys.modules; sja_units.Manager;"
        "print([m for m in sys.modules if m in ('asyncio', 'dbus_next', 'click', 'ssl')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
