"""`sjactl import`: jobs of the two older systems."""

import os

import click

from sja_units.cli.client_files import is_remote, read_client_file
from sja_units.cli.import_common import import_jobs
from sja_units.cli.output.streams import echo
from sja_units.cli.params import ClientFile, ClientSetting, example
from sja_units.errors import ConfigError, UsageError
from sja_units.importers import sja
from sja_units.importers.takeover import Takeover
from sja_units.url import Address, parse_address

MAX_BYTES = 32 * 1024 * 1024  # jobs.json holds the jobs' logs
MAX_DATABASE_BYTES = 512 * 1024 * 1024
_STORES = ("SJABOT_CREDENTIAL_STORE", "SJA_CREDENTIAL_STORE")


_SJA_EXAMPLE = example("sjactl import sja --url https://a.example/me jobs.json credentials.json")
_EDGE_EXAMPLE = example("sjactl import edge-iot --dry-run db.sqlite3")


@click.group("import", epilog=_EDGE_EXAMPLE)
def import_command() -> None:
    """Import jobs of the two older systems, which are not changed."""


@import_command.command("sja", epilog=_SJA_EXAMPLE)
@click.argument("jobs", metavar="JOBS.JSON", type=ClientFile())
@click.argument(
    "credentials", metavar="[CREDENTIALS.JSON]", required=False, type=ClientFile(), envvar=_STORES
)
@click.option("--url", metavar="PAGE", help="The page that shows if a session is alive.")
@click.option(
    "--set",
    "settings",
    type=ClientSetting(),
    multiple=True,
    metavar="KEY=VALUE",
    help="Set any key of all jobs.",
)
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
def import_sja(
    jobs: str, credentials: str | None, url: str | None, settings: tuple[str, ...], dry_run: bool
) -> int:
    """Create a keep-alive job for each account that a KEEP_ALIVE job refreshed.

    Jobs that ran or had failed are started, others are not. Jobs that exist already are left
    alone. The key of an encrypted CREDENTIALS.JSON is taken from SJABOT_SECRET.
    """
    takeover = _read(jobs, credentials, _read_page(url, dry_run=dry_run))
    if not any(setting.startswith(("alive.", "expired.")) for setting in settings):
        words = "any answer with 2xx will count as alive; --set alive.body_contains=… is safer"
        echo(f"warning: {words}, or expired.redirect_contains=…", err=True)
    return import_jobs(takeover, dry_run=dry_run, settings=settings)


def _read_page(url: str | None, *, dry_run: bool) -> Address:
    if url is None and not dry_run:
        raise UsageError("--url PAGE is missing: the page that shows if a session is alive")
    page = parse_address("https://page.invalid/" if url is None else url)
    if page is None or page.user or not (url or "").isprintable():
        raise UsageError("--url must be a page such as https://sports.example.edu/api/user/current")
    return page


@import_command.command("edge-iot", epilog=_EDGE_EXAMPLE)
@click.argument("file", metavar="DB.SQLITE3", type=ClientFile())
@click.option(
    "--env", metavar="FILE", type=ClientFile(), help="Its settings; else the .env beside it."
)
@click.option("--decoded", is_flag=True, help="Typed, scaled values under new field names.")
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
def import_edge(file: str, env: str | None, decoded: bool, dry_run: bool) -> int:
    """Create an acquisition job for each task of the older edge system.

    Jobs that ran or had failed are started, others are not. Jobs that exist already are left
    alone. Values go on as the older system wrote them: the same database, series, fields and
    types, raw registers, several of them as a JSON string. Where they go is taken from its
    settings INFLUXDB_HOST, _PORT, _BUCKET, _ORG and _TOKEN, in the environment or its .env
    file; without these they stay on this host.
    """
    from sja_units.importers import edge
    from sja_units.importers.edge_database import check_quiet, read_database
    from sja_units.importers.edge_settings import LOCAL, compose_sink

    sink = compose_sink({**_read_env(file, env), **os.environ})
    if sink is None:
        words = "no INFLUXDB_ setting found: values stay on this host until [sink] says where to"
        echo(f"note: {words} (--env FILE names the older system's settings)", err=True)
    if not is_remote():
        check_quiet(file)
    data = read_client_file(file, MAX_DATABASE_BYTES)
    tables = read_database(data, file, edge.TABLES, edge.OPTIONAL)
    return import_jobs(edge.plan(tables, sink or LOCAL, decoded=decoded), dry_run=dry_run)


def _read_env(database: str, env: str | None) -> dict[str, str]:
    """Return the older system's settings of its .env file, none where there is no such file."""
    from sja_units.importers.edge_settings import parse_env

    beside = os.path.join(os.path.dirname(database), ".env")
    if env is None and not is_remote() and os.path.isfile(beside):
        env = beside
        echo(f"note: settings of {beside} count", err=True)
    return parse_env(_read_text(env)) if env else {}


def _read(jobs: str, path: str | None, page: Address) -> Takeover:
    old = sja.read_jobs(_read_text(jobs), jobs)
    if path:
        text = _read_text(path)
        if sja.is_encrypted(text):
            text = sja.decrypt(text, _find_secret(path), path)
        return sja.plan(old, sja.read_accounts(text, path), page)
    if any(job.type == "keep_alive" for job in old):
        raise UsageError(
            f"name the older system's credentials.json, too: it has the accounts of {jobs}"
        )
    return sja.plan(old, [], page)


def _find_secret(path: str) -> str:
    secret = os.environ.get("SJABOT_SECRET", "")
    if not secret:
        raise UsageError(
            f"{path} is encrypted: put its key into the environment, as SJABOT_SECRET "
            "(sudo --preserve-env=SJABOT_SECRET passes it on)"
        )
    return secret


def _read_text(path: str) -> str:
    try:
        return read_client_file(path, MAX_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(path, ["is not UTF-8 text"]) from None
