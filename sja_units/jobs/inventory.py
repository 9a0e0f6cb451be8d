"""Which jobs there are, by files alone."""

import os
import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import NamedTuple

from sja_units.config.job_file import MAX_BYTES, decode
from sja_units.config.origin import find_template
from sja_units.errors import ConfigError, NoSuchJob, NotAllowed, UsageError
from sja_units.fs.safe_open import read_regular
from sja_units.job import CONFIG_ROOT, KINDS, NAME, Job, check_name, parse_unit
from sja_units.text import suggest
from sja_units.toml.load import load_toml

# The keys that a Head holds; a name in quotes can have any of its letters escaped.
_HEAD_WORDS = ("title", "relaunch", "template", "\\")
_HEADER = re.compile(r"^\s*\[", re.MULTILINE)


class Head(NamedTuple):
    """What a listing needs of a job's file."""

    title: str
    relaunch: bool
    template: str | None = None  # that it was made from


def list_configured() -> list[Job]:
    """Return the jobs that have a file, by kind and name. Raises NotAllowed."""
    jobs = []
    for kind in KINDS:
        try:
            names = os.listdir(f"{CONFIG_ROOT}/{kind}")
        except FileNotFoundError:
            continue
        except PermissionError:
            raise NotAllowed(
                f"only root and members of group sja can read {CONFIG_ROOT}", "try sudo"
            ) from None
        stems = (name.removesuffix(".toml") for name in names if name.endswith(".toml"))
        jobs += [Job(kind, stem) for stem in stems if NAME.fullmatch(stem)]
    return sorted(jobs)


def read_head(job: Job) -> Head:
    """Return a job's title and whether it comes back at boot; what cannot be read is default.

    A file that others may change counts here, too: `relaunch = false` in it is to be kept.
    """
    try:
        return parse_head(decode(read_regular(job.config_path, MAX_BYTES), job.config_path))
    except (OSError, ConfigError):
        return Head("", True)


def parse_head(text: str) -> Head:
    """Return title and coming back of a job's file. Raises ConfigError."""
    head = cut_head(text)
    if not any(word in head for word in _HEAD_WORDS):
        return Head("", True)  # most files: nothing in it is asked for
    values = load_toml(head, "")
    title, relaunch = values.get("title"), values.get("relaunch")
    title = title if isinstance(title, str) else ""
    return Head(title, relaunch is not False, find_template(values))


def cut_head(text: str) -> str:
    """Return the part of a TOML text that holds its top-level keys.

    They all come before the first table, and a file with a thousand points is not read for two
    keys. A line in a multi-line value can look like a header: then all of the text is the head.
    """
    header = _HEADER.search(text)
    if header is None:
        return text
    head = text[: header.start()]
    return text if '"""' in head or "'''" in head or _is_open(head) else head


def _is_open(head: str) -> bool:
    return head.count("[") != head.count("]")


class Selector(NamedTuple):
    """A person's words for jobs, checked for form only; kind is "" where none was given."""

    words: str
    kind: str
    name: str  # a name, or a pattern with * and ?


def parse_selector(words: str) -> Selector:
    """Return what the words stand for. Raises UsageError if nothing could be called so."""
    if words.startswith("sja-") and words.endswith(".service"):
        job = parse_unit(words)
        if job is None:
            raise UsageError(f"{words!r} is not a job's unit")
        return Selector(words, job.kind, job.name)
    kind, slash, name = words.rpartition("/")
    if slash and kind not in KINDS:
        raise UsageError(f"{words!r} is not a job: unknown kind {kind!r}{suggest(kind, KINDS)}")
    if not is_pattern(name):
        check_name(name)
    return Selector(words, kind, name)


def is_pattern(name: str) -> bool:
    return "*" in name or "?" in name


def select(selectors: Iterable[Selector], titles: dict[Job, str]) -> list[Job]:
    """Return the jobs that are meant, each once, out of those that `titles` knows.

    Raises NoSuchJob for a name that nobody has, UsageError for one that two kinds have.
    """
    chosen: dict[Job, None] = {}
    for selector in selectors:
        found = [job for job, title in titles.items() if _matches(selector, job, title)]
        if not found:
            raise NoSuchJob(_tell_none(selector), "sjactl list shows all")
        if len(found) > 1 and not is_pattern(selector.name):
            raise UsageError(f"{selector.words!r} is ambiguous: {' or '.join(map(str, found))}")
        chosen.update(dict.fromkeys(found))
    return list(chosen)


def _tell_none(selector: Selector) -> str:
    jobs = list_configured()  # who may not see them hears that instead
    if is_pattern(selector.name):
        return f"no job matches {selector.words!r}"
    known = {str(job) if selector.kind else job.name for job in jobs}
    return f"no such job: {selector.words}{suggest(selector.words, sorted(known))}"


def _matches(selector: Selector, job: Job, title: str) -> bool:
    if selector.kind and selector.kind != job.kind:
        return False
    if is_pattern(selector.name):
        return fnmatchcase(job.name, selector.name) or fnmatchcase(title, selector.name)
    return job.name == selector.name


def select_configured(words: Iterable[str]) -> list[Job]:
    """Return the configured jobs that are meant; all of them if no words are given."""
    selectors = [parse_selector(word) for word in words]
    jobs = list_configured()
    if not selectors:
        return jobs
    if not any(is_pattern(selector.name) for selector in selectors):
        return select(selectors, dict.fromkeys(jobs, ""))  # only patterns match titles
    return select(selectors, {job: read_head(job).title for job in jobs})


def select_one(words: str) -> Job:
    """Return the one configured job that is meant."""
    chosen = select_configured([words])
    if len(chosen) > 1:
        raise UsageError(f"{words!r} is ambiguous: {' or '.join(map(str, chosen))}")
    return chosen[0]
