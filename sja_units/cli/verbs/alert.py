"""`sjactl alert`: whether alerts reach anybody."""

import socket
import time

import click

from sja_units.alerts.channels import count_undelivered, list_channels
from sja_units.alerts.decide import is_quiet
from sja_units.alerts.deliver import Notification, ask, deliver
from sja_units.cli.output import format as render
from sja_units.cli.output.streams import echo, need_root
from sja_units.cli.params import example
from sja_units.config.host import PATH, Alert, read_host_config
from sja_units.errors import SjaError
from sja_units.job import Job

_JOB = Job("command", "test")


@click.command("alert", epilog=example("sudo sjactl alert --test"))
@click.option("--test", "is_test", is_flag=True, help="Send a test through every channel.")
def alert_command(is_test: bool) -> int:
    """Show who is alerted, or test it; ends with 1 if an alert does not get through."""
    need_root("use the channels of alerts")
    alert = read_host_config().alert
    if alert is None:
        raise SjaError("nobody is alerted", f"see [alert] in sja-units.toml(5), and {PATH}")
    return _test(alert) if is_test else _show(alert)


def _show(alert: Alert) -> int:
    waiting = count_undelivered()
    for channel in list_channels(alert):
        where = alert.command[0] if channel == "command" else _name_webhook(alert)
        left = f"{waiting[channel]} not delivered yet" if waiting[channel] else "ok"
        echo(f"{channel}: {where}: {left}")
    if alert.heartbeat:
        left = "not delivered" if waiting["heartbeat"] else "ok"
        echo(f"heartbeat: {alert.heartbeat.site}: {left}")
    if is_quiet(alert, time.time()):
        echo("these are quiet hours: alerts wait until they end", err=True)
    return 1 if any(waiting.values()) else 0


def _name_webhook(alert: Alert) -> str:
    return f"{alert.webhook.site} ({alert.format})" if alert.webhook else ""


def _test(alert: Alert) -> int:
    view = {
        **{"job": str(_JOB), "kind": _JOB.kind, "name": _JOB.name, "title": "", "state": "running"},
        **{"status": f"a test of alerts from {socket.gethostname()}", "error": None},
    }
    tests = [Notification(_JOB, channel, "test", view) for channel in list_channels(alert)]
    faults: list[tuple[str, str]] = [(sent.channel, fault) for sent, fault in deliver(tests, alert)]
    if alert.heartbeat:
        faults.append(("heartbeat", ask(alert.heartbeat, None, alert)))
    for channel, fault in faults:
        echo(f"{channel}: {render.clean(fault) or 'ok'}")
    return 1 if any(fault for _, fault in faults) else 0
