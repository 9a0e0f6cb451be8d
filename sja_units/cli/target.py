"""JOB|FILE on the command line: a job that there is, or a file that may become one."""

import json
from typing import NamedTuple

from sja_units.cli.client_files import is_from_file, open_client_file, read_client_file
from sja_units.config.job_file import MAX_BYTES, JobFile, decode, read_file
from sja_units.config.load import Setting, Source, load
from sja_units.errors import ConfigError, UsageError
from sja_units.job import KINDS, Job
from sja_units.jobs import inventory
from sja_units.text import find_lookalike


class Target(NamedTuple):
    """What a person wants to try."""

    name: str  # as people know it: KIND/NAME or the file's path
    kind: str
    job: Job | None  # None for a file
    file: JobFile


def read_target(words: str, settings: tuple[str, ...] = ()) -> Target:
    """Return the job or file that is meant.

    settings: KEY=VALUE that count instead of what stands there. Raises UsageError, NoSuchJob,
    ConfigError, OSError.
    """
    if is_path(words):
        return read_path(words, settings)
    job = inventory.select_one(words)
    source = Source(read_file(job.config_path), job.config_path, split_settings(settings))
    return Target(str(job), job.kind, job, load(job.kind, source).file)


def is_path(words: str) -> bool:
    """Tell a file from a job, whose name has no dot, and whose kind alone comes before a slash."""
    folder, slash, _ = words.partition("/")
    if slash and folder not in KINDS:
        return True
    return "." in words and not words.endswith(".service")


def read_path(path: str, settings: tuple[str, ...] = (), kind: str = "") -> Target:
    """Return what a file says; its kind follows from its keys where none is given."""
    source = Source(read_text(path), path, split_settings(settings))
    loaded = load(kind, source, open_client_file)
    return Target(path, loaded.kind, None, loaded.file)


def read_text(path: str) -> str:
    """Return the text of a person's own file, which may be a link or a pipe."""
    with open_client_file(path) as file:
        return decode(file.read(MAX_BYTES + 1), path)


def split_settings(settings: tuple[str, ...]) -> list[Setting]:
    """Return what --set KEY=VALUE says, once for each. Raises UsageError."""
    pairs = []
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not key.strip():
            other = find_lookalike(setting)
            hint = f"; {other!r} is not ASCII" if other else ""
            raise UsageError(f"--set {setting!r} must be KEY=VALUE{hint}")
        value = _read_value(value.strip()) if is_from_file(setting) else value.strip()
        pairs.append(Setting(key.strip(), value, f"--set {key.strip()}"))
    return pairs


def _read_value(words: str) -> str:
    """Return what the file of @FILE holds, as a string of TOML."""
    path = words.removeprefix("@")
    try:
        text = read_client_file(path, MAX_BYTES).decode()
    except UnicodeDecodeError:
        raise ConfigError(path, ["not valid UTF-8"]) from None
    return json.dumps(text.rstrip("\r\n"), ensure_ascii=False)  # as one of TOML
