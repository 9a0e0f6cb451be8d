"""What the shell offers at TAB. Loaded only then.

Whichever verb they belong to: an argument JOB is completed by the jobs' names, what is or can be
a FILE by files. The names come from files alone: D-Bus would take too long.
"""

import click
from click.shell_completion import CompletionItem
from click.types import StringParamType

from sja_units.cli.params import ClientFile, Word
from sja_units.errors import SjaError
from sja_units.job import KINDS
from sja_units.jobs.inventory import list_configured

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


def add_completion(command: click.Command) -> None:
    """Let a command's words be completed, and those of the commands below it."""
    for parameter in command.params:
        if isinstance(parameter.type, StringParamType) and not isinstance(parameter.type, Word):
            parameter.type = _Word(is_file=isinstance(parameter.type, ClientFile))
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
