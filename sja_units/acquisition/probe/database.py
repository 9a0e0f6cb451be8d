"""The database asked whether it would take values, without giving it any."""

import time
from typing import NamedTuple

from sja_units.acquisition.config import SinkConfig
from sja_units.acquisition.influxdb.api import Result, Retry, would_take_lines
from sja_units.acquisition.influxdb.client import Uploader


class SinkProbe(NamedTuple):
    """What came of it."""

    is_fine: bool
    message: str
    hint: str  # what a person can do, "" if all is well
    seconds: float | None


def probe_sink(sink: SinkConfig) -> SinkProbe:
    """Send no lines to where the lines of a job will go.

    That needs the same address, database and rights as a job's lines, and leaves nothing behind.
    """
    if sink.type == "local":
        return SinkProbe(True, "values are kept on this host", "", None)
    try:
        uploader = Uploader(sink)
    except OSError as error:
        return SinkProbe(False, str(error.strerror), "is it a file with certificates (PEM)?", None)
    began = time.monotonic()
    try:
        result = uploader.send(b"")
    finally:
        uploader.close()
    seconds = time.monotonic() - began
    if would_take_lines(result):
        return SinkProbe(True, "it takes what this job would send", "", seconds)
    return SinkProbe(False, result.message, _find_hint(sink, result), seconds)


def _find_hint(sink: SinkConfig, result: Result) -> str:
    if isinstance(result, Retry):
        if result.message[:1].isdigit():
            return "it is there, but unwell or busy: a job would try again"
        return f"does a database listen at {sink.url}? A job would keep its values meanwhile"
    status = result.message[:3]
    if status in ("401", "403"):
        keys = "token" if sink.bucket else "username and password"
        return f"look at {keys} in [sink]: whose are they, and may they write there?"
    if sink.bucket and status in ("400", "404"):
        return "look at org and bucket in [sink]; InfluxDB 1.x wants `database` instead of them"
    if status == "404":
        return f"is there a database {sink.database!r}? (CREATE DATABASE makes it)"
    return f"is {sink.url} a database, and the right one?"
