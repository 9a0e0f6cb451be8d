"""`sjactl probe`: devices, database or site, tried now."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from sja_units.acquisition.config import AcquisitionConfig
from sja_units.acquisition.kind import name_endpoint
from sja_units.actions.held import Held, read_held, report_held
from sja_units.cli.output import format as render
from sja_units.cli.output.streams import echo
from sja_units.cli.params import ClientConfig, ClientFile, ClientSetting, example
from sja_units.cli.target import Target, read_target
from sja_units.command.config import CommandConfig
from sja_units.errors import SjaError, UsageError
from sja_units.jobs import inventory
from sja_units.jobs.claims import read_claims
from sja_units.keepalive.config import KeepaliveConfig
from sja_units.kinds import as_acquisition, as_command, as_keepalive, is_acquisition
from sja_units.systemd.client import Systemd

if TYPE_CHECKING:
    from sja_units.keepalive.probe import SiteReport

TRY_SECONDS = 60.0


@click.command("probe", epilog=example("sjactl probe line1.toml", "sjactl probe line1"))
@click.argument("target", metavar="JOB|FILE", type=ClientConfig(or_job=True))
@click.option("--point", metavar="POINT", help="Only POINT, read in all possible ways.")
@click.option(
    "--set",
    "settings",
    type=ClientSetting(),
    multiple=True,
    metavar="KEY=VALUE",
    help="Use VALUE instead of the file's.",
)
@click.option(
    "--cookies", metavar="FILE", type=ClientFile(), help="Ask the page with the cookies of FILE."
)
@click.option("--keep", is_flag=True, help="Leave FILE as it is, whatever the site renews.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def probe_command(
    target: str,
    point: str | None,
    settings: tuple[str, ...],
    cookies: str | None,
    keep: bool,
    as_json: bool,
) -> int:
    """Try the devices and database, the page, or the [probe] of a job now.

    A running job is not disturbed: its devices are shown as its last cycle found them. Nothing is
    written, and the database gets no values. FILE is one that `sjactl create --from` takes.

    With --point its registers are read one by one, and shown in each type and byte order, with
    the neighboring addresses that are often mistaken for those in a manual.

    Of a keep-alive job that runs, the worker asks its page now. Else it is asked with the cookies
    of the job or of FILE, each of [alive] and [expired] is held against the answer, and cookies
    that the site renews are kept for the job or written to FILE: many sites accept none twice.

    Ends with 1 if something does not work.
    """
    chosen = read_target(target, settings)
    file = chosen.file
    if devices := as_acquisition(file.settings):
        # What it holds the device would not give to anybody else, or at the job's cost.
        held = read_held(chosen.job) if chosen.job and not settings else None
        if point is not None:
            return _probe_point(devices, point, held, as_json=as_json)
        return _probe_acquisition(chosen, devices, held, as_json=as_json)
    if point is not None:
        raise UsageError(f"{chosen.name} is not an acquisition job: it has no points")
    if site := as_keepalive(file.settings):
        return _probe_site(chosen, site, cookies, keep=keep, as_json=as_json)
    if cookies is not None:
        raise UsageError(f"{chosen.name} is not a keepalive job: it has no cookies")
    program = as_command(file.settings)
    assert program is not None
    return _probe_program(chosen, program, as_json=as_json)


def _probe_site(
    chosen: Target, settings: KeepaliveConfig, cookies: str | None, *, keep: bool, as_json: bool
) -> int:
    """Ask for the page once, or have the worker of a job that runs do so."""
    from sja_units.actions.session import probe_resting, refresh_running
    from sja_units.cli.output import probe_site as output
    from sja_units.keepalive.probe import probe_site
    from sja_units.keepalive.response import ALIVE

    if chosen.job and cookies is None:
        if health := refresh_running(chosen.job, settings):
            if as_json:
                render.print_json(output.refresh_as_json(chosen.name, health))
            else:
                echo(output.describe_refresh(settings, health))
            return 0 if health["session"] == ALIVE else 1
        report, _ = probe_resting(chosen.job, settings)
    elif cookies is None:
        report = probe_site(settings, ())
    else:
        report = _probe_with(cookies, chosen, settings, keep=keep)
    if as_json:
        render.print_json(output.report_as_json(chosen.name, report))
    else:
        echo("\n".join(output.describe_site(settings, report)))
    if not report.sent:
        echo("asked without cookies", err=True)
    return 0 if report.result.verdict.outcome == ALIVE else 1


def _probe_with(
    path: str, chosen: Target, settings: KeepaliveConfig, *, keep: bool
) -> "SiteReport":
    """Ask for the page with the cookies of a file, which the site may renew."""
    from sja_units.cli.client_jar import read_jar, write_jar
    from sja_units.keepalive.probe import probe_site
    from sja_units.keepalive.response import ALIVE

    text, jar = read_jar(path, chosen.file)
    report = probe_site(settings, jar)
    renewed = report.result.jar
    if renewed is None or renewed == jar:
        return report
    if keep or not write_jar(path, text, renewed, sure=report.result.verdict.outcome == ALIVE):
        echo(f"the site renewed cookies, and {path} is as it was: it may be refused now", err=True)
    else:
        echo(f"the site renewed cookies: they are in {path}", err=True)
    return report


def _probe_program(chosen: Target, settings: CommandConfig, *, as_json: bool) -> int:
    """Make one look as the job's [probe] says, but as the person who asks."""
    from sja_units.command.trial import try_probe

    found = try_probe(settings, chosen.job.state_dir if chosen.job else "", str(chosen.job or ""))
    if as_json:
        said = {"name": chosen.name, "kind": chosen.kind, "ok": not found.fault}
        render.print_json({**said, "message": found.fault or found.what})
    else:
        mark = click.style("failing", fg="red") if found.fault else click.style("well", fg="green")
        reason = f": {render.clean(found.fault)}" if found.fault else ""
        echo(f"{render.clean(found.what)}: {mark}{reason}")
    return 1 if found.fault else 0


