"""The end of `sjactl --host` that does the work: `sjactl --sent`, which ssh starts over there.

The order comes on standard input. What comes then is its end, which is that of the connection.
"""

import os
import signal
from contextlib import ExitStack, suppress
from select import select
from tempfile import TemporaryFile
from typing import IO

from sja_units.cli.client_files import use_sent_files
from sja_units.cli.remote.protocol import Request, read_file, read_request

SENT = "--sent"


def receive() -> tuple[list[str], bool | None]:
    """Return the order's words, and True if it is to show colour though nothing is a terminal here.

    Its files are where `open_client_file` finds them. It returns in a process of its own, which
    the end of the connection ends as Ctrl-C does. Raises SjaError, OSError.
    """
    connection = os.dup(0)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    with open(connection, "rb", closefd=False) as stream:
        request = read_request(stream)
        use_sent_files(_receive_files(stream, request))
    pid = os.fork()
    if pid:
        os._exit(_look_after(pid, connection))
    os.close(connection)
    os.environ.update(request.environment)
    return request.words, request.color or None


def _receive_files(stream: IO[bytes], request: Request) -> dict[str, IO[bytes] | OSError]:
    files: dict[str, IO[bytes] | OSError] = {}
    with ExitStack() as stack:
        for path in request.files:
            # Without a name nobody else can open them, and nothing can be left behind.
            file = stack.enter_context(TemporaryFile(dir="/var/tmp"))
            read_file(stream, file)
            file.flush()
            files[path] = file
        stack.pop_all()
    for path, number in request.missing.items():
        files[path] = OSError(number, os.strerror(number), path)
    return files


def _look_after(pid: int, connection: int) -> int:
    """Wait until the process has done its work, or nobody waits for it; return its exit status."""
    process = os.pidfd_open(pid)
    while process not in (ready := select([process, connection], [], [])[0]):
        if ready and not _is_up(connection):
            os.kill(pid, signal.SIGINT)
            break
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return status if status >= 0 else 128 - status


def _is_up(connection: int) -> bool:
    with suppress(OSError):
        return bool(os.read(connection, 4096))
    return False
