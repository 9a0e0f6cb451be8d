"""`sjactl create`."""

import os
import shutil

import click

from sja_units.cli.carry_out import carry_out
from sja_units.cli.client_files import is_from_file, open_client_file
from sja_units.cli.output.streams import echo, need_root
from sja_units.cli.params import ClientConfig, ClientFile, ClientSetting, example
from sja_units.cli.preflight import (
    warn,
    warn_of_others,
    warn_of_settings,
    warn_of_start,
    warn_of_world,
)
from sja_units.cli.target import read_text, split_settings
from sja_units.config import job_file
from sja_units.config.examples import read_example
from sja_units.config.load import Setting, Source, load
from sja_units.errors import SjaError, UsageError
from sja_units.job import Job, make_job
from sja_units.jobs import drop_ins, manager
from sja_units.jobs.files import check_installed, create_file
from sja_units.jobs.status import list_status
from sja_units.kinds import get_kind
from sja_units.systemd.client import Systemd
from sja_units.text import suggest
from sja_units.toml.edit import read_value


@click.command(
    "create",
    epilog=example(
        "sjactl create keepalive alice --cookies alice.txt --url https://a.example/me",
        "sjactl create acquisition line1 --from line1.toml",
        "sjactl create keepalive booking-7 --template booking --title Li",
        "sjactl create command web -- python3 -m http.server",
    ),
)
@click.argument("kind", metavar="KIND")
@click.argument("name", metavar="NAME", required=False)
@click.option("--from", "source", metavar="FILE", type=ClientConfig(), help="Start from FILE.")
@click.option("--template", metavar="TEMPLATE", help="Fill in a template of this host.")
@click.option("--title", metavar="TEXT", help="A name for people, in any script.")
@click.option("--url", metavar="PAGE", help="keepalive: the page that shows if it is alive.")
@click.option(
    "--cookies", metavar="FILE", type=ClientFile(), help="keepalive: cookies in any format."
)
@click.option("--interval", metavar="T", help='How often, such as "15min".')
@click.option(
    "--set",
    "settings",
    type=ClientSetting(),
    multiple=True,
    metavar="KEY=VALUE",
    help="Set any key; with KEY=@FILE to what FILE holds.",
)
@click.option("--no-start", is_flag=True, help="Write the file, but do not start the job.")
@click.option("--example", "show_example", is_flag=True, help="Print a commented example file.")
@click.argument("command", nargs=-1, metavar="[-- COMMAND...]")
def create_command(
    kind: str,
    name: str | None,
    source: str | None,
    template: str | None,
    title: str | None,
    url: str | None,
    cookies: str | None,
    interval: str | None,
    settings: tuple[str, ...],
    no_start: bool,
    show_example: bool,
    command: tuple[str, ...],
) -> int:
    """Check the configuration of a new job, write its file, and start it.

    KIND is acquisition, command or keepalive. Devices are tried for up to 5 seconds first; one
    that does not answer is only a warning, as is another job on the same device or account.

    The program of a command follows --. If it has a schedule, it runs at its times, not now.
    """
    if show_example:
        click.echo(read_example(kind), nl=False)
        return 0
    if name is None:
        raise click.UsageError("missing argument 'NAME'")
    job = make_job(kind, name)
    options = get_kind(kind).create_options
    if command and "command" not in options:
        raise UsageError(f"unexpected {' '.join(command)!r}: only a command job runs a program")
    if cookies and "cookies" not in options:
        raise UsageError(f"--cookies is not for {kind} jobs")
    if os.path.lexists(job.config_path):
        raise SjaError(f"{job} exists already", f"sjactl config {job} shows it")
    need_root("create jobs")
    given = [("title", title), ("url", url), ("interval", interval)]
    values = [Setting(key, _quote(v), f"--{key}") for key, v in given if v is not None]
    if command:
        array = f"[{', '.join(map(_quote, _find_program(command)))}]"
        values.append(Setting("command", array, "COMMAND"))
    values += split_settings(settings)
    _warn_of_secrets(kind, settings)
    if template is not None and source is not None:
        raise UsageError("--template and --from exclude each other")
    file, text = _fill(template, job, values) if template else _load(kind, source, values)
    jar = _read_jar(cookies, file) if cookies else None
    check_installed(kind)
    warn_of_others(job, file, jar)
    warn_of_world(file)
    warn_of_settings(file)
    create_file(job, text)
    if jar is not None:
        manager.give_jar(job, jar)
    return _start(job, file, start=not no_start)


def _load(kind: str, source: str | None, values: list[Setting]) -> tuple[job_file.JobFile, str]:
    """Return what a person's file and command line say, and the text of the job's file."""
    written = Source("", "", values, _OPTIONS)
    if source is not None:
        written = Source(read_text(source), source, values)
    loaded = load(kind, written, open_client_file)
    warn(loaded.warnings)
    return loaded.file, loaded.text


def _fill(name: str, job: Job, values: list[Setting]) -> tuple[job_file.JobFile, str]:
    """Return the file of a job that is made from a template, and its text."""
    from sja_units.api.make import Unfit, make_file
    from sja_units.api.templates import list_templates, read_template

    try:
        template = read_template(name)
    except FileNotFoundError:
        raise UsageError(f"no such template: {name}{suggest(name, list_templates())}") from None
    if not template.fits(job.kind, job.name):
        words = f"{template.kind} jobs whose names match {template.names}"
        raise UsageError(f"{job}: template {name} is for {words}")
    try:
        made = make_file(template, {each.key: read_value(each.value) for each in values})
    except Unfit as unfit:
        options = {each.key: each.option for each in values}
        lines = (f"{options.get(f.key, f.key)}: {f.message}" for f in unfit.faults)
        raise UsageError("\n".join(lines)) from None
    return made.file, made.text


def _start(job: Job, file: job_file.JobFile, *, start: bool) -> int:
    with Systemd() as systemd:
        drop_ins.apply_drop_ins(systemd, {job: file})
        if start:
            is_done = carry_out(systemd, "start", list_status(systemd, [job]))
            warn_of_start(job)
            return 0 if is_done else 1
    echo(str(job))
    return 0


def _warn_of_secrets(kind: str, settings: tuple[str, ...]) -> None:
    """Tell of secrets that stand in the list of processes, where everybody can read them."""
    secret = get_kind(kind).secret_keys
    for setting in settings:
        key = setting.partition("=")[0].strip()
        is_secret = any(f"{key}.".startswith(f"{each}.") for each in secret)
        if is_secret and not is_from_file(setting):
            warn(f"everybody on this host can see --set {key}=…: --set {key}=@FILE is for secrets")


def _find_program(command: tuple[str, ...]) -> list[str]:
    """Return the command with its program as a whole path, as a shell would find it."""
    found = shutil.which(command[0])
    if found is None:
        raise UsageError(f"no such program: {command[0]}")
    return [os.path.abspath(found), *command[1:]]


# By key, what gives a value that a new job cannot do without.
_OPTIONS = {"title": "--title", "url": "--url", "interval": "--interval", "command": "COMMAND"}


def _quote(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=False)  # a JSON string is a TOML string


def _read_jar(path: str, file: job_file.JobFile) -> str:
    from sja_units.cli.client_jar import read_jar_text

    return read_jar_text(path, file)
