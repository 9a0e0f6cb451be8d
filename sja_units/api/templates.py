"""Templates as files: /etc/sja-units/templates/NAME.toml, a job's file with open keys."""

import os
from copy import deepcopy
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from sja_units.api.fill import Rule, find_value, measure, put_value
from sja_units.config.job_file import read_file
from sja_units.config.origin import KEY
from sja_units.errors import ConfigError, UsageError
from sja_units.job import CONFIG_ROOT, KINDS, NAME
from sja_units.toml.load import load_toml
from sja_units.toml.location import describe
from sja_units.toml.reader import Fault, TableReader

FOLDER = f"{CONFIG_ROOT}/templates"


class Template(NamedTuple):
    """A job's file of which some keys are open."""

    name: str
    kind: str
    names: str  # a pattern that its jobs' names match
    open: dict[str, Rule]  # by dotted key
    job: dict[str, Any]

    def fits(self, kind: str, name: str) -> bool:
        """Tell whether a job of that kind and name may be made from it."""
        return kind == self.kind and fnmatchcase(name, self.names)


def get_path(name: str) -> str:
    """Return where a template's file is. Raises UsageError for what can be no name of one."""
    if not NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot be a template's name")
    return f"{FOLDER}/{name}.toml"


def read_template(name: str) -> Template:
    """Return a template of this host.

    Raises UsageError, ConfigError, FileNotFoundError, PermissionError.
    """
    path = get_path(name)
    return parse_template(read_file(path), path)


def list_templates() -> list[str]:
    """Return the names of all templates."""
    try:
        stems = [name.removesuffix(".toml") for name in os.listdir(FOLDER) if ".toml" in name]
    except FileNotFoundError:
        return []
    return sorted(stem for stem in stems if NAME.fullmatch(stem))


def parse_template(text: str, where: str) -> Template:
    """Return what a template's text says; raise ConfigError with all faults at once.

    What it says of the job is checked when the job is made: required keys may be open.
    """
    values = load_toml(text, where)
    faults: list[Fault] = []
    table = TableReader(values, (), faults)
    head = table.table("template")
    job = table.raw("job") if table.has("job") else {}
    if not isinstance(job, dict) or not job:
        table.fault("job", "must be a table, written [job], with what all its jobs have in common")
        job = {}
    faults += [Fault(("job", key), "is written by the door") for key in job if key == KEY]
    kind = head.text("kind", choices=KINDS)
    names = head.text("names", "*")
    is_open = head.table("open")
    rules = {key: _read_rule(is_open, key) for key in is_open.names()}
    for key in rules:
        if reason := _find_obstacle(job, key):
            is_open.fault(key, reason)
    table.finish()
    if faults:
        raise ConfigError(where, [describe(fault, text, values) for fault in faults])
    name = os.path.basename(where).removesuffix(".toml")
    return Template(name, kind, names, rules, job)


def _find_obstacle(job: dict[str, Any], key: str) -> str:
    """Return why no value can be put at a key, "" where one can."""
    if key.split(".")[0] == KEY:
        return "is written by the door"
    if isinstance(find_value(job, key), dict | list) and _holds_tables(find_value(job, key)):
        return "is a table: name the keys in it that are to be open"
    return "" if put_value(deepcopy(job), key, "") else "names no place in [job]"


def _holds_tables(value: object) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list) and any(isinstance(item, dict | list) for item in value)
    )


def _read_rule(table: TableReader, key: str) -> Rule:
    rule = table.table(key)
    low, high = _read_bound(rule, "min"), _read_bound(rule, "max")
    if low is not None and high is not None and _cannot_order(low, high):
        rule.fault(None, "min and max must be of one kind, and min must not be above max")
    return Rule(low, high, rule.text("pattern", "*") if rule.has("pattern") else None)


def _read_bound(rule: TableReader, key: str) -> str | int | float | None:
    if not rule.has(key):
        return None
    value = rule.raw(key)
    if (
        isinstance(value, bool)
        or not isinstance(value, str | int | float)
        or measure(value) is None
    ):
        rule.fault(key, 'must be a number, a duration such as "5min", or a size such as "1MiB"')
        return None
    return value


def _cannot_order(low: str | float, high: str | float) -> bool:
    first, last = measure(low), measure(high)
    return first is None or last is None or first[0] != last[0] or first[1] > last[1]
