"""`sjactl import`: jobs of the two older systems."""

import os
from typing import NamedTuple

import click

from sja_units import config, importer_sja, manager
from sja_units.address import Address, parse_address
from sja_units.cli import render
from sja_units.cli.order import carry_out
from sja_units.cli.own_file import OwnFile
from sja_units.errors import ConfigFault, UsageFault
from sja_units.importer_sja import Import
from sja_units.job import CONFIG_ROOT, Job
from sja_units.own_files import open_own
from sja_units.survey import inspect
from sja_units.systemd import Systemd

MAX_BYTES = 32 * 1024 * 1024  # jobs.json holds the jobs' logs
_STORES = ("SJABOT_CREDENTIAL_STORE", "SJA_CREDENTIAL_STORE")


class _Ready(NamedTuple):
    plan: Import
    file: config.JobFile


@click.group("import")
def import_command() -> None:
    """Take over jobs of the two older systems. Nothing is changed over there."""


@import_command.command("sja")
@click.argument("jobs", metavar="JOBS.JSON", type=OwnFile())
@click.argument(
    "credentials", metavar="[CREDENTIALS.JSON]", required=False, type=OwnFile(), envvar=_STORES
)
@click.option("--url", required=True, metavar="PAGE", help="The page to refresh.")
@click.option("--dry-run", is_flag=True, help="Only show it.")
def import_sja(jobs: str, credentials: str | None, url: str, dry_run: bool) -> int:
    """Make a keep-alive job of every account that a KEEP_ALIVE job refreshed.

    What ran or had failed is started, all else is not. Jobs that exist already stay as they are.
    An encrypted CREDENTIALS.JSON is read with the key in the environment's SJABOT_SECRET.
    """
    page = parse_address(url)
    if page is None or page.user or not url.isprintable():
        raise UsageFault("--url must be a page such as https://sports.example.edu/api/user/current")
    takeover = _read(jobs, credentials, page)
    for line in takeover.left:
        click.echo(f"not taken over: {render.clean(line)}", err=True)
    new = []
    for plan in takeover.imports:
        file = config.parse("keepalive", plan.text, str(plan.job))
        if os.path.lexists(plan.job.config_path):
            click.echo(f"{plan.job} exists already and stays as it is", err=True)
        else:
            new.append(_Ready(plan, file))
    if dry_run:
        for plan, _ in new:
            click.echo(_describe(plan))
        return 0
    return 0 if _create(new) else 1


def _read(jobs: str, path: str | None, page: Address) -> importer_sja.Takeover:
    old = importer_sja.read_jobs(_read_text(jobs), jobs)
    if path:
        text = _read_text(path)
        if importer_sja.is_encrypted(text):
            text = importer_sja.decrypt(text, _find_secret(path), path)
        return importer_sja.plan(old, importer_sja.read_accounts(text, path), page)
    if any(job.type == "keep_alive" for job in old):
        raise UsageFault(
            f"the accounts of {jobs} are in the older system's credentials.json: name that, too"
        )
    return importer_sja.plan(old, [], page)


def _find_secret(path: str) -> str:
    secret = os.environ.get("SJABOT_SECRET", "")
    if not secret:
        raise UsageFault(
            f"{path} is encrypted: put its key into the environment, as SJABOT_SECRET "
            "(sudo --preserve-env=SJABOT_SECRET passes it on)"
        )
    return secret


def _read_text(path: str) -> str:
    with open_own(path) as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ConfigFault(path, [f"is larger than {MAX_BYTES // 1024 // 1024} MiB"])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigFault(path, ["is not UTF-8 text"]) from None


def _describe(plan: Import) -> str:
    interval = importer_sja.format_interval(plan.interval)
    ending = "started" if plan.wanted else "not started, as it did not run"
    return f"{plan.job}  {plan.title}  every {interval}, {ending}"


def _create(new: list[_Ready]) -> bool:
    """Write the jobs' files and start what ran; return whether all that runs as it should."""
    if not new:
        return True
    if not os.access(CONFIG_ROOT, os.W_OK):
        raise PermissionError(13, "Permission denied", CONFIG_ROOT)
    files: dict[Job, config.JobFile | None] = {plan.job: file for plan, file in new}
    wanted = [plan.job for plan, _ in new if plan.wanted]
    with Systemd() as systemd:
        for plan, _ in new:
            # The file last: a job whose file is there is complete.
            manager.give_jar(plan.job, plan.jar)
            if plan.wanted:
                manager.want(plan.job)
            manager.write_config(plan.job, plan.text)
            if not plan.wanted:
                click.echo(str(plan.job))
        manager.apply_drop_ins(systemd, files)
        return not wanted or carry_out(systemd, "start", inspect(systemd, wanted))
