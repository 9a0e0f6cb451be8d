"""What sja-units.toml says: settings for all jobs of this host."""

import re
from typing import Literal, NamedTuple, cast, get_args

from sja_units.config.job_file import read_file
from sja_units.errors import ConfigError
from sja_units.job import CONFIG_ROOT, HOST_FILE
from sja_units.toml.load import load_toml
from sja_units.toml.location import describe
from sja_units.toml.reader import TableReader
from sja_units.url import Address, parse_address

PATH = f"{CONFIG_ROOT}/{HOST_FILE}"


Format = Literal["json", "ntfy", "slack", "discord", "dingtalk", "wecom", "feishu"]
FORMATS: tuple[Format, ...] = get_args(Format)
_SIGNED = ("dingtalk", "feishu")
_QUIET = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


class Alert(NamedTuple):
    """Who is told of jobs that need a person, and when."""

    command: tuple[str, ...]  # empty: none
    webhook: Address | None
    after_failures: int
    remind: float  # seconds
    format: Format = "json"  # of what the webhook gets
    secret: str = ""  # that signs it, where its service wants that
    quiet: tuple[int, int] | None = None  # begin and end in minutes of the day, local time
    heartbeat: Address | None = None
    heartbeat_interval: float = 600.0  # seconds


class HostConfig(NamedTuple):
    """All that sja-units.toml says; alert is None where nobody is to be told."""

    alert: Alert | None


def read_host_config() -> HostConfig:
    """Return what the host's file says, that of an empty one where there is none.

    Raises ConfigError and PermissionError.
    """
    try:
        text = read_file(PATH)
    except FileNotFoundError:
        text = ""
    return parse_host_config(text, PATH)


def parse_host_config(text: str, where: str) -> HostConfig:
    """Return what the text of a host's file says; raise ConfigError with all faults at once."""
    values = load_toml(text, where)
    table = TableReader(values, (), [])
    config = read_host(table)
    if table.faults:
        raise ConfigError(where, [describe(fault, text, values) for fault in table.faults])
    return config


def read_host(table: TableReader) -> HostConfig:
    """Return what the host's file says; faults go into the table."""
    alert = _read_alert(table.table("alert")) if table.has("alert") else None
    table.finish()
    return HostConfig(alert)


def _read_alert(table: TableReader) -> Alert:
    command = table.texts("command", ())
    if command and not command[0].startswith("/"):
        table.fault("command", "must begin with the absolute path of a program")
    if not command and not table.has("webhook") and not table.has("heartbeat"):
        table.fault(None, "needs a command, a webhook or a heartbeat")
    form = cast(Format, table.text("format", "json", choices=FORMATS))
    secret = table.text("secret", "")
    if secret and form not in _SIGNED:
        table.fault("secret", f"only with format {' or '.join(_SIGNED)}")
    return Alert(
        command=command,
        webhook=_read_address(table, "webhook"),
        after_failures=table.integer("after_failures", 3, low=1, high=1000),
        remind=table.seconds("remind", "24h", low="10s", high="52w"),
        format=form,
        secret=secret,
        quiet=_read_quiet(table),
        heartbeat=_read_address(table, "heartbeat"),
        heartbeat_interval=table.seconds("heartbeat_interval", "10min", low="5min", high="7d"),
    )


def _read_address(table: TableReader, key: str) -> Address | None:
    # No fault quotes the address: it may be a secret as a whole.
    address = parse_address(table.text(key, ""))
    if address is None:
        if table.has(key):
            table.fault(key, "must be an http:// or https:// address")
    elif address.user:
        table.fault(key, "must not contain a user or password")
    return address


def _read_quiet(table: TableReader) -> tuple[int, int] | None:
    text = table.text("quiet_hours", "")
    match = _QUIET.fullmatch(text)
    if match is None:
        if text:
            table.fault("quiet_hours", 'must be two times of the day, such as "22:00-07:00"')
        return None
    begin, end = (int(match[i]) * 60 + int(match[i + 1]) for i in (1, 3))
    if begin == end:
        table.fault("quiet_hours", "must not begin when it ends")
    return begin, end
