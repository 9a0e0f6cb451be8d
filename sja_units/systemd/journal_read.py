"""What the journal holds, newest first, one entry at a time. Source: journalctl(1)."""

import json
import os
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, NamedTuple

from sja_units.errors import NotAllowed, SjaError
from sja_units.times import format_moment

Entry = dict[str, str]

_FOLDERS = ("/var/log/journal", "/run/log/journal")


def require_journal() -> None:
    """Raise NotAllowed where the system's journal can be read by others only."""
    journals = [path for path in _list_journals() if os.path.lexists(path)]
    if journals and not any(os.access(path, os.R_OK) for path in journals):
        raise NotAllowed(
            "the journal is for root and members of group systemd-journal",
            "try sudo, or join the group: usermod -aG systemd-journal USER",
        )


def _list_journals() -> list[str]:
    with open("/etc/machine-id", encoding="ascii") as file:
        machine = file.read().strip()
    return [f"{folder}/{machine}/system.journal" for folder in _FOLDERS]


@contextmanager
def read_backwards(matches: Iterable[str], fields: Iterable[str]) -> Iterator[Iterator[Entry]]:
    """Give the entries that match, newest first, with these fields as far as they have them.

    matches: as journalctl takes them, joined by "+" where one of several will do. Nothing is
    read ahead: who has seen enough ends the block. Raises NotAllowed, SjaError.
    """
    require_journal()
    command = ["journalctl", "--quiet", "--no-pager", "--reverse", "--all", "--output=json"]
    command += [f"--output-fields={','.join(fields)}", *matches]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as journalctl:
        try:
            yield _read(journalctl)
        finally:
            journalctl.terminate()


def _read(journalctl: subprocess.Popen[bytes]) -> Iterator[Entry]:
    assert journalctl.stdout is not None
    assert journalctl.stderr is not None
    yield from map(_parse, journalctl.stdout)
    said = journalctl.stderr.read().decode(errors="replace").split("\n")
    if journalctl.wait() != 0 and said[0]:
        raise SjaError(f"journalctl: {said[0]}")


class LogLine(NamedTuple):
    """One entry for people."""

    time: str  # RFC 3339, UTC
    priority: int  # as syslog has it: 3 is an error, 6 information
    message: str


def read_last(unit: str, most: int, since_ns: int = 0) -> list[LogLine]:
    """Return the last entries of a unit since a moment, oldest first. Raises NotAllowed, SjaError.

    Those that systemd and we ourselves wrote about it are among them, as with `journalctl --unit`.
    """
    found: list[LogLine] = []
    matches = [f"--unit={unit}", f"--since=@{since_ns // 10**9}"]
    with read_backwards(matches, ["MESSAGE", "PRIORITY"]) as entries:
        for entry in islice(entries, most):
            time_ns = int(entry["__REALTIME_TIMESTAMP"]) * 1000
            if time_ns < since_ns:
                break
            priority = entry.get("PRIORITY", "")
            rank = int(priority) if priority.isdigit() else 6
            found.append(LogLine(format_moment(time_ns, 6), rank, entry.get("MESSAGE", "")))
    return found[::-1]


def read_boot_id() -> str:
    """Return the number of this boot as the journal writes it. Raises NotAllowed, SjaError.

    Not the kernel's own: a service of a container whose /proc/sys is protected sees its host's.
    """
    with read_backwards([], ["MESSAGE_ID"]) as entries:
        newest = next(entries, None)
    return newest["_BOOT_ID"] if newest else ""


def _parse(line: bytes) -> Entry:
    return {name: _text(value) for name, value in json.loads(line).items()}


def _text(value: Any) -> str:
    """Return a field's value: what is no clean UTF-8 comes as a list of bytes."""
    if isinstance(value, list):
        if all(isinstance(byte, int) for byte in value):
            return bytes(value).decode(errors="replace")
        return _text(value[0])  # the same field several times
    return "" if value is None else str(value)
