"""A commented file of each kind, to start from."""

import os

from sja_units.job import check_kind


def read_example(kind: str) -> str:
    """Return the text of a kind's example. Raises UsageError."""
    path = os.path.join(os.path.dirname(__file__), f"{check_kind(kind)}.toml")
    with open(path, encoding="utf-8") as file:
        return file.read()
