"""Files of the person who gives the order: on this host, or sent along by `sjactl --host`."""

from collections.abc import Mapping
from os import dup
from typing import IO, BinaryIO

from sja_units.errors import ConfigError

STDIO = "-"

SentFiles = Mapping[str, IO[bytes] | OSError]
"""By the path that the person gave: the file, or why it could not be read."""

_sent: SentFiles | None = None


def use_sent_files(files: SentFiles) -> None:
    """Let these stand for the person's files, and no file of this host."""
    global _sent
    _sent = files


def is_remote() -> bool:
    """Return whether the person sits at another host."""
    return _sent is not None


def open_client_file(path: str) -> BinaryIO:
    """Return a person's file, to be read from its beginning; - is standard input. Raises OSError.

    What was not sent is a file of this host that a file of this host names.
    """
    sent = _sent.get(path) if _sent is not None else None
    if isinstance(sent, OSError):
        raise sent
    if sent is not None:
        # Anew each time, as each has a place of its own where it reads.
        return open(f"/proc/self/fd/{sent.fileno()}", "rb")
    return open(dup(0) if path == STDIO else path, "rb")


def read_client_file(path: str, limit: int) -> bytes:
    """Return what a person's file holds. Raises ConfigError for a larger one, OSError."""
    with open_client_file(path) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        size = f"{limit // 2**20} MiB" if limit >= 2**20 else f"{limit // 2**10} KiB"
        raise ConfigError(path, [f"is larger than {size}"])
    return data


def is_from_file(setting: str) -> bool:
    """Tell whether the value of a KEY=VALUE is in a file: KEY=@FILE."""
    return setting.partition("=")[2].strip().startswith("@")
