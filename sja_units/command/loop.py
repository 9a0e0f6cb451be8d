"""The life of a command job: start the program, and see to it where that is needed."""

import os
import pwd
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sja_units.command.config import CommandConfig
from sja_units.command.program import (
    Program,
    check_executable,
    enter_folder,
    explain_exec_error,
    make_environment,
    restore_signals,
)
from sja_units.errors import WrongConfig
from sja_units.hooks.processes import find_own_group
from sja_units.runtime.service import Runtime

if TYPE_CHECKING:
    from sja_units.command.notify_socket import NotifySocket

_VALID_SECONDS = 1e10  # of what is reported of a program: as long as its process lives


def run(config: CommandConfig, runtime: Runtime) -> int:
    """Run the program until it ends or somebody tells it to; return the worker's exit status.

    Where nothing has to be seen to while it runs, this process becomes the program. Raises
    ProgramError where systemd is to start it again, WrongConfig and WorkerError as they say.
    """
    _check_drop_ins(config, runtime)
    folder = config.working_directory or runtime.state_dir
    own, job = dict(config.environment), str(runtime.job)
    group = find_own_group(runtime.job.unit)
    if group and not config.needs_worker:
        _become_program(config, runtime, folder, make_environment(os.environ, own, job, {}))
    # A worker imports only what its job needs.
    from sja_units.command.notify_socket import NotifySocket
    from sja_units.command.supervisor import Supervisor

    notify = NotifySocket(runtime.run_dir) if config.notify else None
    told = make_environment(os.environ, own, job, _name_socket(notify, runtime))
    program = Program(config.command, folder, told, group)
    return Supervisor(config, runtime, program, notify).run()


def _check_drop_ins(config: CommandConfig, runtime: Runtime) -> None:
    """Raise WrongConfig where the file asks for what only systemd can do, and it does not know."""
    remedy = f"sjactl apply {runtime.job}"
    if config.user and _find_user(config.user) != os.getuid():
        raise WrongConfig("user: not applied yet", remedy)
    if config.schedule and not os.path.exists(runtime.job.timer_path):
        raise WrongConfig("schedule: not applied yet", remedy)


def _find_user(name: str) -> int:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        raise WrongConfig(f"user: nobody here is called {name!r}") from None


def _name_socket(notify: "NotifySocket | None", runtime: Runtime) -> Mapping[str, str]:
    if notify is None:
        return {}
    variables = {"NOTIFY_SOCKET": notify.path}
    if runtime.watchdog:
        variables["WATCHDOG_USEC"] = str(int(runtime.watchdog * 1_000_000))
    return variables


def _become_program(
    config: CommandConfig, runtime: Runtime, folder: str, environment: Mapping[str, str]
) -> None:
    """Let the program take this process; return only where its state cannot be told first.

    Raises WrongConfig and WorkerError where it cannot be executed.
    """
    path = config.command[0]
    enter_folder(folder)
    check_executable(path)
    name = os.path.basename(path)
    message = f"{name} runs (process {os.getpid()})"
    runtime.status(message)
    health = {"ok": True, "message": message, "program": {"pid": os.getpid()}}
    if not runtime.report(health, _VALID_SECONDS):
        return
    # From here on a stop is the program's business, and all that follows is done at once.
    restore_signals()
    try:
        # The end hook knows by it whose exit status it sees.
        with open(f"{runtime.run_dir}/program", "wb"):
            pass
        runtime.ready()
        runtime.leave()
        os.execve(path, config.command, environment)
    except OSError as error:
        raise explain_exec_error(path, error) from None
