"""What can go wrong, with the exit status that the contract gives it."""

import re
from collections.abc import Iterable
from typing import Self

from sja_units import exit_status


class SjaError(Exception):
    """A fault told in one line; `hint` says what to do about it."""

    status = exit_status.FAILED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class DescribedError(OSError):
    """A file or connection that cannot be used, for a reason that the system has no number for."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.strerror = message


class UsageError(SjaError):
    """The words on the command line are wrong."""

    status = exit_status.USAGE


class NoSuchJob(SjaError):
    """Nobody has configured the job that was named."""

    status = exit_status.NO_SUCH_JOB


class NotAllowed(SjaError):
    """The person who asks lacks the right."""

    status = exit_status.NOT_ALLOWED


class FaultLine(str):
    """A fault of a configuration as one line for people, and its parts for programs."""

    key: str  # as --set takes it: device.0.port
    line: int | None
    message: str
    option: str  # of the command line, that gave the value; "" if the file did

    def __new__(
        cls, text: str, key: str = "", line: int | None = None, message: str = "", option: str = ""
    ) -> Self:
        self = super().__new__(cls, text)
        self.key, self.line, self.message, self.option = key, line, message or text, option
        return self


class ConfigError(SjaError):
    """A configuration is wrong; `faults` holds every fault with its place."""

    def __init__(self, where: str, faults: Iterable[str]) -> None:
        self.where = where
        self.faults = [
            fault if isinstance(fault, FaultLine) else FaultLine(fault) for fault in faults
        ]
        prefix = f"{where}: " if where else ""
        super().__init__("\n".join(f"{prefix}{fault}" for fault in _group(self.faults)))


def _group(faults: Iterable[FaultLine]) -> list[str]:
    """Return the faults for people: of those that differ in their table only, the first one."""
    groups: dict[tuple[str, str], list[FaultLine]] = {}
    for fault in faults:
        groups.setdefault((re.sub(r"\d+", "*", fault.key), fault.message), []).append(fault)
    return [_tell_group(*members) for members in groups.values()]


def _tell_group(first: FaultLine, *others: FaultLine) -> str:
    if not others:
        return first
    last = others[-1].line
    return f"{first} (and {len(others)} more like it{f', to line {last}' if last else ''})"


class WorkerError(SjaError):
    """A worker cannot go on; systemd sees `status` as its exit status."""

    status = exit_status.TEMPORARY


class NeedsOperator(WorkerError):
    """The session or a credential is refused: trying again would not help."""

    status = exit_status.NEEDS_OPERATOR


class WrongConfig(WorkerError):
    """The configuration is wrong: trying again would not help."""

    status = exit_status.WRONG_CONFIG


class ProgramError(WorkerError):
    """The program of a command job has ended as it should not; its status is passed on."""

    def __init__(self, message: str, status: int = WorkerError.status) -> None:
        super().__init__(message)
        self.status = status
