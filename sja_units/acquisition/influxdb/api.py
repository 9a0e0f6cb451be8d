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

from sja_units.acquisition.sink_config import SinkConfig
from sja_units.runtime.http_date import parse_retry_after

LONGEST_RETRY_AFTER = 300.0
# InfluxDB 2.0 answers so with 500, where other versions have 400 or 422.
_BAD_LINE = re.compile("field type conflict|beyond retention policy|unable to parse", re.IGNORECASE)
_QUOTE = re.compile("['\"]")
_MAX_MESSAGE = 200


class Written(NamedTuple):
    """The database has the lines."""

    message: str = ""


class Retry(NamedTuple):
    """The same again after a while."""

    message: str
    wait: float = 0.0  # seconds that the database asked for


class Rejected(NamedTuple):
    """Whatever is sent is refused: a person has to change credentials, address or database."""

    message: str


class BadRequest(NamedTuple):
    """Some of the lines are refused for what they say."""

    message: str
    body: bytes = b""


class TooLarge(NamedTuple):
    """The lines are too many at once."""

    message: str


Result = Written | Retry | Rejected | BadRequest | TooLarge
"""What an answer means for the lines that were sent."""


def make_target(sink: SinkConfig) -> tuple[str, dict[str, str]]:
    """Return path and headers of the request that writes."""
    words = {"db": sink.database, "precision": "ns"}
    path = "/write"
    if sink.api == "2":
        words = {"org": sink.org, "bucket": sink.bucket, "precision": "ns"}
        path = "/api/v2/write"
    elif sink.api == "3":
        # Partial writes are its default: said all the same, as an answer is read that way.
        words |= {"precision": "nanosecond", "accept_partial": "true"}
        path = "/api/v3/write_lp"
    elif sink.retention_policy:
        words["rp"] = sink.retention_policy
    headers = {"Content-Type": "text/plain; charset=utf-8", **authorize(sink)}
    return f"{read_prefix(sink)}{path}?{urlencode(words)}", headers


def make_types_target(sink: SinkConfig, measurement: str) -> tuple[str, dict[str, str]]:
    """Return path and headers of the request that asks for a measurement's field types.

    It is 1.x's, which 2.x and 3.x answer, too; the database is the bucket's name there.
    """
    name = measurement.replace("\\", "\\\\").replace('"', '\\"')
    words = {"db": sink.database or sink.bucket, "q": f'SHOW FIELD KEYS FROM "{name}"'}
    if sink.retention_policy:
        words["rp"] = sink.retention_policy
    return f"{read_prefix(sink)}/query?{urlencode(words)}", authorize(sink)


def read_types(body: bytes) -> dict[str, set[str]]:
    """Return the types that each field has, of an answer to that; {} where it is another answer."""
    types: dict[str, set[str]] = {}
    said = read_json(body)
    results = said.get("results") if isinstance(said, dict) else None
    for result in results if isinstance(results, list) else ():
        for series in _list_in(result, "series"):
            for row in _list_in(series, "values"):
                if isinstance(row, list) and len(row) >= 2 and all(isinstance(w, str) for w in row):
                    types.setdefault(row[-2], set()).add(row[-1])
    return types


def _list_in(holder: object, key: str) -> list[object]:
    found = holder.get(key) if isinstance(holder, dict) else None
    return found if isinstance(found, list) else []


def read_prefix(sink: SinkConfig) -> str:
    """Return the path below which a database is, such as that of a proxy."""
    return urlsplit(sink.url).path.rstrip("/")


def authorize(sink: SinkConfig) -> dict[str, str]:
    """Return the header that says who writes."""
    if sink.token:
        scheme = "Bearer" if sink.api == "3" else "Token"
        return {"Authorization": f"{scheme} {sink.token}"}
    if sink.username:
        pair = f"{sink.username}:{sink.password}".encode()
        return {"Authorization": f"Basic {b64encode(pair).decode()}"}
    return {}


def classify(status: int, headers: Mapping[str, str], body: bytes) -> Result:
    """Return what an answer means.

    headers: with names in lower case. A 2xx counts only as the database's own: no proxy's page and
    no gateway's JSON has stored anything. No more is a page with 400 about the lines.
    """
    message = _read_message(status, body)
    if 200 <= status < 300:
        if status == 204 or not body.strip() or _is_influx_result(body):
            return Written()
        return Retry(f"{message} (not an answer of a database)")
    if status == 500 and _BAD_LINE.search(message):
        return BadRequest(message, body)
    if status in (400, 422) and not body.lstrip().startswith(b"<"):
        return BadRequest(message, body)
    if status == 413:
        return TooLarge(message)
    if 300 <= status < 400:
        return Rejected(_describe_redirect(status, headers.get("location", "")))
    if status in (408, 429) or status >= 500:
        return Retry(message, _read_retry_after(headers.get("retry-after", "")))
    return Rejected(message)


def _describe_redirect(status: int, target: str) -> str:
    # Without the query, which may hold a secret.
    target = shorten(target.partition("?")[0])
    return f"{status}: redirected to {target}, which `url` should name" if target else str(status)


def would_take_lines(result: Result) -> bool:
    """Return whether the answer to a request without lines says that it lacks nothing else.

    A 1.x database answers 2xx. A newer one may say 400 for want of lines, which it does only after
    it has looked at token, org and bucket.
    """
    misses_lines = any(word in result.message.lower() for word in ("points", "lines", "empty"))
    return isinstance(result, Written) or (isinstance(result, BadRequest) and misses_lines)


def is_same_refusal(one: Result, other: Result) -> bool:
    """Return whether two answers say the same, but for what they quote of the request."""
    said, again = (_QUOTE.split(result.message)[0] for result in (one, other))
    has_words = any(character.isalpha() for character in said)
    return one.message == other.message or (said == again and has_words)


def read_json(body: bytes) -> object:
    """Return what a body says, None if it is not JSON, or nested so that nobody could read it."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _is_influx_result(body: bytes) -> bool:
    """Return whether a body is `{}` or `{"results": [{}]}`, as versions before 1.0 write."""
    result = read_json(body)
    if not isinstance(result, dict) or result.keys() - {"results"}:
        return False
    results = result.get("results", [])
    return isinstance(results, list) and all(
        isinstance(one, dict) and "error" not in one for one in results
    )


def _read_message(status: int, body: bytes) -> str:
    """Return the status with the reason that a database puts into its JSON, on one line."""
    text = body.decode("utf-8", "replace")
    result = read_json(body)
    if isinstance(result, dict):
        text = str(result.get("error") or result.get("message") or text)
    text = shorten(text)
    return f"{status}: {text}" if text else str(status)


def shorten(text: str) -> str:
    """Return what a database says on one line, and no more than people read."""
    return " ".join(text.split())[:_MAX_MESSAGE]


def _read_retry_after(text: str) -> float:
    return min(parse_retry_after(text, time.time()) or 0.0, LONGEST_RETRY_AFTER)
