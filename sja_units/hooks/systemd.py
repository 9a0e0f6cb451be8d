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

    job_type = ""  # the unit's own, "" where none is queued
    status_text = ""  # the last one that the worker sent
    active_since = 0
    active_until = 0
    began = 0  # when the run began
    begin_status = ""  # what the begin hook exited with, "" where it did not
    target_ended = 0
    target_job_type = ""
    shutdown = "inactive"  # ActiveState
    shutdown_job_type = ""


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


def start(unit: str) -> None:
    """Order a start, which waits until the unit has ended."""
    run("systemctl", "start", "--no-block", unit)


def forget_result(unit: str) -> None:
    """Have a unit that is about to end be inactive and not failed, whatever it exited with."""
    run("systemctl", "reset-failed", unit)


def make_view(blocks: "list[Shown]", job_types: "list[str]") -> View:
    """Return what the properties of the unit, the target and the shutdown say, in this order."""
    unit, target, shutdown = blocks[:3]
    view = View()
    view.job_type, view.target_job_type, view.shutdown_job_type = job_types
    view.status_text = unit.get("StatusText", "")
    view.active_since = _number(unit, "ActiveEnterTimestampMonotonic")
    view.active_until = _number(unit, "ActiveExitTimestampMonotonic")
    view.began = _number(unit, "InactiveExitTimestampMonotonic")
    view.begin_status = _find_begin_status(unit.get("ExecStartPre", ""))
    view.target_ended = _number(target, "InactiveEnterTimestampMonotonic")
    view.shutdown = shutdown.get("ActiveState", "inactive")
    return view


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
