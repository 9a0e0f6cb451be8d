"""What sja-units.toml says: settings for all jobs of this host."""

from typing import NamedTuple

from sja_units.config.job_file import read_file
from sja_units.errors import ConfigError
from sja_units.job import CONFIG_ROOT, HOST_FILE
from sja_units.toml.load import load_toml
from sja_units.toml.location import describe
from sja_units.toml.reader import TableReader
from sja_units.url import Address, parse_address

PATH = f"{CONFIG_ROOT}/{HOST_FILE}"


class Alert(NamedTuple):
    """Who is told of jobs that need a person, and when."""

    command: tuple[str, ...]  # empty: none
    webhook: Address | None
    after_failures: int
    remind: float  # seconds


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
    if not command and not table.has("webhook"):
        table.fault(None, "needs a command or a webhook")
    return Alert(
        command=command,
        webhook=_read_webhook(table),
        after_failures=table.integer("after_failures", 3, low=1, high=1000),
        remind=table.seconds("remind", "24h", low="10s", high="52w"),
    )


def _read_webhook(table: TableReader) -> Address | None:
    # No fault quotes the address: it may be a secret as a whole.
    text = table.text("webhook", "")
    address = parse_address(text)
    if address is None:
        if table.has("webhook"):
            table.fault("webhook", "must be an http:// or https:// address")
    elif address.user:
        table.fault("webhook", "must not hold a user or password")
    return address
