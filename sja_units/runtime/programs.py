"""Programs that files name: whether they can be run here."""

import os
from collections.abc import Iterator, Sequence

from sja_units.toml.reader import Fault, Place


def check_program(place: Place, command: Sequence[str]) -> Iterator[Fault]:
    """Yield what is wrong with a command's program, if anything."""
    path = command[0] if command else ""
    if not path.startswith("/"):
        return  # told by who has read it
    if not os.path.exists(path):
        yield Fault(place, f"no such program: {path}", of_host=True)
    elif not os.path.isfile(path) or not os.access(path, os.X_OK):
        yield Fault(place, f"not an executable program: {path}", of_host=True)
