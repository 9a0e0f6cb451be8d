"""Machines under test: where a test fails, their journals are kept and shown."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from tests.machines.machine import Machine

ARTIFACTS = Path(__file__).resolve().parents[1] / ".artifacts"
_SHOWN_LINES = 60


class _Logged(Protocol):
    name: str

    def save_journal(self, folder: Path, name: str | None = None) -> Path: ...


_watched: list[_Logged] = []


@contextmanager
def booted(machine: Machine) -> Iterator[Machine]:
    """Give a machine that has booted, and whose journal is kept if a test fails meanwhile."""
    with machine, watched(machine):
        machine.boot()
        yield machine


@contextmanager
def watched(machine: _Logged) -> Iterator[None]:
    """Keep the journal of a machine if a test fails meanwhile."""
    _watched.append(machine)
    try:
        yield
    except Exception as error:
        error.add_note(f"journal: {machine.save_journal(ARTIFACTS, f'{machine.name}-ended')}")
        raise
    finally:
        _watched.remove(machine)


def save_journals(test: str) -> list[tuple[str, str]]:
    """Save the journal of every machine there is; return titles with paths, and last lines."""
    name = re.sub(r"[^\w.-]+", "-", test)
    sections = []
    for machine in _watched:
        path = machine.save_journal(ARTIFACTS, f"{name}-{machine.name}")
        lines = path.read_text().splitlines()[-_SHOWN_LINES:]
        sections.append((f"journal of {machine.name}, whole in {path}", "\n".join(lines)))
    return sections