def _probe_point(
    settings: AcquisitionConfig, words: str, held: Held | None, *, as_json: bool
) -> int:
    from sja_units.acquisition.modbus.link import LinkError
    from sja_units.cli.output.probe_point import as_json as shape
    from sja_units.cli.output.probe_point import (
        describe,
        find_point,
        note_away,
        study,
        study_held,
    )

    device, point = find_point(settings, words)
    try:
        found = study_held(device, point, held) if held else study(device, point)
    except LinkError as fault:
        if not as_json:
            hint = "sjactl probe without --point tells more"
            raise SjaError(f"{device.name}: {fault}", hint) from None
        found = note_away(point, str(fault))
    if as_json:
        render.print_json(shape(device, found))
    else:
        echo("\n".join(describe(device, found)))
    return 1 if found.found.fault else 0


def _probe_acquisition(
    chosen: Target, settings: AcquisitionConfig, held: Held | None, *, as_json: bool
) -> int:
    from sja_units.acquisition.probe.database import probe_sink
    from sja_units.acquisition.probe.devices import try_devices
    from sja_units.acquisition.probe.hints import hint
    from sja_units.cli.output import probe as probe_text

    devices = []
    are_fine = True
    holders: dict[str, list[str]] | None = None
    reports = (
        report_held(held, settings.devices) if held else try_devices(settings.devices, TRY_SECONDS)
    )
    for report in reports:
        are_fine &= report.is_fine
        if report.fault and holders is None and not held:
            holders = _find_holders()
        advice = hint(report, (holders or {}).get(name_endpoint(report.device), []))
        devices.append(probe_text.device_as_json(report, advice))
        if not as_json:
            echo("\n".join(probe_text.describe_device(report, advice)) + "\n")
    sink = probe_sink(settings.sink, settings.devices)
    is_fine = are_fine and sink.is_fine
    if as_json:
        said: dict[str, Any] = {"name": chosen.name, "kind": chosen.kind, "ok": is_fine}
        said |= {"devices": devices, "sink": probe_text.sink_as_json(settings.sink.url, sink)}
        render.print_json(said)
    else:
        echo("\n".join(probe_text.describe_sink(settings.sink.url, sink)))
    return 0 if is_fine else 1


def _find_holders() -> dict[str, list[str]]:
    """Return the jobs that run and poll, by endpoint; none where one may not know that."""
    holders: dict[str, list[str]] = {}
    with suppress(SjaError, OSError):
        jobs = {job.unit: job for job in inventory.list_configured() if is_acquisition(job)}
        with Systemd() as systemd:
            rows = systemd.list_units(["sja-acquisition@*.service"])
        running = [jobs[row.name] for row in rows if row.active == "active" and row.name in jobs]
        for job, claims in read_claims(running).items():
            for endpoint in claims.endpoints:
                holders.setdefault(endpoint, []).append(str(job))
    return holders
