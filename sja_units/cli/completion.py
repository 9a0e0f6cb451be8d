"""What the shell offers at TAB. Loaded only then.

Whichever verb they belong to: an argument JOB is completed by the jobs' names, what is or can be
a FILE by files. The names come from files alone: D-Bus would take too long.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

import click
from click.shell_completion import CompletionItem
from click.types import StringParamType

from sja_units.cli.params import ClientFile, Word
from sja_units.cli.target import read_target
from sja_units.errors import SjaError
from sja_units.job import KINDS
from sja_units.jobs.inventory import list_configured
from sja_units.kinds import as_acquisition

_JOBS = ("job", "jobs", "target", "targets")


class _Word(StringParamType):
    """A word that the shell completes by what the parameter's name says."""

    def __init__(self, *, is_file: bool) -> None:
        self._is_file = is_file

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        name = param.name or ""
        items = []
        if name in _MORE:
            return _offer(_MORE[name](), incomplete)
        if self._is_file:
            # First, as bash's script forgets what came before it.
            items.append(CompletionItem(incomplete, type="file"))
        elif name == "kind":
            items += _offer(KINDS, incomplete)
        # Another host's jobs would have to be asked for, at each press of the key.
        is_here = not ctx.find_root().params.get("host")
        if name in _JOBS and param.metavar != "JOBS.JSON" and is_here:
            given = ctx.params.get(name)
            items += _offer(_list_jobs(), incomplete, given if isinstance(given, tuple) else ())
        return items


def _list_words() -> list[str]:
    """Return the words so far: click has not taken them while the last option lacks its value."""
    return os.environ.get("COMP_WORDS", "").split()[2:]


def _list_keys() -> list[str]:
    """Return the keys of a file, of the kind that was named or of all."""
    from sja_units.config.schema import make_schema

    kinds = [kind for kind in KINDS if kind in _list_words()] or KINDS
    found = {key for kind in kinds for key in _walk(make_schema(kind), "")}
    return sorted(f"{key}=" for key in found)


def _walk(schema: dict[str, Any], prefix: str) -> Iterator[str]:
    for key, inner in schema.get("properties", {}).items():
        name = f"{prefix}{key}"
        items = inner.get("items", {})
        if "properties" in inner or "properties" in items:
            yield from _walk(inner, f"{name}.")
            yield from _walk(items, f"{name}.0.")
        else:
            yield name


def _list_points() -> list[str]:
    """Return the points of the job or file that was named."""
    for words in _list_words():
        with suppress(SjaError, OSError):
            settings = as_acquisition(read_target(words).file.settings)
            devices = settings.devices if settings else ()
            return [f"{device.name}.{point.name}" for device in devices for point in device.points]
    return []


def _list_hosts() -> list[str]:
    """Return the hosts that ssh's own configuration names."""
    found: dict[str, None] = {}
    for path in ("~/.ssh/config", "/etc/ssh/ssh_config"):
        with suppress(OSError, UnicodeDecodeError), open(os.path.expanduser(path)) as file:
            for line in file:
                words = line.split()
                if words and words[0].lower() == "host":
                    found.update(dict.fromkeys(w for w in words[1:] if not set(w) & set("*?!")))
    return list(found)


_MORE = {"settings": _list_keys, "point": _list_points}


def complete_host(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the hosts that can stand behind --host."""
    return _offer(_list_hosts(), incomplete)


def add_own_options(command: click.Command, own: Iterable[click.Parameter]) -> None:
    """Let a verb's options be completed together with those that stand anywhere."""
    for inner in command.commands.values() if isinstance(command, click.Group) else [command]:
        known = {name for parameter in inner.params for name in parameter.opts}
        inner.params += [p for p in own if not known & {*p.opts} and not p.is_eager]


def add_completion(command: click.Command) -> None:
    """Let a command's words be completed, and those of the commands below it."""
    for parameter in command.params:
        # Those that offer their words themselves stay, as do those that were taken up before.
        is_known = isinstance(parameter.type, Word | _Word)
        if isinstance(parameter.type, StringParamType) and not is_known:
            is_file = isinstance(parameter.type, ClientFile)
            parameter.type = _Word(is_file=is_file and parameter.name != "settings")
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            add_completion(inner)


def list_verbs(names: list[str], incomplete: str) -> list[CompletionItem]:
    """Return the verbs by name alone, for a shell that shows no more: nothing is imported."""
    return _offer(names, incomplete)


def _offer(
    words: list[str] | tuple[str, ...], incomplete: str, given: tuple[str, ...] = ()
) -> list[CompletionItem]:
    return [CompletionItem(w) for w in words if w.startswith(incomplete) and w not in given]


def _list_jobs() -> list[str]:
    """Return the jobs by bare name, where one kind has it, and by KIND/NAME."""
    try:
        jobs = list_configured()
    except SjaError:
        return []
    names = [job.name for job in jobs]
    return [*(name for name in names if names.count(name) == 1), *map(str, jobs)]
