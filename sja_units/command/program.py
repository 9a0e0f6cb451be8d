"""The program of a command job, with all that it starts."""

import errno
import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress

from sja_units.errors import WorkerError, WrongConfig
from sja_units.hooks.processes import list_others, signal_others

_NOT_PASSED_ON = ("NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC")
# Trying again would not help; what is merely not there may be on a disk that is still to come.
_WRONG = (errno.EACCES, errno.ENOEXEC, errno.ELOOP, errno.ENOTDIR, errno.EINVAL, errno.E2BIG)
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)  # which a program would inherit
_SHEBANG_BYTES = 256  # of a file's first line that Linux looks at


class Program:
    """A program that runs. `descriptor` can be read as soon as it has ended."""

    def __init__(
        self, argv: tuple[str, ...], folder: str, environment: Mapping[str, str], group: str
    ) -> None:
        """Start it. Raises WrongConfig, or WorkerError where it may work later.

        group: the folder of the unit's control group, in which all processes but this one are the
        program's; "" where there is none: it has a process group of its own.
        """
        enter_folder(folder)
        try:
            self.pid = os.posix_spawn(
                argv[0],
                argv,
                environment,
                file_actions=[(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)],
                setpgroup=0,
                setsigdef=_IGNORED_BY_PYTHON,
            )
        except OSError as error:
            raise explain_exec_error(argv[0], error) from None
        self.name = os.path.basename(argv[0])
        self.descriptor = os.pidfd_open(self.pid)
        self._group = group
        self._status: int | None = None

    def poll(self) -> int | None:
        """Return its exit status, or minus the signal that ended it; None while it runs."""
        if self._status is None:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                self._status = os.waitstatus_to_exitcode(status)
        return self._status

    def has_left(self) -> bool:
        """Tell whether neither it nor anything that it started runs any more."""
        self.poll()
        if self._group:
            return not list_others(self._group)
        try:
            os.killpg(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False  # something in it has become another user
        return False

    def signal(self, number: int) -> None:
        """Send a signal to it and to all that it started."""
        if self._group:
            signal_others(self._group, number)
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def dump(self) -> None:
        """Let it print where it stands, as far as it can, before it is killed for a hang."""
        with suppress(ProcessLookupError):
            if self.poll() is None:
                os.kill(self.pid, signal.SIGABRT)
                time.sleep(0.5)


def enter_folder(folder: str) -> None:
    """Work there from now on; nothing of ours is named relative to it. Raises as Program does."""
    try:
        os.chdir(folder)
    except OSError as error:
        raise _explain(f"working_directory: {folder}", error) from None


def restore_signals() -> None:
    """Have signals do to this process what they do to any."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGINT, *_IGNORED_BY_PYTHON):
        signal.signal(number, signal.SIG_DFL)


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


def explain_exec_error(path: str, error: OSError) -> WorkerError:
    """Return why a program cannot be executed."""
    if error.errno == errno.ENOENT and (interpreter := _find_interpreter(path)):
        if interpreter.endswith("\r"):
            return WrongConfig(
                f"command: {path}: its lines end as on Windows, in CR and LF: sed -i 's/\\r$//' "
                f"{path}"
            )
        return WorkerError(f"command: {path}: its first line names {interpreter}, which is missing")
    return _explain(f"command: {path}", error)


def check_executable(path: str) -> None:
    """Raise as Program would where it is plain that a program cannot be executed."""
    try:
        found = os.stat(path)
        if os.path.isdir(path) or not os.access(path, os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        interpreter = _find_interpreter(path)
        if interpreter:
            os.stat(interpreter)
        elif found.st_size == 0:
            raise OSError(errno.ENOEXEC, os.strerror(errno.ENOEXEC))
    except OSError as error:
        raise explain_exec_error(path, error) from None


def _find_interpreter(path: str) -> str:
    """Return what the first line of a script names, with a CR at its end; "" if it is none."""
    try:
        with open(path, "rb") as file:
            line = file.read(_SHEBANG_BYTES).split(b"\n")[0]
    except OSError:
        return ""  # it may be executed and not read
    if not line.startswith(b"#!"):
        return ""
    words = line[2:].strip(b" \t").replace(b"\t", b" ").split(b" ")
    return os.fsdecode(words[0])


def _explain(what: str, error: OSError) -> WorkerError:
    message = f"{what}: {error.strerror}"
    return WrongConfig(message) if error.errno in _WRONG else WorkerError(message)
