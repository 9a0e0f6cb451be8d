"""`sjactl metrics`."""

from contextlib import suppress

import click

from sja_units.actions.metrics import Use, measure
from sja_units.alerts.channels import count_undelivered
from sja_units.cli.params import example
from sja_units.errors import ConfigError
from sja_units.jobs.snapshot import JobStatus
from sja_units.jobs.status import list_status
from sja_units.openmetrics import render
from sja_units.systemd.cgroup import find_cgroup, read_cpu_seconds, read_memory
from sja_units.systemd.client import Systemd

_UNKNOWN_TO_SYSTEMD = ("stopped", "completed", "down", "unconfigured")


@click.command("metrics", epilog=example("sjactl metrics >/var/lib/node-exporter/sja.prom"))
def metrics_command() -> None:
    """Print metrics of all jobs as OpenMetrics text."""
    with Systemd() as systemd:
        views = list_status(systemd)
        units = [view.job.unit for view in views if view.state not in _UNKNOWN_TO_SYSTEMD]
        shown = systemd.get(units, "NRestarts")
    uses = {
        view.job.unit: _look(view, shown.get(view.job.unit, {}).get("NRestarts")) for view in views
    }
    undelivered: dict[str, int] = {}
    with suppress(OSError, ConfigError):  # who may not see them
        undelivered = count_undelivered()
    click.echo(render(measure(views, uses, undelivered)), nl=False)


def _look(view: JobStatus, restarts: int | None) -> Use:
    cgroup = find_cgroup(view.pid) if view.pid else ""
    if f"/{view.job.unit}" not in cgroup:
        return Use(restarts)
    return Use(restarts, read_memory(cgroup), read_cpu_seconds(cgroup))
