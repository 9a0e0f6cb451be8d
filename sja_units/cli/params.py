"""What a verb's parameter takes: a file of the person who types the command, one of some words.

`sjactl --host` sends such files, TAB completes them.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, BinaryIO

import click
from click.types import StringParamType

from sja_units.cli.client_files import is_from_file
from sja_units.text import suggest

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Fetch = Callable[[BinaryIO | None], int]
"""Runs the command over there, its output into that file if one is given; returns its status."""


class ClientFile(StringParamType):
    """A file that is read."""

    def get_path(self, value: str) -> str:
        """Return the file's path, "" where something else stands there."""
        return value


class ClientConfig(ClientFile):
    """A job's file that is read, with the tables of points that it names."""

    def __init__(self, *, or_job: bool = False) -> None:
        self._or_job = or_job

    def get_path(self, value: str) -> str:
        from sja_units.cli.target import is_path

        return value if is_path(value) or not self._or_job else ""

    def find_tables(self, path: str, data: bytes, values: dict[str, Any]) -> list[str]:
        """Return the tables' paths; values: those of all parameters, `--set` among them.

        Raises ConfigError, UsageError.
        """
        from sja_units.cli.target import split_settings
        from sja_units.config.job_file import decode
        from sja_units.config.load import Source, find_tables

        settings = split_settings(values.get("settings", ()))
        return find_tables(Source(decode(data, path), path, settings))


class ClientSetting(ClientFile):
    """KEY=VALUE; with KEY=@FILE the value is what a file holds, and shows up in no process list."""

    def get_path(self, value: str) -> str:
        return value.partition("=")[2].strip().partition("@")[2] if is_from_file(value) else ""


class ClientOutput(ClientFile):
    """A file that is written; `receive` writes it from what the command over there prints."""

    def __init__(self, receive: Callable[[str, Fetch], int]) -> None:
        self.receive = receive


class Word(StringParamType):
    """One of some words, or several with commas between; a wrong one gets the nearest."""

    def __init__(self, words: Iterable[str], *, several: bool = False) -> None:
        self._words = tuple(words)
        self._several = several

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        for word in split_words(text) if self._several else (text,):
            if word not in self._words:
                hint = suggest(word, self._words) or f": use {', '.join(self._words)}"
                self.fail(f"unknown word {word!r}{hint}", param, ctx)
        return text

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        name = (param.name or "").upper()
        return f"{name}[,...]" if self._several else "|".join(self._words)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> "list[CompletionItem]":
        from click.shell_completion import CompletionItem

        head, comma, last = incomplete.rpartition(",") if self._several else ("", "", incomplete)
        return [CompletionItem(f"{head}{comma}{w}") for w in self._words if w.startswith(last)]


def split_words(text: str) -> list[str]:
    """Return the words of a list with commas."""
    return [part.strip() for part in text.split(",")]


def example(*lines: str) -> str:
    """Return examples as the end of a verb's help."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)
