"""JOB|FILE on the command line: a job that there is, or a file that may become one."""

from typing import NamedTuple

from sja_units.cli.client_files import open_client_file
from sja_units.config.job_file import MAX_BYTES, JobFile, decode, load_toml, read_file
from sja_units.config.load import load
from sja_units.errors import UsageError
from sja_units.job import KINDS, Job
from sja_units.jobs import inventory
from sja_units.kinds import guess_kind
from sja_units.toml.edit import compose


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
    pairs = split_settings(settings)
    if is_path(words):
        return read_path(words, pairs)
    chosen = inventory.select_configured([words])
    if len(chosen) != 1:
        raise UsageError(f"{words!r} may be {' or '.join(map(str, chosen)) or 'no job'}: say which")
    (job,) = chosen
    text = compose(read_file(job.config_path), pairs)
    return Target(str(job), job.kind, job, load(job.kind, text, job.config_path).file)


def is_path(words: str) -> bool:
    """Tell a file from a job, whose name has no dot, and whose kind alone comes before a slash."""
    folder, slash, _ = words.partition("/")
    if slash and folder not in KINDS:
        return True
    return "." in words and not words.endswith(".service")


def read_path(path: str, pairs: list[tuple[str, str]]) -> Target:
    """Return what a file says; its kind follows from its keys."""
    text = compose(read_text(path), pairs)
    keys = load_toml(text, path)
    kind = guess_kind(keys)
    return Target(path, kind, None, load(kind, text, path, open_client_file).file)


def read_text(path: str) -> str:
    """Return the text of a person's own file, which may be a link or a pipe."""
    with open_client_file(path) as file:
        return decode(file.read(MAX_BYTES + 1), path)


def split_settings(settings: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return the pairs of --set KEY=VALUE."""
    pairs = []
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"--set {setting!r} must be KEY=VALUE")
        pairs.append((key.strip(), value.strip()))
    return pairs
