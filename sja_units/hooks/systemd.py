"""What systemd shows of a unit that ends, of sja-jobs.target and of the system's shutdown."""

import os

TARGET = "sja-jobs.target"
SHUTDOWN = "shutdown.target"

_PROPERTIES = (
    "Job,StatusText,ActiveState,ActiveEnterTimestampMonotonic,ActiveExitTimestampMonotonic,"
    "InactiveEnterTimestampMonotonic,InactiveExitTimestampMonotonic,ExecStartPre"
)
_MAX_LOOKS = 6
_BEGIN = "/sja-units/begin"
_NO_JOB = "0"

Shown = dict[str, str]


class View:
    """What counts of it. Times are microseconds of the monotonic clock, 0 for never."""

    __slots__ = (
        "active_since",
        "active_until",
        "began",
        "begin_status",
        "job_type",
        "shutdown",
        "shutdown_job_type",
        "status_text",
        "target_ended",
        "target_job_type",
    )

    def __init__(
        self,
        job_type: str = "",
        status_text: str = "",
        active_since: int = 0,
        active_until: int = 0,
        began: int = 0,
        begin_status: str = "",
        target_ended: int = 0,
        target_job_type: str = "",
        shutdown: str = "inactive",
        shutdown_job_type: str = "",
    ) -> None:
        self.job_type = job_type  # the unit's own, "" where none is queued
        self.status_text = status_text  # the last one that the worker sent
        self.active_since = active_since
        self.active_until = active_until
        self.began = began  # when the run began
        self.begin_status = begin_status  # what the begin hook exited with, "" where it did not
        self.target_ended = target_ended
        self.target_job_type = target_job_type
        self.shutdown = shutdown  # ActiveState
        self.shutdown_job_type = shutdown_job_type


def ask(unit: str) -> View:
    """Return what systemd shows now; asks again where a job was done between two questions."""
    for _ in range(_MAX_LOOKS):
        blocks = parse_blocks(_show(unit, TARGET, SHUTDOWN, f"--property={_PROPERTIES}"))
        blocks += [{}] * (3 - len(blocks))
        numbers = [block.get("Job") or _NO_JOB for block in blocks]
        queued = [number for number in numbers if number != _NO_JOB]
        types = {}
        if queued:
            jobs = parse_blocks(_show(*queued, "--property=Id,JobType"))
            types = {job["Id"]: job.get("JobType", "") for job in jobs if "Id" in job}
        # One of the two targets that is done meanwhile has changed what was seen of them.
        if all(number == _NO_JOB or types.get(number) for number in numbers[1:3]):
            break
    return make_view(blocks, [types.get(number, "") for number in numbers])


def make_view(blocks: "list[Shown]", job_types: "list[str]") -> View:
    """Return what the properties of the unit, the target and the shutdown say, in this order."""
    unit, target, shutdown = blocks[:3]
    return View(
        job_types[0],
        unit.get("StatusText", ""),
        _number(unit, "ActiveEnterTimestampMonotonic"),
        _number(unit, "ActiveExitTimestampMonotonic"),
        _number(unit, "InactiveExitTimestampMonotonic"),
        _find_begin_status(unit.get("ExecStartPre", "")),
        _number(target, "InactiveEnterTimestampMonotonic"),
        job_types[1],
        shutdown.get("ActiveState", "inactive"),
        job_types[2],
    )


def parse_blocks(text: str) -> "list[Shown]":
    """Return the properties of each unit that `systemctl show` prints.

    Of a property that it prints several times, the lines are joined.
    """
    blocks: list[Shown] = []
    for paragraph in text.split("\n\n"):
        block: Shown = {}
        for line in paragraph.split("\n"):
            name, separator, value = line.partition("=")
            if separator:
                block[name] = f"{block[name]}\n{value}" if name in block else value
        if block:
            blocks.append(block)
    return blocks


def _find_begin_status(commands: str) -> str:
    """Return what the begin hook exited with, of: { path=… ; … ; code=exited ; status=0 }."""
    for command in commands.split("\n"):
        fields = [field.partition("=") for field in command.strip("{} ").split(" ; ")]
        values = {name.strip(): value.strip() for name, _, value in fields}
        if values.get("path", "").endswith(_BEGIN) and values.get("code") == "exited":
            digits = values.get("status", "").split("/")[0]
            return digits if digits.isdigit() else ""
    return ""


def _number(block: Shown, name: str) -> int:
    text = block.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else 0


def _show(*words: str) -> str:
    return run("systemctl", "show", *words)


def run(*argv: str) -> str:
    """Return what a program prints; whether it works is for who reads that."""
    reader, writer = os.pipe()
    pid = os.posix_spawnp(
        argv[0], argv, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, writer, 1)]
    )
    os.close(writer)
    with open(reader, encoding="utf-8", errors="replace", newline="\n") as file:
        text = file.read()
    os.waitpid(pid, 0)
    return text
