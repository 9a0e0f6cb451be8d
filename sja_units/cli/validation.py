"""Checks files that people have written, whatever kind of file: no network, no systemd."""

import os
from typing import Any, NamedTuple

from sja_units.api.grants import parse_grant
from sja_units.api.templates import parse_template
from sja_units.config import job_file
from sja_units.config.host import parse_host_config
from sja_units.config.load import Source, load, open_here
from sja_units.config.origin import find_template
from sja_units.errors import ConfigError, FaultLine
from sja_units.job import HOST_FILE, Job
from sja_units.kinds import OpenFile, guess_kind
from sja_units.toml.load import load_toml
from sja_units.toml.location import describe, format_key


class Checked(NamedTuple):
    """What was found in a file."""

    path: str
    kind: str  # of a job; "template", "grant" or "host"; "" where the file cannot be read
    faults: list[FaultLine]

    def as_json(self) -> dict[str, Any]:
        faults = [{"line": f.line, "key": f.key, "message": f.message} for f in self.faults]
        return {"file": self.path, "kind": self.kind, "ok": not self.faults, "faults": faults}


def check_job(job: Job) -> Checked:
    """Check the file of a job of this host. Raises PermissionError."""
    path = job.config_path
    try:
        load(job.kind, Source(job_file.read_file(path), path))
    except FileNotFoundError:
        return Checked(path, job.kind, [FaultLine("no such file")])
    except ConfigError as error:
        return Checked(path, job.kind, error.faults)
    return Checked(path, job.kind, [])


def check_file(path: str, kind: str = "", open_file: OpenFile = open_here) -> Checked:
    """Check a file that may come to another host. Raises OSError.

    kind: that of the job; without it the file's own keys tell what it is.
    """
    with open_file(path) as file:
        data = file.read(job_file.MAX_BYTES + 1)
    try:
        text = job_file.decode(data, path)
        kind = kind or _find_kind(path, load_toml(text, path))
        _check_text(kind, text, path, open_file)
    except ConfigError as error:
        return Checked(path, kind, error.faults)
    return Checked(path, kind, [])


def _find_kind(path: str, values: dict[str, Any]) -> str:
    # A job's file that was made from a template names it by the same key.
    if "template" in values and find_template(values) is None:
        return "template"
    if os.path.basename(path) == HOST_FILE or (values and {*values} <= {"alert", "api"}):
        return "host"
    if "verbs" in values or "templates" in values:
        return "grant"
    return guess_kind(values)


def _check_text(kind: str, text: str, path: str, open_file: OpenFile) -> None:
    if kind == "host":
        parse_host_config(text, path)
    elif kind == "grant":
        parse_grant(text, path)
    elif kind == "template":
        _check_template(text, path)
    else:
        load(kind, Source(text, path), open_file, for_here=False)


def _check_template(text: str, path: str) -> None:
    """Check a template, and what it says of its jobs where no caller is to fill it in."""
    template = parse_template(text, path)
    values = load_toml(text, path)
    faults = []
    for fault in job_file.examine(template.kind, template.job)[1]:
        key = format_key(fault.place)
        if not any(_is_within(key, each) or _is_within(each, key) for each in template.open):
            placed = fault._replace(place=("job", *fault.place))
            faults.append(describe(placed, text, values))
    if faults:
        raise ConfigError(path, faults)


def _is_within(key: str, table: str) -> bool:
    return f"{key}.".startswith(f"{table}.")
