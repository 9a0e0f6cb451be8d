"""A job's file: read safely, checked as a whole, turned into frozen types once."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from sja_units.config.origin import Origin, read_origin
from sja_units.errors import ConfigError
from sja_units.fs.safe_open import read_trusted
from sja_units.kinds import Settings, get_kind
from sja_units.toml.load import load_toml, place_line
from sja_units.toml.reader import Fault, TableReader

MAX_BYTES = 768 * 1024  # systemd hands a unit 1 MiB of credentials in all

_DIRECTIVE = re.compile(r"[A-Z][A-Za-z]+")
# What the units rely on; changing it would break the promises of the job, not tune it.
_FIXED = re.compile(
    r"Exec.*|Type|NotifyAccess|(Dynamic)?User|Group|(State|Runtime)Directory.*|LoadCredential.*"
    r"|Restart|RestartPreventExitStatus|SuccessExitStatus"
)


class JobFile(NamedTuple):
    """All that a job's file says."""

    title: str
    relaunch: bool
    service: Mapping[str, tuple[str, ...]]  # systemd directives of the [service] table
    settings: Settings  # the kind's own frozen type
    origin: Origin | None  # the template that it was made from


def read_file(path: str) -> str:
    """Return the text of a configuration file that is root's alone to write.

    Raises ConfigError for any other, and for one that is too large; FileNotFoundError and
    PermissionError as they come.
    """
    return decode(read_trusted(path, MAX_BYTES + 1), path)


def decode(data: bytes, where: str) -> str:
    """Return the text of a configuration file's bytes; raise ConfigError if it is too large."""
    if len(data) > MAX_BYTES:
        raise ConfigError(where, [f"larger than {MAX_BYTES // 1024} KiB"])
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ConfigError(where, [place_line("not valid UTF-8", line)]) from None


def parse(kind: str, text: str, where: str) -> JobFile:
    """Return what the file of a job of that kind says.

    where: the file's name, for messages. Raises ConfigError with all faults at once.
    """
    values = load_toml(text, where)
    file, faults = examine(kind, values)
    if faults:
        from sja_units.toml.location import describe

        raise ConfigError(where, [describe(fault, text, values) for fault in faults])
    return file


def examine(
    kind: str, values: Mapping[str, Any], reader: type[TableReader] = TableReader
) -> tuple[JobFile, list[Fault]]:
    """Return what the values of a job's file say, and all that is wrong with them."""
    faults: list[Fault] = []
    table = reader(values, (), faults)
    title = table.text("title", "")
    relaunch = table.flag("relaunch", True)
    service = _read_service(table.table("service"))
    origin = read_origin(table)
    settings = get_kind(kind).read(table)
    table.finish()
    return JobFile(title, relaunch, service, settings, origin), faults


def _read_service(table: TableReader) -> dict[str, tuple[str, ...]]:
    directives = {}
    for key in table.names():
        if not _DIRECTIVE.fullmatch(key):
            table.fault(key, "not the name of a systemd directive")
        elif _FIXED.fullmatch(key):
            table.fault(key, "cannot be set per job: the unit relies on it")
        directives[key] = _read_directive(table, key)
    return directives


def _read_directive(table: TableReader, key: str) -> tuple[str, ...]:
    value = table.raw(key)
    items = value if isinstance(value, list) else [value]
    texts = []
    for item in items:
        if isinstance(item, bool):
            texts.append("yes" if item else "no")
        elif isinstance(item, int):
            texts.append(str(item))
        elif isinstance(item, str) and not re.search(r"[\x00-\x1f\x7f]|\\$", item):
            texts.append(item)
        else:
            table.fault(key, "must be a string on one line, an integer, a boolean, or a list")
    return tuple(texts)
