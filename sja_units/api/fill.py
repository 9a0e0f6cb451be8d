"""A template's open keys filled with values that strangers choose. Pure, and closed by default."""

from collections.abc import Mapping
from copy import deepcopy
from fnmatch import fnmatchcase
from math import isfinite
from typing import Any, Final, NamedTuple

from sja_units.toml.reader import Fault, parse_duration, parse_size

NOTHING: Final = object()  # stands at a key where nothing does
_BITS = 63  # of an integer beside its sign: what TOML promises to carry
_MOST_CHARACTERS = 16 * 1024
_MOST_ITEMS = 1000

Bound = str | int | float


class Rule(NamedTuple):
    """What a value of an open key must be like; None asks for nothing."""

    min: Bound | None = None
    max: Bound | None = None
    pattern: str | None = None  # a glob over the whole value


def fill(
    job: Mapping[str, Any], rules: Mapping[str, Rule], values: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Fault]]:
    """Return a job's values with those of open keys put in, and all that is wrong with them.

    Only a key that `rules` names can be given, only to one plain value or a list of such: what
    the template says elsewhere is there as it was. Faults have the key as their place.
    """
    faults: list[Fault] = []
    filled = deepcopy(dict(job))
    for key, value in values.items():
        rule = rules.get(key)
        message = "is not open in this template" if rule is None else _find_fault(rule, value)
        if message:
            faults.append(Fault((key,), message))
        elif not put_value(filled, key, value):
            faults.append(Fault((key,), "names no place in the template"))
    return filled, faults


def _find_fault(rule: Rule, value: object) -> str:
    if isinstance(value, list):
        if len(value) > _MOST_ITEMS:
            return f"must have at most {_MOST_ITEMS} items"
        if rule != Rule():
            return "must be one value, not a list"
        return next(filter(None, (_find_plain_fault(item) for item in value)), "")
    return _find_plain_fault(value) or _find_rule_fault(rule, value)


def _find_plain_fault(value: object) -> str:
    """Return what is wrong with a value whatever the key, "" for nothing."""
    if isinstance(value, bool):
        return ""
    if isinstance(value, str):
        if len(value) > _MOST_CHARACTERS:
            return f"must have at most {_MOST_CHARACTERS} characters"
        if any("\ud800" <= c <= "\udfff" for c in value):
            return "must be text: it holds half a character"
        # NEL and the separators end a line for some readers.
        if any(c < " " or "\x7f" <= c <= "\x9f" or c in "\u2028\u2029" for c in value):
            return "must not hold control characters"
        return ""
    if isinstance(value, int):
        return "" if value.bit_length() <= _BITS else "must be an integer of 64 bits"
    if isinstance(value, float):
        return "" if isfinite(value) else "must be a finite number"
    return "must be a string, a number, true, false or a list of these"


def _find_rule_fault(rule: Rule, value: object) -> str:
    if rule.pattern is not None and not (
        isinstance(value, str) and fnmatchcase(value, rule.pattern)
    ):
        return f"must match {rule.pattern}"
    if rule.min is None and rule.max is None:
        return ""
    words = " and ".join(
        f"{word} {bound}"
        for word, bound in (("at least", rule.min), ("at most", rule.max))
        if bound is not None
    )
    own = measure(value)
    for bound, sign in ((rule.min, 1), (rule.max, -1)):
        limit = None if bound is None else measure(bound)
        if limit and (own is None or own[0] != limit[0] or sign * own[1] < sign * limit[1]):
            return f"must be {words}"
    return ""


def measure(value: object) -> tuple[str, float] | None:
    """Return what a value is a measure of, and its amount; None where it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return ("number", value) if isfinite(value) else None
    if isinstance(value, str):
        if (seconds := parse_duration(value)) is not None:
            return "duration", seconds
        if (size := parse_size(value)) is not None:
            return "size", size
    return None


def find_value(job: Mapping[str, Any], key: str) -> Any:
    """Return what stands at a dotted key, NOTHING where nothing does."""
    place: Any = job
    for part in key.split("."):
        if isinstance(place, Mapping) and part in place:
            place = place[part]
        elif isinstance(place, list) and part in map(str, range(len(place))):
            place = place[int(part)]
        else:
            return NOTHING
    return place


def put_value(job: dict[str, Any], key: str, value: Any) -> bool:
    """Put a value at a dotted key of a job; return whether there is such a place.

    Tables on the way are made; an item of a list must be there.
    """
    *path, last = key.split(".")
    place: Any = job
    for part in path:
        if isinstance(place, dict) and (part in place or (part and not part.isdigit())):
            place = place.setdefault(part, {})
        elif isinstance(place, list) and part in map(str, range(len(place))):
            place = place[int(part)]
        else:
            return False
    if not isinstance(place, dict) or not last:
        return False
    place[last] = value
    return True
