"""What the unit's end hook noted of a failure, and how it reads for people."""

import os
import time
from typing import NamedTuple

from sja_units.job import RUN_ROOT, STATE_ROOT, Job

NOT_RECOVERED = "failed to recover after restart"  # the words of the older system

COMPLETED = "completed="
HUNG = "hung: "  # what a worker says before it asks for the watchdog itself
_WORDS = {
    "watchdog": "hung: the work did not move, so the watchdog ended it",
    "timeout": "did not start or stop in time, so systemd ended it",
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
    # Not splitlines(): a worker's words hold whatever else some call the end of a line.
    fields = dict(line.split("=", 1) for line in text.split("\n") if "=" in line)
    status = fields.get("status", "")
    result = fields.get("result", "")
    exited = fields.get("code") == "exited" and _is_number(status)
    message = word_end(result, exited, status, fields.get("message", ""))
    if fields.get("recovery") == "failed":
        message = f"{NOT_RECOVERED}: {message}"
    failures, recent = fields.get("failures", ""), fields.get("recent", "").split()
    return Failure(
        message=message,
        at=fields.get("at", ""),
        exit_code=int(status) if exited else None,
        result=result,
        failures=int(failures) if _is_number(failures) else 1,
        recent=tuple(float(at) for at in recent if _is_number(at)),
    )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20


def make_failure(result: str, at: str, failures: int) -> Failure:
    """Return the failure of a job whose end hook could not run either."""
    return Failure(word_end(result, False, "", ""), at, None, result, failures)


def word_end(result: str, exited: bool, status: str, message: str) -> str:
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


def list_failed_units() -> set[str]:
    """Return the units that have a record of a failure."""
    return _list(f"{STATE_ROOT}/ended")


def is_wanted(unit: str) -> bool:
    """Tell whether a unit's last order was to start."""
    return os.path.lexists(f"{STATE_ROOT}/wanted/{unit}")


def list_wanted_units() -> set[str]:
    """Return the units whose last order was to start."""
    return _list(f"{STATE_ROOT}/wanted")


def read_completed() -> dict[str, str]:
    """Return by unit when a command's last run did its work (RFC 3339, UTC)."""
    found = {}
    for unit in _list(f"{STATE_ROOT}/runs"):
        if (text := _read_run(unit)).startswith(COMPLETED):
            found[unit] = text.removeprefix(COMPLETED)
    return found


def was_cut_off(job: Job) -> bool:
    """Tell whether a command's last run was neither completed nor stopped by order."""
    return _read_run(job.unit) == "unfinished"


def _read_run(unit: str) -> str:
    try:
        with open(f"{STATE_ROOT}/runs/{unit}", encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def read_next_tries() -> dict[str, float]:
    """Return by unit the time (Unix seconds) of the next try, for units that failed."""
    dues = {}
    # The hooks count from the boot: the clock may be set at any moment.
    booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    for unit in _list(f"{RUN_ROOT}/backoff"):
        try:
            with open(f"{RUN_ROOT}/backoff/{unit}", encoding="ascii") as file:
                dues[unit] = float(file.read().split()[1]) + booted
        except (OSError, ValueError, IndexError):
            continue  # gone or half written: the next look sees it
    return dues


def _list(folder: str) -> set[str]:
    try:
        return {name for name in os.listdir(folder) if name.startswith("sja-")}
    except FileNotFoundError:
        return set()
