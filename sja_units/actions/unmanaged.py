"""Processes that do a job's work where nobody manages them: workers outside their unit, and what
still runs of the two older systems.
"""

import os
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import psutil

from sja_units.job import KINDS, NAME, Job

_PYTHON = re.compile(r"python[0-9.]*")
# Options of the interpreter that take their value from the next word, see python(1).
_WITH_VALUE = ("-W", "-X", "--check-hash-based-pycs")
_EDGE = "control_plane"  # the edge system's Django project
_BOOKING_RUNNERS = ("run_schedule_job.py", "run_auto_booking_job.py")
_CELERY_ROLES = ("worker", "beat")


class UnmanagedProcess(NamedTuple):
    """A process that should not be there; job is None for one of the older systems."""

    pid: int
    job: Job | None
    message: str


class Command(NamedTuple):
    """A command line as a person means it."""

    program: str  # its path, or the module behind `python -m`
    arguments: tuple[str, ...]
    is_module: bool


def list_unmanaged() -> list[UnmanagedProcess]:
    """Return what runs outside its unit or belongs to an older system, as far as it can be seen.

    Of a process and its children only the first is named.
    """
    found: dict[int, UnmanagedProcess] = {}
    parents = {}
    for process in psutil.process_iter(["cmdline"]):
        command = parse_command(process.info["cmdline"] or [])
        if command is None:
            continue
        unmanaged = _find_worker(process.pid, command) or _find_older(process, command)
        if unmanaged is not None:
            found[process.pid] = unmanaged
            parents[process.pid] = _find_parent(process)
    return [unmanaged for pid, unmanaged in found.items() if parents[pid] not in found]


def parse_command(words: Sequence[str]) -> Command | None:
    """Return what a command line runs, without the Python around it; None for nothing at all."""
    if not words:
        return None
    if not _PYTHON.fullmatch(os.path.basename(words[0])):
        return Command(words[0], tuple(words[1:]), False)
    i = 1
    while i < len(words) and words[i].startswith("-") and words[i] not in ("-m", "-c"):
        i += 2 if words[i] in _WITH_VALUE else 1
    is_module = words[i : i + 1] == ["-m"]
    i += is_module
    if i >= len(words) or words[i] == "-c":
        return None
    return Command(words[i], tuple(words[i + 1 :]), is_module)


def _find_worker(pid: int, command: Command) -> UnmanagedProcess | None:
    if not command.is_module or command.program != "sja_units.worker":
        return None
    # Anybody may call a process as they like.
    if len(command.arguments) != 2 or command.arguments[0] not in KINDS:
        return None
    if not NAME.fullmatch(command.arguments[1]):
        return None
    job = Job(*command.arguments)
    if _is_in_unit(pid, job):
        return None
    return UnmanagedProcess(pid, job, f"process {pid} runs it outside {job.unit}: end it")


def _is_in_unit(pid: int, job: Job) -> bool:
    try:
        with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
            return f"/{job.unit}" in file.read()
    except OSError:
        return True  # it ended meanwhile


def _find_older(process: psutil.Process, command: Command) -> UnmanagedProcess | None:
    # Only these words are shown: the rest of the line can hold an account's secrets.
    if what := name_booking(command):
        system, remedy = "booking", "import its jobs (sjactl import sja), then stop it there"
    elif what := name_edge(command, lambda path: _is_edge_project(process, path)):
        system, remedy = "edge", "import its tasks (sjactl import edge-iot), then end it"
    else:
        return None
    return UnmanagedProcess(
        process.pid,
        None,
        f"process {process.pid} ({what}) belongs to the older {system} system and may use a "
        f"job's session or device: {remedy}",
    )


def name_booking(command: Command) -> str:
    """Return what a process of the booking system runs, "" for any other process."""
    name = os.path.basename(command.program)
    if name == "sjtu_sports.py" and command.arguments[:1] == ("job",):
        return " ".join((name, *command.arguments[:2]))
    return name if name in _BOOKING_RUNNERS else ""


def name_edge(command: Command, is_edge_project: Callable[[str], bool]) -> str:
    """Return what a process of the edge system runs, "" for any other process.

    is_edge_project: tells whether a manage.py, which every Django project has, is that system's.
    """
    name = os.path.basename(command.program)
    if name == "celery" and _find_app(command.arguments) == _EDGE:
        roles = [role for role in _CELERY_ROLES if role in command.arguments]
        return f"celery -A {_EDGE} {roles[0]}" if roles else ""
    if name == "manage.py" and command.arguments[:1] == ("runserver",):
        return "manage.py runserver" if is_edge_project(command.program) else ""
    return ""


def _find_app(arguments: Sequence[str]) -> str:
    for i, word in enumerate(arguments):
        if word in ("-A", "--app"):
            app = "".join(arguments[i + 1 : i + 2])
        elif word.startswith("--app="):
            app = word.removeprefix("--app=")
        elif word.startswith("-A"):
            app = word.removeprefix("-A")
        else:
            continue
        return re.split(r"[.:]", app)[0]
    return ""


def _is_edge_project(process: psutil.Process, path: str) -> bool:
    try:
        folder = os.path.dirname(os.path.join(process.cwd(), path))
    except psutil.Error:
        return False
    return os.path.isdir(f"{folder}/{_EDGE}")


def _find_parent(process: psutil.Process) -> int:
    try:
        return process.ppid()
    except psutil.Error:
        return 0
