"""What `sjactl --host` sends to the sjactl over there, on ssh's standard input.

A line of JSON, and then what each file holds, as chunks: a line with the chunk's length, and so
many bytes; 0 ends a file.
"""

import json
from typing import IO, NamedTuple

from sja_units.errors import SjaError

_CHUNK = 2**16


class Request(NamedTuple):
    """An order, and what goes with it."""

    words: list[str]  # behind `sjactl`
    color: bool  # also where the output is no terminal over there
    environment: dict[str, str]
    files: list[str]  # paths as the person gave them; they follow in this order
    missing: dict[str, int]  # paths of files that cannot be read, with errno


def write_request(stream: IO[bytes], request: Request) -> None:
    # In ASCII, which JSON can be, file names of any bytes come through.
    stream.write(json.dumps(request._asdict()).encode() + b"\n")


def write_file(stream: IO[bytes], source: IO[bytes]) -> None:
    while data := source.read(_CHUNK):
        stream.write(b"%d\n%b" % (len(data), data))
    stream.write(b"0\n")


def read_request(stream: IO[bytes]) -> Request:
    """Return what was sent, but for the files. Raises SjaError."""
    try:
        return Request(**json.loads(stream.readline()))
    except (ValueError, TypeError):
        raise _cut_off() from None


def read_file(stream: IO[bytes], target: IO[bytes]) -> None:
    """Copy the next file. Raises SjaError if it is not all there."""
    while length := _read_length(stream):
        data = stream.read(length)
        if len(data) < length:
            raise _cut_off()
        target.write(data)


def _read_length(stream: IO[bytes]) -> int:
    try:
        return int(stream.readline(20))
    except ValueError:
        raise _cut_off() from None


def _cut_off() -> SjaError:
    return SjaError("what another host's sjactl has sent is not all there: nothing was done")
