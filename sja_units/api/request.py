"""The one structure that goes from the process that reads requests to the one that decides.

It goes as a flat list of strings: whatever the reader may be made to send, there is nothing to
parse but lengths and a few words, each of which is checked. Pure.
"""

import math
from collections.abc import Iterator
from typing import Literal, NamedTuple, get_args

from sja_units.job import KINDS, NAME

Action = Literal[
    "list",
    "get",
    "put",
    "remove",
    "start",
    "stop",
    "restart",
    "set-cookies",
    "cookies",
    "runs",
    "log",
    "samples",
    "last",
    "events",
]
ACTIONS: tuple[Action, ...] = get_args(Action)

MAX_BYTES = 256 * 1024  # of a request's body

Plain = str | int | float | bool | None  # None: something that can be no value
Value = Plain | list[Plain]


class Malformed(ValueError):
    """The bytes are no request."""


class Request(NamedTuple):
    """What is asked for. All of it was chosen by a stranger but nothing is of another type."""

    action: Action
    kind: str = ""
    name: str = ""
    template: str = ""
    values: tuple[tuple[str, Value], ...] = ()  # of open keys
    jar: bytes | None = None
    start: bool | None = None
    if_match: str = ""
    if_none_match: str = ""
    keep_state: bool = False
    lines: int = 0  # 0: as many as usual
    since: str = ""
    form: str = ""


def encode(request: Request) -> bytes:
    """Return a request as bytes."""
    parts = [
        request.action,
        request.kind,
        request.name,
        request.template,
        _FLAGS[request.start],
        request.if_match,
        request.if_none_match,
        _FLAGS[request.keep_state],
        str(request.lines),
        request.since,
        request.form,
        "" if request.jar is None else "jar",
    ]
    encoded = [_to_bytes(part) for part in parts] + [request.jar or b""]
    for key, value in request.values:
        encoded.append(_to_bytes(key))
        items = value if isinstance(value, list) else [value]
        tags = "".join(map(_tag, items))
        encoded.append(_to_bytes(("l" if isinstance(value, list) else "v") + tags))
        encoded += [_to_bytes(_write(item)) for item in items]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def decode(data: bytes) -> Request:
    """Return what bytes say. Raises Malformed for anything that `encode` does not make."""
    parts = _split(data)
    try:
        texts = [_to_text(next(parts)) for _ in range(12)]
        action, kind, name, template, start, if_match, if_none_match, keep_state = texts[:8]
        jar = next(parts)
        values = tuple(_read_values(parts))
    except StopIteration:
        raise Malformed("it ends too early") from None
    if action not in ACTIONS:
        raise Malformed("no such action")
    if (kind or name) and not (kind in KINDS and NAME.fullmatch(name)):
        raise Malformed("no such job")
    if bool(kind) == (action in ("list", "events")):
        raise Malformed("a job too much, or too few")
    return Request(
        action=ACTIONS[ACTIONS.index(action)],
        kind=kind,
        name=name,
        template=template,
        values=values,
        jar=jar if texts[11] else None,
        start=_read_flag(start),
        if_match=if_match,
        if_none_match=if_none_match,
        keep_state=_read_flag(keep_state) or False,
        lines=_read_integer(texts[8]),
        since=texts[9],
        form=texts[10],
    )


_FLAGS = {None: "", True: "1", False: "0"}


def _read_flag(text: str) -> bool | None:
    for flag, word in _FLAGS.items():
        if text == word:
            return flag
    raise Malformed("no flag")


def _split(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        end = at + 4 + int.from_bytes(data[at : at + 4], "big")
        if end > len(data):
            raise Malformed("a part is cut off")
        yield data[at + 4 : end]
        at = end


def _read_values(parts: Iterator[bytes]) -> Iterator[tuple[str, Value]]:
    for key in parts:
        tags = _to_text(next(parts))
        kind, tags = tags[:1], tags[1:]
        items = [_read(tag, _to_text(next(parts))) for tag in tags]
        if kind == "v" and len(items) == 1:
            yield _to_text(key), items[0]
        elif kind == "l":
            yield _to_text(key), items
        else:
            raise Malformed("no value")


def _tag(value: Plain) -> str:
    if value is None:
        return "n"
    return {str: "s", bool: "b", int: "i", float: "f"}[type(value)]


def _write(value: Plain) -> str:
    if isinstance(value, bool) or value is None:
        return _FLAGS[value]
    return value if isinstance(value, str) else repr(value)


def _read(tag: str, text: str) -> Plain:
    if tag == "s":
        return text
    if tag == "i":
        return _read_integer(text)
    if tag == "f":
        return _read_float(text)
    flag = _read_flag(text)
    if tag not in ("n", "b") or (tag == "n") != (flag is None):
        raise Malformed("no value")
    return flag


def _read_integer(text: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 20):
        raise Malformed("no integer")
    return int(text)


def _read_float(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise Malformed("no number") from None
    if not math.isfinite(number):
        raise Malformed("no finite number")
    return number


def _to_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _to_text(data: bytes) -> str:
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        raise Malformed("no text") from None
