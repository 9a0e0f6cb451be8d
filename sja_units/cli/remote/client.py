"""`sjactl --host`: the same command on another machine, through OpenSSH's client.

Who sits at a terminal gets one over there. Else, and with verbs that take files of the person's
own, the order goes as a parcel, so that nothing of it stands on a command line over there.
"""

import os
import shlex
import subprocess
from contextlib import ExitStack, suppress
from functools import partial
from io import BytesIO
from typing import IO, Any, BinaryIO, NamedTuple

import click

from sja_units.cli.client_files import open_client_file
from sja_units.cli.output.terminal import end_by_signals
from sja_units.cli.params import ClientConfig, ClientFile, ClientOutput
from sja_units.cli.remote.protocol import Request, write_file, write_request
from sja_units.cli.remote.server import SENT
from sja_units.config.job_file import MAX_BYTES
from sja_units.errors import SjaError, UsageError

_NEVER_IN_A_HOST = frozenset("\"'`$;&<>|(){}")  # which a shell of ssh's configuration could see
_PATIENT = "-oConnectTimeout=5"
_SSH_FAILED = 255
_NOT_FOUND = 127
_PATIENCE = 10.0  # seconds
# What `sjactl import` takes from the person's environment; read also where no file is named.
_ENVIRONMENT = (
    *("SJABOT_SECRET", "SJABOT_CREDENTIAL_STORE", "SJA_CREDENTIAL_STORE"),
    *(f"INFLUXDB_{name}" for name in ("URL", "HOST", "PORT", "BUCKET", "ORG", "TOKEN")),
)
# sjactl speaks English and writes UTF-8, whatever locales there are over there.
_PROGRAM = "env LC_ALL=C.UTF-8 sjactl"


class Order(NamedTuple):
    """A command for another machine."""

    host: str
    words: list[str]  # behind `sjactl`


def check_host(host: str) -> None:
    """Raise UsageError for what ssh could take for something else than [USER@]HOST."""
    user, at, name = host.rpartition("@")
    parts = [user, name] if at else [name]
    if any(not part or part.startswith("-") for part in parts) or any(
        c.isspace() or not c.isprintable() or c in _NEVER_IN_A_HOST for c in host
    ):
        raise UsageError(f"--host {host!r} must be [USER@]HOST, as ssh takes it")


def redirect(command: click.Command, order: Order) -> None:
    """Let a verb be checked here, and be done over there."""
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            redirect(inner, order)
    else:
        command.callback = partial(_run, order, command)


def format_for_terminal(order: Order) -> list[str]:
    """Return ssh's command line for a person at a terminal.

    Ctrl-Z is a mere character there: nobody over there could let a stopped process go on. ssh has
    no exit status for a shell that Ctrl-C has ended.
    """
    there = f"stty susp undef; trap : INT; {_PROGRAM} {shlex.join(order.words)}"
    # At this level ssh does not tell that the connection was closed.
    return ["ssh", "-tx", "-oLogLevel=ERROR", _PATIENT, "--", order.host, there]


def format_for_parcel(host: str) -> list[str]:
    """Return ssh's command line for an order that goes on its standard input."""
    return ["ssh", "-Tx", _PATIENT, "--", host, f"exec {_PROGRAM} {SENT}"]


def _run(order: Order, command: click.Command, /, **values: Any) -> int:
    is_plain = click.get_current_context().color is False
    if is_plain:
        order = order._replace(words=["--no-color", *order.words])
    own = [
        (p.type, value)
        for p in command.params
        if isinstance(p.type, ClientFile)
        for value in _list_values(values[p.name or ""])
    ]
    if not own and all(map(os.isatty, (0, 1, 2))):
        return _judge(order.host, _wait(_start(format_for_terminal(order))))
    names = [name for name in _ENVIRONMENT if own and name in os.environ]
    environment = {name: os.environ[name] for name in names}
    with _Files() as files:
        for kind, value in own:
            if value is not None and (path := kind.get_path(value)):
                files.add(kind, path, values)
        color = os.isatty(1) and not is_plain
        request = Request(order.words, color, environment, list(files.found), files.missing)
        fetch = partial(_send, order.host, request, list(files.found.values()))
        for kind, value in own:
            if isinstance(kind, ClientOutput) and value is not None:
                return kind.receive(value, fetch)
        return fetch(None)


def _list_values(value: str | tuple[str, ...] | None) -> tuple[str | None, ...]:
    return value if isinstance(value, tuple) else (value,)


class _Files(ExitStack):
    """The files that go along, open while the block lasts."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, BinaryIO] = {}
        self.missing: dict[str, int] = {}  # with errno

    def add(self, kind: ClientFile, path: str, values: dict[str, Any]) -> None:
        """Add a file that a parameter names, and those that it names itself. Raises OSError."""
        if isinstance(kind, ClientOutput):
            return
        self.found[path] = self.enter_context(open_client_file(path))
        if isinstance(kind, ClientConfig):
            data = self.found[path].read(MAX_BYTES + 1)
            self.found[path] = BytesIO(data)
            for table in kind.find_tables(path, data, values):
                self._add_table(table)

    def _add_table(self, path: str) -> None:
        """Add a table; one that cannot be read is told over there, with all other faults."""
        if path not in self.found:
            try:
                self.found[path] = self.enter_context(open_client_file(path))
            except OSError as error:
                self.missing[path] = error.errno or 0


def _send(host: str, request: Request, files: list[BinaryIO], output: IO[bytes] | None) -> int:
    """Have the order done, its output written to a file if one is given; return its status."""
    process = _start(format_for_parcel(host), stdin=subprocess.PIPE, stdout=output)
    assert process.stdin is not None
    try:
        with suppress(BrokenPipeError):  # ssh has ended, and its status tells why
            write_request(process.stdin, request)
            for file in files:
                write_file(process.stdin, file)
            process.stdin.flush()
        return _judge(host, _wait(process))
    finally:
        _end(process)


def _wait(process: subprocess.Popen[bytes]) -> int:
    try:
        return process.wait()
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End ssh, and by that the command over there, if they have not ended by themselves."""
    patience = 0.0
    if process.stdin:
        with suppress(BrokenPipeError):
            process.stdin.close()
        patience = _PATIENCE  # the command over there has just been told
    with suppress(subprocess.TimeoutExpired):
        process.wait(patience)
    if process.poll() is None:
        process.terminate()
        process.wait()


def _start(words: list[str], **streams: Any) -> subprocess.Popen[bytes]:
    end_by_signals()
    try:
        return subprocess.Popen(words, **streams)
    except FileNotFoundError:
        raise SjaError("ssh is not installed here", "apt install openssh-client") from None


def _judge(host: str, status: int) -> int:
    if status == _SSH_FAILED:
        raise SjaError(f"{host}: no connection, or it was lost", f"what does `ssh {host}` say?")
    if status == _NOT_FOUND:
        raise SjaError(f"{host}: sjactl is not installed there", "install.sh does that")
    return status if status >= 0 else 128 - status
