"""TOML from values. Pure. Source: TOML 1.0.0."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def format_toml(values: Mapping[str, Any]) -> str:
    """Return a document that says these values: a table's own keys first, then its tables.

    Raises ValueError for what TOML cannot say: null, a number that is not finite, half a character.
    """
    return "".join(f"{line}\n" for line in _format_table(values, ""))


def format_value(value: Any) -> str:
    """Return a value on one line. Raises ValueError."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quote(value)
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return repr(value)
    if isinstance(value, list):
        return f"[{', '.join(map(format_value, value))}]"
    if isinstance(value, Mapping):
        pairs = (f"{_format_key(key)} = {format_value(item)}" for key, item in value.items())
        return f"{{ {', '.join(pairs)} }}" if value else "{}"
    raise ValueError(f"TOML has no {type(value).__name__} {value!r}")


def _format_table(values: Mapping[str, Any], prefix: str) -> list[str]:
    lines = [
        f"{_format_key(key)} = {format_value(value)}"
        for key, value in values.items()
        if not _is_below(value)
    ]
    for key, value in values.items():
        name = f"{prefix}{_format_key(key)}"
        if isinstance(value, Mapping):
            lines += ["", f"[{name}]", *_format_table(value, f"{name}.")]
        elif _is_below(value):
            for item in value:
                lines += ["", f"[[{name}]]", *_format_table(item, f"{name}.")]
    return lines


def _is_below(value: Any) -> bool:
    """Tell what is written under a header of its own."""
    if isinstance(value, list):
        return bool(value) and all(isinstance(item, Mapping) for item in value)
    return isinstance(value, Mapping)


def _format_key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _quote(key)


def _quote(text: str) -> str:
    text.encode()  # UnicodeEncodeError is a ValueError
    # A JSON string is a TOML string, but for DEL, which TOML wants escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
