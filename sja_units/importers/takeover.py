"""What becomes of the jobs of an older system. Pure."""

import hashlib
import json
import re
from typing import NamedTuple

from sja_units.job import NAME, Job

_MARKED = re.compile(r"-[0-9a-f]{8}$")


class Import(NamedTuple):
    """A job of ours that one of theirs becomes."""

    job: Job
    title: str
    about: str  # in a few words
    wanted: bool
    text: str  # of its file
    jar: str = ""  # of a keep-alive job, as its Cookie: header


class Takeover(NamedTuple):
    """All that becomes of an older system's jobs."""

    imports: tuple[Import, ...]
    left: tuple[str, ...]  # what is not taken over, a line each
    notes: tuple[str, ...] = ()  # what is to be looked at, a line each


def derive_name(key: str, kind: str) -> str:
    """Return a job's name for an older one: its key where that can be one, else like it.

    It depends on the key alone, and two keys never get the same: a hash tells them apart.
    kind: what stands there where nothing of the key can.
    """
    if NAME.fullmatch(key) and not _MARKED.search(key):
        return key
    plain = re.sub(r"[^a-z0-9]+", "-", key.lower()).strip("-")[:14].rstrip("-")
    mark = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain or kind}-{mark}"


def format_interval(seconds: int) -> str:
    """Return a time as a job's file has it."""
    return f"{seconds}s" if seconds % 60 else f"{seconds // 60}min"


def quote(text: str) -> str:
    """Return a text as a job's file has it."""
    return json.dumps(text, ensure_ascii=False)  # a JSON string is a TOML string


def clean(value: object) -> str:
    """Return free text without what neither a terminal nor a job's file should hold."""
    return "".join(c for c in value if c.isprintable()).strip() if isinstance(value, str) else ""
