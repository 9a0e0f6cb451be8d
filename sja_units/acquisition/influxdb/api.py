"""What InfluxDB is asked, and what its answers mean. Pure.

Sources: https://docs.influxdata.com/influxdb/v1/tools/api/#write-http-endpoint and
https://docs.influxdata.com/influxdb/v2/api/v2/#operation/PostWrite .
"""

import json
import re
import time
from base64 import b64encode
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from sja_units.acquisition.config import SinkConfig
from sja_units.runtime.http_date import parse_retry_after

LONGEST_RETRY_AFTER = 300.0
# InfluxDB 2.0 answers so with 500, where other versions have 400 or 422.
_BAD_LINE = re.compile("field type conflict|beyond retention policy|unable to parse", re.IGNORECASE)
_QUOTE = re.compile("['\"]")


class Verdict(NamedTuple):
    """What an answer means for the lines that were sent."""

    kind: str
    """written; later: the same again after a while; refused: as later, but a person has to act;
    split: some of the lines are bad; halve: they are too many at once."""

    message: str = ""
    wait: float = 0.0  # seconds that the database asked for


def make_target(sink: SinkConfig) -> tuple[str, dict[str, str]]:
    """Return path and headers of the request that writes."""
    prefix = urlsplit(sink.url).path.rstrip("/")
    headers = {"Content-Type": "text/plain; charset=utf-8", "Content-Encoding": "gzip"}
    if sink.bucket:
        query = urlencode({"org": sink.org, "bucket": sink.bucket, "precision": "ns"})
        if sink.token:
            headers["Authorization"] = f"Token {sink.token}"
        return f"{prefix}/api/v2/write?{query}", headers
    query = urlencode({"db": sink.database, "precision": "ns"})
    if sink.username:
        pair = f"{sink.username}:{sink.password}".encode()
        headers["Authorization"] = f"Basic {b64encode(pair).decode()}"
    return f"{prefix}/write?{query}", headers


def judge(status: int, headers: Mapping[str, str], body: bytes) -> Verdict:
    """Return what an answer means.

    headers: with names in lower case. A 2xx with an error inside, or with a page of some proxy,
    has not written anything that we could rely on; no more is a page with 400 about the lines.
    """
    message = _read_message(status, body)
    if 200 <= status < 300:
        if status == 204 or not body.strip() or _is_plain_result(body):
            return Verdict("written")
        return Verdict("later", f"{status}, but not from a database: {message}")
    if status == 500 and _BAD_LINE.search(message):
        return Verdict("split", message)
    if status in (400, 422) and not body.lstrip().startswith(b"<"):
        return Verdict("split", message)
    if status == 413:
        return Verdict("halve", message)
    if status in (408, 429) or status >= 500:
        return Verdict("later", message, _read_retry_after(headers.get("retry-after", "")))
    return Verdict("refused", message)


def would_take_lines(verdict: Verdict) -> bool:
    """Return whether the answer to a request without lines says that it lacks nothing else.

    A 1.x database answers 2xx. A newer one may say 400 for want of lines, which it does only after
    it has looked at token, org and bucket.
    """
    misses_lines = any(word in verdict.message.lower() for word in ("points", "lines", "empty"))
    return verdict.kind == "written" or (verdict.kind == "split" and misses_lines)


def is_same_refusal(one: Verdict, other: Verdict) -> bool:
    """Return whether two answers say the same, but for what they quote of the request."""
    said, again = (_QUOTE.split(verdict.message)[0] for verdict in (one, other))
    has_words = any(character.isalpha() for character in said)
    return one.message == other.message or (said == again and has_words)


def _read_json(body: bytes) -> object:
    """Return what a body says, None if it is not JSON, or nested so that nobody could read it."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _is_plain_result(body: bytes) -> bool:
    result = _read_json(body)
    return isinstance(result, dict) and "error" not in result and "code" not in result


def _read_message(status: int, body: bytes) -> str:
    """Return the status with the reason that a database puts into its JSON, on one line."""
    text = body.decode("utf-8", "replace")
    result = _read_json(body)
    if isinstance(result, dict):
        text = str(result.get("error") or result.get("message") or text)
    text = " ".join(text.split())
    return f"{status}: {text[:200]}" if text else str(status)


def _read_retry_after(text: str) -> float:
    return min(parse_retry_after(text, time.time()) or 0.0, LONGEST_RETRY_AFTER)
