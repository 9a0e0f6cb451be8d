"""What the first line of a job's file says of the template that it was made from. Pure.

Only root can write it there, so it tells whose job it is. Its digest tells whether a person has
changed the file since.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sja_units.toml.reader import TableReader

KEY = "template"


class Origin(NamedTuple):
    """The template, what was filled in, and the digest of the file as it was made."""

    template: str
    created: str  # when there first was a job of that name (RFC 3339, UTC)
    values: Mapping[str, Any]  # by dotted key
    digest: str


def read_origin(table: TableReader) -> Origin | None:
    """Return what a job's file says of its template, None where it was made from none."""
    if not table.has(KEY):
        return None
    own = table.table(KEY)
    filled = own.table("set")
    values = {key: filled.raw(key) for key in filled.names()}
    return Origin(own.text("name"), own.text("created"), values, own.text("digest"))


def find_template(values: Mapping[str, Any]) -> str | None:
    """Return the template that the values of a job's file name, None where they name none."""
    own = values.get(KEY)
    name = own.get("name") if isinstance(own, Mapping) else None
    return name if isinstance(name, str) else None


def seal(template: str, created: str, values: Mapping[str, Any], body: str) -> str:
    """Return a job's file with the line that tells of its template. Raises ValueError.

    values: what was filled in; body: all that the file is to say.
    """
    from sja_units.toml.format import format_value

    own = {"name": template, "created": created, "set": dict(values)}
    own["digest"] = _digest(f"{format_value(own)}\n{body}")
    return f"{KEY} = {format_value(own)}\n{body}"


def is_edited(origin: Origin, text: str) -> bool:
    """Tell whether a file is no more what was made from the template."""
    _, _, body = text.partition("\n")
    return seal(origin.template, origin.created, origin.values, body) != text


def _digest(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()[:32]
