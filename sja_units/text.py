"""Faults and figures in few words, for logs and STATUS; hosts. Pure."""

import re

RESOLVE_SECONDS = 60.0
_ADDRESS = re.compile(r"[0-9.]+|.*:.*")


def lookup_seconds(host: str) -> float:
    """Return how long looking up a host may take; the C library sets the time, not we."""
    return 0.0 if not host or _ADDRESS.fullmatch(host) else RESOLVE_SECONDS


def describe_os_error(error: Exception) -> str:
    """Return an I/O error in a few words for people."""
    if isinstance(error, TimeoutError):
        return "no answer to the connection attempt"
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return text[:1].lower() + text[1:]


def count(number: int, noun: str) -> str:
    """Return "1 line" or "1,234 lines"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
