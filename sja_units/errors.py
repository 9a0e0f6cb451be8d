"""What can go wrong, with the exit status that the contract gives it."""


class SjaError(Exception):
    """A fault told in one line; `hint` says what to do about it."""

    status = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class UsageError(SjaError):
    """The words on the command line are wrong."""

    status = 2


class NoSuchJob(SjaError):
    """Nobody has configured the job that was named."""

    status = 4


class NotAllowed(SjaError):
    """The person who asks lacks the right."""

    status = 5


class ConfigError(SjaError):
    """A configuration is wrong; `faults` holds every fault with its place."""

    status = 1

    def __init__(self, where: str, faults: list[str]) -> None:
        super().__init__("\n".join(f"{where}: {fault}" for fault in faults))
        self.where = where
        self.faults = faults


class WorkerError(SjaError):
    """A worker cannot go on; systemd sees `status` as its exit status."""

    status = 75


class NeedsOperator(WorkerError):
    """The session or a credential is refused: trying again would not help."""

    status = 77


class WrongConfig(WorkerError):
    """The configuration is wrong: trying again would not help."""

    status = 78


class ProgramError(WorkerError):
    """The program of a command job has ended as it should not; its status is passed on."""

    def __init__(self, message: str, status: int = WorkerError.status) -> None:
        super().__init__(message)
        self.status = status
