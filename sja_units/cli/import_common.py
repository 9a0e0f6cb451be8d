"""What both ways of `sjactl import` do with the jobs of an older system."""

import os
from typing import NamedTuple

from sja_units.cli.carry_out import carry_out
from sja_units.cli.output import format as render
from sja_units.cli.output.streams import echo, need_root
from sja_units.cli.target import split_settings
from sja_units.config import job_file
from sja_units.config.load import Setting, Source, load
from sja_units.errors import ConfigError
from sja_units.importers.takeover import Import, Takeover
from sja_units.job import Job
from sja_units.jobs import drop_ins, manager
from sja_units.jobs.files import create_file
from sja_units.jobs.status import list_status
from sja_units.jobs.wanted import want
from sja_units.systemd.client import Systemd


class _Ready(NamedTuple):
    plan: Import
    file: job_file.JobFile


def import_jobs(takeover: Takeover, *, dry_run: bool, settings: tuple[str, ...] = ()) -> int:
    """Make the jobs, or only show them; return the exit status of the verb.

    settings: KEY=VALUE for all of them. Raises UsageError.
    """
    values = split_settings(settings)
    for line in takeover.left:
        echo(f"not imported: {render.clean(line)}", err=True)
    for line in takeover.notes:
        echo(f"note: {render.clean(line)}", err=True)
    new = []
    for plan in takeover.imports:
        if os.path.lexists(plan.job.config_path):
            echo(f"{plan.job} exists already and is left alone", err=True)
        elif (ready := _check(plan, values)) is not None:
            new.append(ready)
    if dry_run:
        for plan, _ in new:
            echo(_describe(plan))
        return 0
    return 0 if _create(new) else 1


def _check(plan: Import, values: list[Setting]) -> _Ready | None:
    """Return a job with what its new file says, None after having told why it cannot be."""
    try:
        if len(plan.text.encode()) > job_file.MAX_BYTES:
            raise ConfigError(str(plan.job), ["too many points for one job's file"])
        loaded = load(plan.job.kind, Source(plan.text, str(plan.job), values), for_here=False)
    except ConfigError as fault:
        for line in fault.message.splitlines():
            echo(f"not imported: {render.clean(line)}", err=True)
        return None
    return _Ready(plan._replace(text=loaded.text), loaded.file)


def _describe(plan: Import) -> str:
    ending = "started" if plan.wanted else "not started: it did not run, or was switched off"
    return f"{plan.job}  {plan.title}  {plan.about}, {ending}"


def _create(new: list[_Ready]) -> bool:
    """Write the jobs' files and start what ran; return whether all that runs as it should."""
    if not new:
        return True
    need_root("create jobs")
    files: dict[Job, job_file.JobFile | None] = {plan.job: file for plan, file in new}
    wanted = [plan.job for plan, _ in new if plan.wanted]
    with Systemd() as systemd:
        for plan, _ in new:
            # The file last: a job whose file is there is complete.
            if plan.jar:
                manager.give_jar(plan.job, plan.jar)
            if plan.wanted:
                want(plan.job)
            create_file(plan.job, plan.text)
            if not plan.wanted:
                echo(str(plan.job))
        drop_ins.apply_drop_ins(systemd, files)
        return not wanted or carry_out(systemd, "start", list_status(systemd, wanted))
