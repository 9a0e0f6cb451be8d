"""A job's file: read safely, checked as a whole, turned into frozen types once."""

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from typing import Any, NamedTuple

from sja_units.config.origin import Origin, read_origin
from sja_units.errors import ConfigError
from sja_units.kinds import Settings, get_kind
from sja_units.toml.reader import Fault, TableReader

MAX_BYTES = 256 * 1024  # tomllib takes seconds for files that are far larger

_MOST_BITS = 4096
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
    """Return a configuration's text; raise ConfigError if it is not a plain file of sane size.

    Raises FileNotFoundError and PermissionError as they come.
    """
    try:
        # Not through a link, and never waiting for somebody to open the other end of a FIFO.
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):
        raise
    except OSError as error:
        raise ConfigError(path, [f"cannot be read: {error.strerror}"]) from None
    try:
        mode = os.fstat(fd).st_mode
        if not stat.S_ISREG(mode):
            raise ConfigError(path, ["is not a regular file"])
        if mode & 0o022:
            raise ConfigError(path, ["can be changed by others than its owner: chmod go-w"])
        return decode(os.read(fd, MAX_BYTES + 1), path)
    finally:
        os.close(fd)


def decode(data: bytes, where: str) -> str:
    """Return the text of a configuration file's bytes; raise ConfigError if it is too large."""
    if len(data) > MAX_BYTES:
        raise ConfigError(where, [f"is larger than {MAX_BYTES // 1024} KiB"])
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ConfigError(where, [f"line {line}: this is not UTF-8 text"]) from None


def load_toml(text: str, where: str) -> dict[str, Any]:
    """Return a TOML text as a dict; raise ConfigError with the place of the first fault."""
    try:
        values = tomllib.loads(text)
        _check_integers(values)
    except RecursionError:
        raise ConfigError(where, ["is nested too deeply"]) from None
    except ValueError as error:  # TOMLDecodeError is one; so is an integer of 5,000 digits
        raise ConfigError(where, [f"is not TOML: {error}"]) from None
    return values


def _check_integers(value: object) -> None:
    """Raise ValueError for an integer that could not even be shown: a hexadecimal one may be so."""
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        raise ValueError(f"an integer has more than {_MOST_BITS} bits")
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in items:
        _check_integers(item)


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


def examine(kind: str, values: Mapping[str, Any]) -> tuple[JobFile, list[Fault]]:
    """Return what the values of a job's file say, and all that is wrong with them."""
    faults: list[Fault] = []
    table = TableReader(values, (), faults)
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
            table.fault(key, "is not the name of a systemd directive")
        elif _FIXED.fullmatch(key):
            table.fault(key, "cannot be changed for one job: the unit relies on it")
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
            table.fault(key, "must be a text on one line, a whole number, true or false, or a list")
    return tuple(texts)
