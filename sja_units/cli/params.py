"""What a verb's parameter says if it names a file of the person who types the command.

`sjactl --host` sends such files, TAB completes them.
"""

from collections.abc import Callable
from typing import Any, BinaryIO

from click.types import StringParamType

Fetch = Callable[[BinaryIO | None], int]
"""Runs the command over there, its output into that file if one is given; returns its status."""


class ClientFile(StringParamType):
    """A file that is read."""

    def names_file(self, value: str) -> bool:
        """Tell a file's path from what else may stand there."""
        return True


class ClientConfig(ClientFile):
    """A job's file that is read, with the tables of points that it names."""

    def __init__(self, *, or_job: bool = False) -> None:
        self._or_job = or_job

    def names_file(self, value: str) -> bool:
        from sja_units.cli.target import is_path

        return is_path(value) or not self._or_job

    def find_tables(self, path: str, data: bytes, values: dict[str, Any]) -> list[str]:
        """Return the tables' paths; values: those of all parameters, `--set` among them.

        Raises ConfigError, UsageError.
        """
        from sja_units.cli.target import split_settings
        from sja_units.config.job_file import decode
        from sja_units.config.load import Source, find_tables

        settings = split_settings(values.get("settings", ()))
        return find_tables(Source(decode(data, path), path, settings))


class ClientOutput(ClientFile):
    """A file that is written; `receive` writes it from what the command over there prints."""

    def __init__(self, receive: Callable[[str, Fetch], int]) -> None:
        self.receive = receive
