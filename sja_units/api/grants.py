"""Grants as files: /etc/sja-units/grants.d/NAME.toml, root's alone."""

import grp
import os
import pwd
from collections.abc import Callable, Iterator

from sja_units.api.policy import VERBS, Grant
from sja_units.config.job_file import read_file
from sja_units.errors import ConfigError
from sja_units.job import CONFIG_ROOT, NAME
from sja_units.text import suggest
from sja_units.toml.load import load_toml
from sja_units.toml.location import describe
from sja_units.toml.reader import TableReader

FOLDER = f"{CONFIG_ROOT}/grants.d"
_MOST_JOBS = 100_000


def parse_grant(text: str, where: str) -> Grant:
    """Return what a grant's text says; raise ConfigError with all faults at once.

    where: the file's path, from which the grant has its name. A user or group that there is not
    is no fault: the grant is nobody's until there is.
    """
    values = load_toml(text, where)
    table = TableReader(values, (), [])
    user, group = table.text("user", ""), table.text("group", "")
    if table.has("user") == table.has("group"):
        table.fault(None, "must name either a user or a group")
    grant = Grant(
        name=os.path.basename(where).removesuffix(".toml"),
        uid=_find(lambda: pwd.getpwnam(user).pw_uid) if user else None,
        gid=_find(lambda: grp.getgrnam(group).gr_gid) if group else None,
        templates=_read_templates(table),
        verbs=_read_verbs(table),
        max_jobs=table.integer("max_jobs", 100, low=0, high=_MOST_JOBS),
        creates_per_minute=table.integer("creates_per_minute", 60, low=0, high=_MOST_JOBS),
    )
    table.finish()
    if table.faults:
        raise ConfigError(where, [describe(fault, text, values) for fault in table.faults])
    return grant


def _find(look: Callable[[], int]) -> int | None:
    try:
        return look()
    except (KeyError, ValueError):
        return None


def _read_templates(table: TableReader) -> frozenset[str]:
    names = table.texts("templates")
    for name in names:
        if not NAME.fullmatch(name):
            table.fault("templates", f"{name!r} cannot be a template's name")
    return frozenset(names)


def _read_verbs(table: TableReader) -> frozenset[str]:
    words = table.texts("verbs")
    for word in words:
        if word not in VERBS:
            table.fault("verbs", f"{word!r} is no verb{suggest(word, VERBS)}")
    return frozenset(words)


def list_grant_files() -> list[str]:
    """Return the paths of all grants, in their order. Raises PermissionError."""
    try:
        names = sorted(os.listdir(FOLDER))
    except FileNotFoundError:
        return []
    return [f"{FOLDER}/{name}" for name in names if name.endswith(".toml")]


def read_grants() -> Iterator[Grant | ConfigError]:
    """Yield each grant of this host, or what is wrong with its file, which then grants nothing."""
    for path in list_grant_files():
        try:
            yield parse_grant(read_file(path), path)
        except ConfigError as fault:
            yield fault
        except FileNotFoundError:
            continue  # removed meanwhile
