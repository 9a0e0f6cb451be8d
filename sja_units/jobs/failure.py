"""How a job ended that nobody had ordered to end, as its end hook noted it and people read it."""

import os
from typing import NamedTuple

from sja_units.hooks.record import HUNG, is_number, parse_record
from sja_units.job import RUN_ROOT, STATE_ROOT, Job
from sja_units.jobs.markers import list_units

NOT_RECOVERED = "failed to recover after restart"  # the words of the older system

_WORDS = {
    "watchdog": "hung: the work did not move, so the watchdog ended it",
    "timeout": "exceeded the time that its unit gives it to start, stop or, by RuntimeMaxSec, run",
    "oom-kill": "was killed, as memory ran out",
    "resources": "systemd could not set it up; its journal tells what was missing",
    "protocol": "ended without a word to systemd",
    "success": "ended by itself, although nobody told it to",
}
# systemd's own exit statuses, systemd.exec(5), for what fails before the worker runs.
_SETUP = {
    "203": "the program cannot be started: is the installation whole?",
    "218": "the sandbox could not be set up",
    "226": "the sandbox could not be set up",
    "238": "its state folder cannot be made or entered",
    "243": "its configuration, or a file that it names, cannot be read by systemd",
}


class Failure(NamedTuple):
    """The last end of a job that nobody had ordered."""

    message: str
    at: str  # RFC 3339, UTC
    exit_code: int | None
    result: str  # systemd's word, see SERVICE_RESULT in systemd.exec(5)
    failures: int  # in a row
    recent: tuple[float, ...] = ()  # Unix times of the last ones, ten at most, of the last hour

    def as_json(self) -> dict[str, object]:
        """Return the object that the contract describes."""
        return {
            "message": self.message,
            "at": self.at,
            "exit_code": self.exit_code,
            "result": self.result,
        }


def parse_failure(text: str) -> Failure:
    """Return what an end hook's record says; a record that is cut short gives what is there."""
    record = parse_record(text)
    exited = record.code == "exited" and is_number(record.status)
    message = describe_end(record.result, exited, record.status, record.message)
    if record.has_not_recovered:
        message = f"{NOT_RECOVERED}: {message}"
    return Failure(
        message=message,
        at=record.at,
        exit_code=int(record.status) if exited else None,
        result=record.result,
        failures=record.failures,
        recent=tuple(map(float, record.recent)),
    )


def make_failure(result: str, at: str, failures: int) -> Failure:
    """Return the failure of a job whose end hook could not run either."""
    return Failure(describe_end(result, False, "", ""), at, None, result, failures)


def describe_end(result: str, exited: bool, status: str, message: str) -> str:
    """Return in words how a run ended that nobody had ordered to end.

    status: the exit status if it exited, else the signal's name without SIG, "" where no process
    ended; message: the worker's own last words.
    """
    if result == "watchdog" and message.startswith(HUNG):
        return message
    if result in _WORDS:
        return _WORDS[result]
    if exited:
        return message or _SETUP.get(status, f"ended with exit status {status}")
    if status:
        return f"was killed by SIG{status}"
    return "systemd could not run it; its journal tells why" if result else ""


def read_failure(job: Job) -> Failure | None:
    """Return the job's last failure, None where none since its last order can be read."""
    try:
        with open(job.ended_path, encoding="utf-8", errors="replace", newline="\n") as file:
            return parse_failure(file.read())
    except OSError:
        return None


def list_failed_units(among: set[str] | None = None) -> set[str]:
    """Return the units that have a record of a failure; among: those that are asked for."""
    return list_units(f"{STATE_ROOT}/ended", among)


def expect_recovery(job: Job) -> None:
    """Let the job's end hook know that its next start is one of sja-relaunch.

    It forgets that once the job has been up, has ended for good, or has got another order.
    Raises OSError.
    """
    with open(f"{RUN_ROOT}/relaunched/{job.unit}", "wb"):
        pass


def read_failed_recovery(job: Job) -> Failure | None:
    """Return how the start that was expected ended for good, None where it did not."""
    if os.path.exists(f"{RUN_ROOT}/relaunched/{job.unit}"):
        return None
    failure = read_failure(job)
    return failure if failure and failure.message.startswith(NOT_RECOVERED) else None
