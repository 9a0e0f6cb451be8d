"""A job's file from a template and what strangers fill in."""

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from sja_units.api.fill import fill
from sja_units.api.problems import Fault
from sja_units.api.templates import Template, get_path, read_template
from sja_units.config import job_file
from sja_units.config.load import Source, load
from sja_units.config.origin import Origin, seal
from sja_units.errors import ConfigError
from sja_units.times import format_moment
from sja_units.toml.format import format_toml


class Unfit(Exception):
    """The values make no job."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(f"{fault.key}: {fault.message}" for fault in faults))
        self.faults = faults


class Made(NamedTuple):
    """A job's file as it is to be written, and what it says."""

    text: str
    file: job_file.JobFile


def make_file(template: Template, values: Mapping[str, Any], created: str = "") -> Made:
    """Return the file of a job. Raises Unfit with all faults at once.

    created: when there first was a job of that name, "" for now.
    """
    where = get_path(template.name)
    job, faults = fill(template.job, template.open, values)
    told = [Fault(str(fault.place[0]), fault.message) for fault in faults]
    try:
        loaded = load(template.kind, Source(format_toml(job), where))
    except ConfigError as error:
        wrong = {fault.key for fault in told}
        for line in error.faults:
            # What is refused already may be missing now.
            if line.key not in wrong:
                told.append(Fault(line.key, line.message))
        raise Unfit(told) from None
    if told:
        raise Unfit(told)
    text = seal(template.name, created or format_moment(time.time_ns(), 6), values, loaded.text)
    return Made(text, job_file.parse(template.kind, text, where))


def remake_file(origin: Origin) -> Made:
    """Return the file of a job as its template says it now. Raises ConfigError."""
    where = get_path(origin.template)
    try:
        return make_file(read_template(origin.template), origin.values, origin.created)
    except FileNotFoundError:
        raise ConfigError(where, ["no such template"]) from None
    except Unfit as unfit:
        raise ConfigError(where, [f"{f.key}: {f.message}" for f in unfit.faults]) from None
