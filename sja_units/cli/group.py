"""sjactl's verbs: found by name, imported when used; options of sjactl itself anywhere."""

import importlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from sja_units.text import suggest

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_COMPLETE = os.environ.get("_SJACTL_COMPLETE", "")  # what click's scripts for shells set
# What other programs call it.
_ELSEWHERE = {"ls": "list", "ps": "list", "rm": "remove", "delete": "remove", "log": "logs"}


class Verb(NamedTuple):
    """Where a verb's command is found, and what the list of all verbs says of it."""

    module: str  # below sja_units.cli.verbs; it holds a command of the verb's name
    summary: str  # the first sentence of its help


class Verbs(click.Group):
    """Finds a verb's command without importing the others."""

    def __init__(self, *, verbs: dict[str, Verb], **rest: Any) -> None:
        super().__init__(**rest)
        self._verbs = verbs

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._verbs:
            return None
        module = importlib.import_module(f"sja_units.cli.verbs.{self._verbs[cmd_name].module}")
        command = getattr(module, f"{cmd_name}_command")
        assert isinstance(command, click.Command)
        if _COMPLETE:
            from sja_units.cli.completion import add_completion, add_own_options

            add_completion(command)
            add_own_options(command, self.params)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(verb, found.summary) for verb, found in self._verbs.items()]
        with formatter.section("Verbs"):
            formatter.write_dl(rows)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        rest = self.make_parser(ctx).parse_args([*args])[1]
        if rest and (command := self.get_command(ctx, rest[0])):
            own, words = self._take_own(command, rest[1:], ctx)
            args = [*args[: len(args) - len(rest)], *own, rest[0], *words]
        return super().parse_args(ctx, args)

    def _take_own(
        self, command: click.Command, words: list[str], ctx: click.Context
    ) -> tuple[list[str], list[str]]:
        """Return sjactl's own options among a verb's words, and all other words."""
        mine = {name: _takes_value(p) for p in self.get_params(ctx) for name in _names(p)}
        mine = {name: valued for name, valued in mine.items() if name not in _names_of(command)}
        theirs = {name for p in _list_params(command) if _takes_value(p) for name in _names(p)}
        own, others = [], []
        left = iter(words)
        for word in left:
            name = word.partition("=")[0] if word.startswith("--") else word[:2]
            if word == "--":
                others += [word, *left]
            elif name in mine and (word.startswith("--") or word == name or mine[name]):
                own.append(word)
                if mine[name] and word == name:
                    value = next(left, None)
                    if value is not None:
                        own.append(value)
                    elif not ctx.resilient_parsing:
                        raise click.BadOptionUsage(name, f"option {name} needs a value", ctx)
            else:
                others.append(word)
                if word in theirs:
                    others += [value for value in [next(left, None)] if value is not None]
        return own, others

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        verb = args[0]
        command = self.get_command(ctx, verb)
        if command is None and not ctx.resilient_parsing:
            other = _ELSEWHERE.get(verb)
            hint = f"; did you mean {other!r}?" if other else suggest(verb, self._verbs)
            ctx.fail(f"no such {'option' if verb.startswith('-') else 'verb'}: {verb!r}{hint}")
        hosts = _list_hosts(ctx)
        if hosts and command and not _COMPLETE:
            from sja_units.cli.remote.client import Order, check_host, redirect

            for host in hosts:
                check_host(host)
            if len(hosts) > 1:
                from sja_units.cli.remote.many import spread

                spread(command, hosts, args)
            else:
                redirect(command, Order(hosts[0], args))
        return verb if command else None, command, args[1:]

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        if _COMPLETE.startswith("bash") and not incomplete.startswith("-"):
            from sja_units.cli.completion import list_verbs

            return list_verbs(self.list_commands(ctx), incomplete)
        return super().shell_complete(ctx, incomplete)


def _list_hosts(ctx: click.Context) -> list[str]:
    """Return the hosts that were named, each once."""
    named = [host.strip() for words in ctx.params.get("host", ()) for host in words.split(",")]
    if path := ctx.params.get("hosts"):
        from sja_units.cli.remote.many import read_hosts

        named += read_hosts(path)
        if not named:
            ctx.fail(f"--hosts {path} names no host")
    return list(dict.fromkeys(named))


def _list_params(command: click.Command) -> Iterator[click.Parameter]:
    yield from command.params
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            yield from _list_params(inner)


def _names(parameter: click.Parameter) -> list[str]:
    if not isinstance(parameter, click.Option):
        return []
    return [*parameter.opts, *parameter.secondary_opts]


def _names_of(command: click.Command) -> set[str]:
    own = {name for parameter in _list_params(command) for name in _names(parameter)}
    return own | {"-h", "--help"}


def _takes_value(parameter: click.Parameter) -> bool:
    return isinstance(parameter, click.Option) and not parameter.is_flag and not parameter.count
