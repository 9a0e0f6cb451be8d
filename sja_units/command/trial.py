"""A command job's file, tried before its job runs, or beside it."""

import os
from collections.abc import Mapping
from typing import NamedTuple

from sja_units.command.config import CommandConfig, Probe
from sja_units.command.probe import describe_end, run_probe
from sja_units.command.program import make_environment
from sja_units.runtime.child import run_child


class Trial(NamedTuple):
    """What was tried, for people, and what is wrong with it, "" if nothing is."""

    what: str
    fault: str


def try_probe(config: CommandConfig, folder: str, job: str) -> Trial:
    """Make one attempt as the file's probe says; without one, see whether the program is there.

    folder, job: the job and its own folder, "" where there is no job yet.
    """
    probe = config.probe
    if probe is None:
        program = config.command[0]
        is_fine = os.path.isfile(program) and os.access(program, os.X_OK)
        return Trial(program, "" if is_fine else "is no program that can be run here")
    place = config.working_directory or folder or "/"
    environment = make_environment(os.environ, {}, job, {})
    ended = run_child(
        lambda fd: _attempt(probe, place, environment, fd),
        probe.timeout + 1,
        runs_program=bool(probe.command),
    )
    fault = describe_end(probe, ended.output, ended.status, late=ended.late)
    return Trial(_name(probe), fault)


def _attempt(probe: Probe, folder: str, environment: Mapping[str, str], writer: int) -> None:
    try:
        os.chdir(folder)
    except OSError as error:
        os.write(writer, f"{folder}: {error.strerror}".encode())
    else:
        run_probe(probe, environment, writer)


def _name(probe: Probe) -> str:
    if probe.http:
        return probe.http.url
    if probe.tcp:
        return f"{probe.tcp[0]}:{probe.tcp[1]}"
    return probe.file or " ".join(probe.command)
