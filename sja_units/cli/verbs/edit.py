"""`sjactl edit`."""

import os
import shutil
import time

import click

from sja_units.cli.output.streams import echo, need_root
from sja_units.cli.params import example
from sja_units.cli.preflight import warn_of_settings
from sja_units.cli.verbs.config import tell_when_it_counts
from sja_units.config.job_file import read_file
from sja_units.config.load import Source, load
from sja_units.errors import ConfigError, SjaError
from sja_units.fs.atomic import replace_file
from sja_units.job import Job
from sja_units.jobs import drop_ins, inventory
from sja_units.jobs.files import Changed, change_file
from sja_units.systemd.client import Systemd

_EDITORS = ("sensible-editor", "editor", "nano", "vim", "vi")


@click.command("edit", epilog=example("sudo EDITOR=nano sjactl edit keepalive/alice"))
@click.argument("job")
def edit_command(job: str) -> None:
    """Edit a job's file; the new text is checked before it replaces the old one."""
    chosen = inventory.select_one(job)
    path = chosen.config_path
    need_root("change jobs")
    old = read_file(path)
    new = click.edit(old, _find_editor(), extension=".toml")
    if new is None or new == old:
        echo(f"{chosen}: not changed", err=True)
        return
    try:
        loaded = load(chosen.kind, Source(new, path))
        change_file(chosen, old, loaded.text)
    except (ConfigError, Changed) as fault:
        kept = _keep(chosen, new)
        raise SjaError(
            f"{fault.message}\n{chosen} is as it was", f"your text is in {kept}"
        ) from None
    with Systemd() as systemd:
        drop_ins.apply_drop_ins(systemd, {chosen: loaded.file})
    warn_of_settings(loaded.file)
    echo(str(chosen))
    tell_when_it_counts(chosen)


def _find_editor() -> str:
    """Return the editor that the person wants, else one that there is. Raises SjaError."""
    if wanted := os.environ.get("VISUAL") or os.environ.get("EDITOR"):
        return wanted
    found = next(filter(shutil.which, _EDITORS), None)
    if found is None:
        raise SjaError("no editor is installed", "name one in EDITOR, or apt install nano")
    return found


def _keep(job: Job, text: str) -> str:
    """Keep a text that was not taken, beside the job's file; return its path."""
    path = f"{job.config_path}.rejected"
    if os.path.lexists(path):
        path += time.strftime("-%Y%m%dT%H%M%S")
    replace_file(path, text.encode())
    return path
