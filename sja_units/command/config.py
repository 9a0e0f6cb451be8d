"""What the file of a command job says."""

import re
from typing import NamedTuple

from sja_units.hooks.program import STOP_SECONDS
from sja_units.toml.reader import TableReader
from sja_units.url import Address, parse_address

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# What systemd tells the worker, which speaks with it; a program that speaks itself gets its own.
_OWN_VARIABLES = {"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"}
# Names that every system takes: useradd(8), and systemd's "strict" ones.
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,30}")
_METHODS = ("http", "tcp", "exec", "file")


class Probe(NamedTuple):
    """How to tell whether the program is well; exactly one of the first four is given."""

    http: Address | None
    tcp: tuple[str, int] | None
    command: tuple[str, ...]
    file: str
    max_age: float  # seconds, of the file
    interval: float
    timeout: float
    failures: int  # in a row, before the program is taken for hung
    grace: float  # seconds that it has until it is well for the first time


class CommandConfig(NamedTuple):
    """A command job; times in seconds."""

    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    working_directory: str  # "": the job's own state folder
    user: str  # "": a user of its own
    stop_timeout: float
    notify: bool  # the program speaks sd_notify itself
    probe: Probe | None
    repeats: bool  # it is to run always, also after an end with status 0
    schedule: str  # "": none; else a calendar event of systemd.time(7)
    max_runtime: float  # 0: as long as it likes

    @property
    def needs_worker(self) -> bool:
        """Whether something is to be seen to while the program runs, or at its end.

        systemd itself, and the hooks, do all else.
        """
        watched = self.notify or self.probe or self.max_runtime or self.schedule
        return bool(watched) or not self.repeats or self.stop_timeout != STOP_SECONDS


def read_command(table: TableReader) -> CommandConfig:
    """Return what the table says; faults are noted in it."""
    schedule = _read_schedule(table)
    return CommandConfig(
        command=_read_argv(table, "command"),
        environment=_read_environment(table.table("environment")),
        working_directory=_read_folder(table),
        user=_read_user(table),
        stop_timeout=table.seconds("stop_timeout", f"{STOP_SECONDS}s", low="100ms", high="1h"),
        notify=table.flag("notify", False),
        probe=_read_probe(table.table("probe")) if table.has("probe") else None,
        repeats=_read_restart(table, schedule) == "always",
        schedule=schedule,
        max_runtime=table.seconds("max_runtime", low="1s", high="52w")
        if table.has("max_runtime")
        else 0.0,
    )


def _read_argv(table: TableReader, key: str) -> tuple[str, ...]:
    argv = table.texts(key)
    if argv and not argv[0].startswith("/"):
        table.fault(key, "must begin with the absolute path of a program")
    elif table.has(key) and not argv and table.raw(key) == []:
        table.fault(key, "is empty")
    return argv


def _read_environment(table: TableReader) -> tuple[tuple[str, str], ...]:
    variables = []
    for name in table.names():
        value = table.raw(name)
        if not _VARIABLE.fullmatch(name):
            table.fault(name, "is not the name of a variable")
        elif name in _OWN_VARIABLES:
            table.fault(name, "cannot be set: see `notify`")
        elif not isinstance(value, str) or "\0" in value:
            # Not its value, which may be a secret.
            table.fault(name, "must be a string")
        else:
            variables.append((name, value))
    return tuple(variables)


def _read_folder(table: TableReader) -> str:
    path = table.text("working_directory", "")
    if path and not path.startswith("/"):
        table.fault("working_directory", "must be an absolute path")
    return path


def _read_user(table: TableReader) -> str:
    user = table.text("user", "")
    if user and not _USER.fullmatch(user):
        table.fault("user", "is not the name of a user")
    return user


def _read_schedule(table: TableReader) -> str:
    schedule = table.text("schedule", "")
    if table.has("schedule") and not schedule.strip() and isinstance(table.raw("schedule"), str):
        table.fault("schedule", 'is empty: write it as in "Mon..Fri 03:00" or "hourly"')
    return schedule.strip()


def _read_restart(table: TableReader, schedule: str) -> str:
    restart = table.text(
        "restart", "on-failure" if schedule else "always", choices=("always", "on-failure")
    )
    if schedule and restart == "always":
        table.fault("restart", "cannot be always with a schedule, which runs it once each time")
    return restart


def _read_probe(table: TableReader) -> Probe:
    given = [method for method in _METHODS if table.has(method)]
    if len(given) != 1:
        table.fault(None, f"needs one of {', '.join(_METHODS)}")
    if table.has("max_age") and "file" not in given:
        table.fault("max_age", "is for a probe of a file")
    return Probe(
        http=_read_page(table) if "http" in given else None,
        tcp=_read_endpoint(table) if "tcp" in given else None,
        command=_read_argv(table, "exec") if "exec" in given else (),
        file=table.text("file") if "file" in given else "",
        max_age=table.seconds("max_age", "1min", low="1s", high="52w"),
        interval=table.seconds("interval", "10s", low="100ms", high="1h"),
        timeout=table.seconds("timeout", "5s", low="100ms", high="10min"),
        failures=table.integer("failures", 3, low=1, high=1000),
        grace=table.seconds("grace", "1min", low="1s", high="1h"),
    )


def _read_page(table: TableReader) -> Address | None:
    text = table.text("http")
    address = parse_address(text)
    if text and address is None:
        table.fault("http", "must be an http:// or https:// address")
    elif address is not None and address.user:
        table.fault("http", "must not hold a user or password")
    return address


def _read_endpoint(table: TableReader) -> tuple[str, int] | None:
    text = table.text("tcp")
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not text:
        return None
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        table.fault("tcp", 'must be a host and a port, as in "127.0.0.1:5432" or "[::1]:5432"')
        return None
    return host, int(port)
