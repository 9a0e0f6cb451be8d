"""A job's file as people write it: with tables beside it, which a worker cannot read."""

from typing import BinaryIO, NamedTuple

from sja_units.config import job_file
from sja_units.errors import ConfigError
from sja_units.kinds import OpenFile, get_kind, guess_kind
from sja_units.toml.location import describe


class Loaded(NamedTuple):
    """What a person's file says, and the file as a worker can read it."""

    file: job_file.JobFile
    text: str


def open_here(path: str) -> BinaryIO:
    """Open a file of this host."""
    return open(path, "rb")


def load(kind: str, text: str, where: str, open_file: OpenFile = open_here) -> Loaded:
    """Return what a file says, its tables taken from beside it.

    where: the file's path, from whose folder the tables' paths count. Raises ConfigError with all
    faults at once, those of the tables by row.
    """
    values = job_file.load_toml(text, where)
    inlined = get_kind(kind).inline_tables(text, values, where, open_file)
    file, faults = job_file.examine(kind, values)
    faults += file.settings.host_faults()
    if file.service:
        from sja_units.config import verify

        faults += verify.find_faults(file.service)
    told = inlined.faults if inlined else []
    for fault in faults:
        line = inlined.describe(fault) if inlined else None
        told.append(describe(fault, text, values) if line is None else line)
    if told := [line for line in told if line]:
        raise ConfigError(where, told)
    if inlined is None:
        return Loaded(file, text)
    whole = inlined.text()
    if len(whole.encode()) > job_file.MAX_BYTES:
        limit = job_file.MAX_BYTES // 1024
        raise ConfigError(
            where, [f"has too many points for one job's file ({limit} KiB): make several jobs"]
        )
    return Loaded(file, whole)


def find_tables(text: str, where: str) -> list[str]:
    """Return the paths of the tables that `load` would read. Raises ConfigError."""
    values = job_file.load_toml(text, where)
    return get_kind(guess_kind(values)).list_tables(values, where)
