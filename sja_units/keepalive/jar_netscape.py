"""cookies.txt, as browsers' extensions, curl, wget and yt-dlp write it. Pure.

Source: https://curl.se/docs/http-cookies.html, with #HttpOnly_ lines.
"""

from collections.abc import Iterator

from sja_units.keepalive.cookie import Cookie, Jar, JarError
from sja_units.keepalive.jar_fields import parse_expires, split_domain, to_wire

_HTTP_ONLY = "#HttpOnly_"
_FLAGS = ("TRUE", "FALSE")
_TITLES = ("# netscape http cookie file", "# http cookie file")


def is_netscape(text: str) -> bool:
    """Tell whether a text is to be taken for cookies.txt, be it a good one or not."""
    return text.startswith("#") or any(_looks_like_one(line.split("\t")) for line in _split(text))


def parse(text: str) -> Iterator[Cookie]:
    """Yield its cookies, unchecked. Raises JarError."""
    for number, line in enumerate(_split(text), 1):
        http_only = line.startswith(_HTTP_ONLY)
        line = line.removeprefix(_HTTP_ONLY)
        if not line.strip() or (line.startswith("#") and not http_only):
            continue
        fields = line.split("\t")
        if len(fields) == 6:
            fields.append("")  # an empty value whose tab an editor has cut off
        if len(fields) != 7:
            raise JarError(_describe_line(number, line, fields))
        domain, dotted = split_domain(fields[0])
        yield Cookie(
            name=to_wire(fields[5]),
            value=to_wire(fields[6]),
            domain=domain,
            path=to_wire(fields[2]),
            expires=parse_expires(fields[4], f"line {number}"),
            secure=fields[3].upper() == "TRUE",
            http_only=http_only,
            host_only=not dotted and fields[1].upper() != "TRUE",
        )


def render(jar: Jar) -> bytes:
    """Return a jar as cookies.txt."""
    lines = ["# Netscape HTTP Cookie File", "# Written by sja-units; changes here are lost."]
    for cookie in jar:
        domain = cookie.domain.strip("[]")  # as curl has it
        fields = (
            domain if cookie.host_only else f".{domain}",
            "FALSE" if cookie.host_only else "TRUE",
            cookie.path,
            "TRUE" if cookie.secure else "FALSE",
            str(cookie.expires or 0),
            cookie.name,
            cookie.value,
        )
        lines.append((_HTTP_ONLY if cookie.http_only else "") + "\t".join(fields))
    return ("\n".join(lines) + "\n").encode("latin-1")


def _split(text: str) -> Iterator[str]:
    # Not splitlines(): it also splits at characters that may stand in a value.
    return (line.removesuffix("\r") for line in text.split("\n"))


def _looks_like_one(fields: list[str]) -> bool:
    return (
        len(fields) in (6, 7) and fields[1].upper() in _FLAGS and fields[3].upper() in _FLAGS
    ) or _has_blanks(fields)


def _has_blanks(fields: list[str]) -> bool:
    """Tell whether it is a line whose tabs have become blanks."""
    words = fields[0].split() if len(fields) == 1 else []
    return len(words) in (6, 7) and words[1] in _FLAGS and words[3] in _FLAGS


def _describe_line(number: int, line: str, fields: list[str]) -> str:
    if _has_blanks(fields) or ("\t" not in line and len(line.split()) in (6, 7)):
        return (
            f"line {number} of cookies.txt has blanks where tabs must stand, as copying with a "
            "mouse makes them: take the file itself"
        )
    return f"line {number} has {len(fields)} fields; cookies.txt has 7, separated by tabs"
