"""`sjactl probe`: devices, database or site, tried now."""

from contextlib import suppress
from typing import Any

import click

from sja_units.acquisition.config import AcquisitionConfig
from sja_units.acquisition.kind import name_endpoint
from sja_units.actions.held import Held, read_held, report_held
from sja_units.cli.output import format as render
from sja_units.cli.output.streams import echo
from sja_units.cli.params import ClientConfig, ClientSetting, example
from sja_units.cli.target import Target, read_target
from sja_units.command.config import CommandConfig
from sja_units.errors import SjaError, UsageError
from sja_units.jobs import inventory
from sja_units.jobs.claims import read_claims
from sja_units.keepalive.config import KeepaliveConfig
from sja_units.kinds import as_acquisition, as_command, as_keepalive, is_acquisition
from sja_units.systemd.client import Systemd

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
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def probe_command(target: str, point: str | None, settings: tuple[str, ...], as_json: bool) -> int:
    """Try the devices and database, the page, or the [probe] of a job now.

    A running job is not disturbed: its devices are shown as its last cycle found them. Nothing is
    written, and the database gets no values. FILE is one that `sjactl create --from` takes.

    With --point its registers are read one by one, and shown in each type and byte order, with
    the neighboring addresses that are often mistaken for those in a manual.

    A page is requested once with the job's cookies; what it sets is dropped. Some sites accept
    no cookie twice: look at `sjactl status` there.

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
        return _probe_site(chosen, site, as_json=as_json)
    program = as_command(file.settings)
    assert program is not None
    return _probe_program(chosen, program, as_json=as_json)


def _probe_site(chosen: Target, settings: KeepaliveConfig, *, as_json: bool) -> int:
    """Ask for the page once. The answer's cookies are dropped: the jar is the job's own."""
    from sja_units.keepalive.refresh import refresh
    from sja_units.keepalive.response import ALIVE
    from sja_units.keepalive.store import read_next_jar

    jar = read_next_jar(chosen.job.state_dir, settings.host) if chosen.job else ()
    found = refresh(settings, jar)
    outcome, reason = found.verdict
    if as_json:
        said = {"name": chosen.name, "kind": chosen.kind, "ok": outcome == ALIVE}
        said |= {"session": outcome, "message": reason, "http_status": found.http_status}
        render.print_json({**said, "cookies": len(jar)})
    else:
        colour = "green" if outcome == ALIVE else "red"
        state = click.style(outcome, fg=colour)
        echo(f"{settings.address.site}: {state}: {render.clean(reason)}")
        if not jar:
            echo("asked without cookies", err=True)
    if found.jar is not None and jar and found.jar != jar:
        echo("the site sent new cookies, which a probe drops: the jar is the job's", err=True)
    return 0 if outcome == ALIVE else 1


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
