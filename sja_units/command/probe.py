"""One attempt to see whether a program is well. Each method returns "" if so, else the reason."""

import os
import socket
import time
from collections.abc import Mapping
from typing import NoReturn

from sja_units.command.config import Probe
from sja_units.runtime.process_group import MARK
from sja_units.url import Address

_TAIL = 200  # characters of what a probe's program printed
_WELL = range(200, 400)


def ask_page(page: Address, timeout: float) -> str:
    """Ask for a page; a status of 200 to 399 is well. A redirect is not followed."""
    from sja_units.runtime.http import HttpError, ask_once

    try:
        status = ask_once(page, seconds=timeout, max_body=0).status
    except HttpError as error:
        return str(error)
    return "" if status in _WELL else f"{page.site} answered {status}"


def connect(host: str, port: int, timeout: float) -> str:
    """Open a TCP connection, and close it again."""
    try:
        socket.create_connection((host, port), timeout).close()
    except OSError as error:
        return f"{host}:{port}: {_word(error)}"
    return ""


def check_file(path: str, max_age: float, now: float) -> str:
    """See whether a file was changed lately; now: Unix time."""
    try:
        age = now - os.stat(path).st_mtime
    except OSError as error:
        return f"{path}: {_word(error)}"
    if age < -max_age:
        # As after a clock was set back: it would count as new for as long.
        return f"{path} has a time that is still to come, in {-age:.0f} s: is the clock right?"
    return "" if age <= max_age else f"{path} has not been changed for {age:.0f} s"


def run_probe(probe: Probe, environment: Mapping[str, str], writer: int) -> None:
    """Make one attempt, in a child of its own; write the reason to the descriptor.

    A probe's own program takes this process: what it prints is the reason, its status tells.
    """
    if probe.command:
        _exec(probe.command, environment, writer)
    if probe.http:
        reason = ask_page(probe.http, probe.timeout)
    elif probe.tcp:
        reason = connect(*probe.tcp, probe.timeout)
    else:
        reason = check_file(probe.file, probe.max_age, time.time())
    os.write(writer, reason.encode())


def describe_end(probe: Probe, output: bytes, status: int, *, late: bool) -> str:
    """Return why an attempt that has ended found the program unwell, "" if it did not."""
    words = " ".join(output.decode(errors="replace").split())
    if late:
        return f"no answer within {probe.timeout:g} s"
    if not probe.command:
        return words or ("" if status == 0 else f"the probe ended with status {status}")
    if status == 0:
        return ""
    how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
    said = f": {words[-_TAIL:]}" if words else ""
    return f"{os.path.basename(probe.command[0])} {how}{said}"


def _exec(command: tuple[str, ...], environment: Mapping[str, str], writer: int) -> NoReturn:
    import signal

    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(writer, 1)
    os.dup2(writer, 2)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, which a program inherits
    try:
        os.execve(command[0], command, {**environment, MARK: os.environ[MARK]})
    except OSError as error:
        os.write(1, f"cannot be run: {_word(error)}".encode())
        os._exit(127)


def _word(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
