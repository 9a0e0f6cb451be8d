"""A job's file as people write it: with values of the command line, and tables beside it."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import BinaryIO, NamedTuple

from sja_units.config import job_file
from sja_units.errors import ConfigError, FaultLine, UsageError
from sja_units.kinds import OpenFile, get_kind, guess_kind
from sja_units.toml.load import load_toml
from sja_units.toml.location import describe


class Setting(NamedTuple):
    """A value of the command line, which counts instead of the file's."""

    key: str  # dotted: device.0.host
    value: str  # as TOML, or plain words that stand for a string
    option: str  # which gave it, for messages: "--interval", "--set sink.url"


class Source(NamedTuple):
    """What a person has written."""

    text: str
    where: str  # the file's path, from whose folder those of its tables count; "" for no file
    settings: Sequence[Setting] = ()
    options: Mapping[str, str] = MappingProxyType({})  # by key, those that could have given it


class Loaded(NamedTuple):
    """What that says, and the file as a worker can read it."""

    kind: str
    file: job_file.JobFile
    text: str
    warnings: tuple[str, ...] = ()


def open_here(path: str) -> BinaryIO:
    """Open a file of this host."""
    return open(path, "rb")


def load(
    kind: str, source: Source, open_file: OpenFile = open_here, *, for_here: bool = True
) -> Loaded:
    """Return what a person has written, tables included.

    kind: "" where the keys are to tell it.
    for_here: whether the job is to run on this host, which then has to have what it names.
    Raises ConfigError with all faults at once, those of
    tables by row; UsageError where only the command line is at fault.
    """
    text, values = source.text, load_toml(source.text, source.where)
    if source.settings:
        text = _compose(text, [(each.key, each.value) for each in source.settings])
        values = load_toml(text, source.where)
    kind = kind or guess_kind(values)
    inlined = get_kind(kind).inline_tables(text, values, source.where, open_file)
    file, faults = job_file.examine(kind, values)
    faults += [f for f in file.settings.host_faults() if for_here or not f.of_host]
    if file.service:
        from sja_units.config import verify

        faults += verify.find_faults(file.service)
    told = inlined.faults if inlined else []
    options = {**source.options, **{each.key: each.option for each in source.settings}}
    for fault in faults:
        line = inlined.describe(fault) if inlined else None
        told.append(describe(fault, source.text, values, options) if line is None else line)
    if told := [line for line in told if line]:
        raise _refuse(source, told)
    if inlined is None:
        return Loaded(kind, file, text)
    whole = inlined.text()
    if len(whole.encode()) > job_file.MAX_BYTES:
        limit = job_file.MAX_BYTES // 1024
        raise ConfigError(
            source.where, [f"too many points for one job's file ({limit} KiB): make several jobs"]
        )
    return Loaded(kind, file, whole, tuple(inlined.warnings))


def _refuse(source: Source, told: list[str]) -> ConfigError | UsageError:
    options = [fault for fault in told if isinstance(fault, FaultLine) and fault.option]
    if source.where and len(options) < len(told):
        return ConfigError(source.where, told)
    return UsageError(ConfigError("", told).message)


def _compose(text: str, settings: list[tuple[str, str]]) -> str:
    from sja_units.toml.edit import compose  # costly, and seldom needed

    return compose(text, settings)


def find_tables(source: Source) -> list[str]:
    """Return the paths of the tables that `load` would read. Raises ConfigError, UsageError."""
    values = load_toml(source.text, source.where)
    if source.settings:
        text = _compose(source.text, [(each.key, each.value) for each in source.settings])
        values = load_toml(text, source.where)
    return get_kind(guess_kind(values)).list_tables(values, source.where)
