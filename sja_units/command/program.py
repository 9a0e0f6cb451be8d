"""The program of a command job: a process group of its own."""

import errno
import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress

from sja_units.errors import WorkerError, WrongConfig

_NOT_PASSED_ON = ("NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC")
# Trying again would not help; what is merely not there may be on a disk that is still to come.
_WRONG = (errno.EACCES, errno.ENOEXEC, errno.ELOOP, errno.ENOTDIR, errno.EINVAL, errno.E2BIG)


class Program:
    """A program that runs. `descriptor` can be read as soon as it has ended."""

    def __init__(self, argv: tuple[str, ...], folder: str, environment: Mapping[str, str]) -> None:
        """Start it. Raises WrongConfig, or WorkerError where it may work later."""
        try:
            # The worker itself names no file relative to it.
            os.chdir(folder)
        except OSError as error:
            raise _explain(f"working_directory: {folder}", error) from None
        try:
            self.pid = os.posix_spawn(
                argv[0],
                argv,
                environment,
                file_actions=[(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)],
                setpgroup=0,
                setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],  # Python ignores them
            )
        except OSError as error:
            raise _explain(f"command: {argv[0]}", error) from None
        self.name = os.path.basename(argv[0])
        self.descriptor = os.pidfd_open(self.pid)
        self._status: int | None = None

    def poll(self) -> int | None:
        """Return its exit status, or minus the signal that ended it; None while it runs."""
        if self._status is None:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                self._status = os.waitstatus_to_exitcode(status)
        return self._status

    def has_left(self) -> bool:
        """Tell whether neither it nor anything that it started in its group runs any more."""
        self.poll()
        try:
            os.killpg(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False  # something in it has become another user
        return False

    def signal(self, number: int) -> None:
        """Send a signal to its group."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def dump(self) -> None:
        """Let it print where it stands, as far as it can, before it is killed for a hang."""
        with suppress(ProcessLookupError):
            if self.poll() is None:
                os.kill(self.pid, signal.SIGABRT)
                time.sleep(0.5)


def make_environment(
    given: Mapping[str, str], own: Mapping[str, str], job: str, notify: Mapping[str, str]
) -> dict[str, str]:
    """Return what a program finds in its environment: what systemd gave the worker, and its own.

    notify: what a program that speaks sd_notify is to have of it.
    """
    passed = {name: value for name, value in given.items() if name not in _NOT_PASSED_ON}
    return {**passed, "SJA_JOB": job, **notify, **own}


def describe_status(status: int) -> str:
    """Return how a program ended: its exit status, or minus the signal that ended it."""
    if status >= 0:
        return f"ended with exit status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"


def _explain(what: str, error: OSError) -> WorkerError:
    message = f"{what}: {error.strerror}"
    return WrongConfig(message) if error.errno in _WRONG else WorkerError(message)
