"""HTTP/1.1 as far as the door speaks it: heads of requests and answers. Pure. Source: RFC 9112."""

import re
import time
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import NamedTuple

from sja_units.api.problems import Problem
from sja_units.api.request import MAX_BYTES
from sja_units.api.routes import needs_body

MAX_HEAD = 16 * 1024  # bytes
_MOST_HEADERS = 64
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TARGET = re.compile(r"[!-~]+")
_ABSOLUTE = re.compile(r"https?://[^/?]*", re.IGNORECASE)


class Head(NamedTuple):
    """What comes before the body of a request."""

    method: str
    target: str  # path and query
    version: str  # "1.0" or "1.1"
    headers: Mapping[str, str]  # by their names in lower case

    @property
    def keeps_open(self) -> bool:
        """Whether another request may follow on the connection."""
        words = {word.strip().lower() for word in self.headers.get("connection", "").split(",")}
        return self.version == "1.1" and "close" not in words

    @property
    def expects_word(self) -> bool:
        """Whether the body comes only after a word of ours."""
        return self.headers.get("expect", "").lower() == "100-continue"


def parse_head(data: bytes) -> Head:
    """Return what a head says, without the empty line at its end. Raises Problem."""
    first, *lines = data.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not _TOKEN.fullmatch(words[0]) or not _TARGET.fullmatch(words[1]):
        raise Problem(400, "the first line is no request of HTTP/1.1")
    if words[2] not in ("HTTP/1.1", "HTTP/1.0"):
        raise Problem(400, "HTTP/1.1 is spoken here")
    if len(lines) > _MOST_HEADERS:
        raise Problem(400, f"there are more than {_MOST_HEADERS} headers")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        value = value.strip(" \t")
        if not colon or not _TOKEN.fullmatch(name) or re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value):
            raise Problem(400, "a header is not as HTTP has it")
        key = name.lower()
        if key in headers and key in ("host", "content-length", "transfer-encoding"):
            raise Problem(400, f"the header {key} comes twice")
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    version = words[2].removeprefix("HTTP/")
    if version == "1.1" and "host" not in headers:
        raise Problem(400, "there is no Host header")
    return Head(words[0], _ABSOLUTE.sub("", words[1], count=1), version, headers)


def measure_body(head: Head) -> int:
    """Return how many bytes of a body follow. Raises Problem."""
    if "transfer-encoding" in head.headers:
        raise Problem(411, "a body has to say its length: Content-Length")
    text = head.headers.get("content-length")
    if text is None:
        if needs_body(head.method):
            raise Problem(411, "a body has to say its length: Content-Length")
        return 0
    if not (text.isascii() and text.isdigit()):
        raise Problem(400, "Content-Length is no number")
    if len(text) > 15 or int(text) > MAX_BYTES:
        raise Problem(413, f"a body has at most {MAX_BYTES} bytes")
    return int(text)


def format_head(
    status: int, headers: Iterable[tuple[str, str]], length: int | None, *, keeps_open: bool
) -> bytes:
    """Return the head of an answer; length: of its body, None for one that comes in chunks."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"Date: {_format_date(time.time())}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if length is None:
        lines.append("Transfer-Encoding: chunked")
    elif status != HTTPStatus.NO_CONTENT:
        lines.append(f"Content-Length: {length}")
    lines.append("Cache-Control: no-store")
    if not keeps_open:
        lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _format_date(moment: float) -> str:
    at = time.gmtime(moment)
    day = f"{_DAYS[at.tm_wday]}, {at.tm_mday:02} {_MONTHS[at.tm_mon - 1]} {at.tm_year}"
    return f"{day} {at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02} GMT"
