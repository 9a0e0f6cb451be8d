"""`sjactl edit`."""

import click

from sja_units.cli.output.streams import echo, need_root
from sja_units.cli.preflight import warn_of_settings
from sja_units.cli.verbs.config import tell_when_it_counts
from sja_units.config.job_file import read_file
from sja_units.config.load import load
from sja_units.errors import ConfigError, SjaError, UsageError
from sja_units.fs.atomic import replace_file
from sja_units.jobs import inventory, manager
from sja_units.systemd.client import Systemd


@click.command("edit")
@click.argument("job")
def edit_command(job: str) -> None:
    """Change a job's file in your editor; it is checked before it replaces the old one."""
    (chosen, *others) = inventory.select_configured([job])
    if others:
        raise UsageError(f"{job!r} must be one job")
    path = chosen.config_path
    need_root("change jobs")
    old = read_file(path)
    new = click.edit(old, extension=".toml")
    if new is None or new == old:
        echo(f"{chosen}: nothing was changed", err=True)
        return
    try:
        file = manager.write_config(chosen, load(chosen.kind, new, path).text)
    except ConfigError as fault:
        kept = f"{path}.rejected"
        replace_file(kept, new.encode())
        raise SjaError(f"{fault}\n{path} is as it was", f"your text is in {kept}") from None
    with Systemd() as systemd:
        manager.apply_drop_ins(systemd, {chosen: file})
    warn_of_settings(file)
    echo(str(chosen))
    tell_when_it_counts(chosen)
