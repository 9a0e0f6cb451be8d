"""Faults and figures in few words, for logs and STATUS; hosts. Pure."""

import re
from collections.abc import Iterable

RESOLVE_SECONDS = 60.0
# urllib.parse would cost a worker 0.25 MiB for this.
_RESERVED = re.compile(rb"[^A-Za-z0-9_.~-]")
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


def clean(text: str) -> str:
    """Return a text as one line without what could play with a terminal or a journal."""
    return "".join(c if c.isprintable() else "·" for c in text)


def count(number: int, noun: str) -> str:
    """Return "1 line" or "1,234 lines"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def find_nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word that is most like this one, "" if none is."""
    from difflib import get_close_matches

    plain = {to_ascii(each).casefold(): each for each in known}
    typed = to_ascii(word).casefold()
    begun = [each for each in plain if len(typed) > 1 and each.startswith(typed)]
    close = begun or get_close_matches(typed, plain, n=1)
    return plain[close[0]] if close else ""


def suggest(word: str, known: Iterable[str]) -> str:
    """Return the end of a message that refuses a word: "; did you mean 'right'?", or ""."""
    nearest = find_nearest(word, known)
    return f"; did you mean {nearest!r}?" if nearest else ""


# What input methods and word processors make of ASCII, and Unicode's NFKC leaves as it is.
_TYPOGRAPHIC = {ord(c): plain for plain, cs in {'"': "“”„‟", "'": "‘’‚‛"}.items() for c in cs}


def to_ascii(text: str) -> str:
    """Return a text with ASCII for full-width and typographic characters."""
    if text.isascii():
        return text
    from unicodedata import normalize

    return normalize("NFKC", text.translate(_TYPOGRAPHIC))


def find_lookalike(text: str) -> str:
    """Return the first character that looks like ASCII and is not, "" if there is none."""
    return next((c for c in text if not c.isascii() and to_ascii(c).isascii()), "")


def percent_encode(text: str) -> str:
    """Return a text with all but letters, digits and _.~- escaped: RFC 3986, 2.1."""
    data = text.encode(errors="surrogateescape")
    return _RESERVED.sub(lambda match: b"%%%02X" % match[0][0], data).decode()
