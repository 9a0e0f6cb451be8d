"""Hears what a program tells by sd_notify(3), which reaches systemd only through the worker.

Only a worker may speak for its unit; and it has to know what its program says, to report it.
"""

import array
import os
import socket
from contextlib import suppress
from typing import NamedTuple

from sja_units.hooks.record import is_number

_MAX_BYTES = 65536
_MAX_AT_ONCE = 64
_MAX_STATUS = 500  # characters; it is a line for people
_MAX_FILES = 768  # sd_notify(3): what systemd takes with one message


class Notification(NamedTuple):
    """What one message says, as far as it counts here."""

    ready: bool
    ping: bool
    hung: bool  # it asks to be ended by the watchdog
    status: str | None
    extend: float  # seconds that it asks for, 0: none


class NotifySocket:
    """A socket that a program is told of as NOTIFY_SOCKET."""

    def __init__(self, folder: str) -> None:
        """Listen in a folder of the job's own. Raises OSError."""
        self.path = f"{folder}/notify"
        with suppress(FileNotFoundError):
            os.unlink(self.path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        self._socket.setblocking(False)

    def fileno(self) -> int:
        return self._socket.fileno()

    def receive(self) -> list[Notification]:
        """Return what has come, some of it where much has."""
        notifications = []
        with suppress(BlockingIOError):
            for _ in range(_MAX_AT_ONCE):
                size = socket.CMSG_SPACE(_MAX_FILES * array.array("i").itemsize)
                data, ancillary, _, _ = self._socket.recvmsg(_MAX_BYTES, size)
                _close_files(ancillary)
                notifications.append(parse_notification(data.decode(errors="replace")))
        return notifications


def _close_files(ancillary: list[tuple[int, int, bytes]]) -> None:
    # To keep a program's files is not ours to do; who waits for a barrier waits for the closing.
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            files = array.array("i")
            files.frombytes(data[: len(data) - len(data) % files.itemsize])
            for file in files:
                os.close(file)


def parse_notification(text: str) -> Notification:
    """Return what a message says: lines of NAME=VALUE, of which unknown ones are passed over."""
    fields = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    status = fields.get("STATUS")
    micros = fields.get("EXTEND_TIMEOUT_USEC", "")
    return Notification(
        ready=fields.get("READY") == "1",
        ping=fields.get("WATCHDOG") == "1",
        hung=fields.get("WATCHDOG") == "trigger",
        status=None if status is None else _tidy(status),
        # systemd, too, passes over what is no number of 64 bits.
        extend=int(micros) / 1e6 if is_number(micros) else 0.0,
    )


def _tidy(status: str) -> str:
    # systemd takes no status with control characters.
    return "".join(c if c.isprintable() else " " for c in status[:_MAX_STATUS]).strip()
