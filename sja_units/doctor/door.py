"""The door for applications: what templates and grants open, and to whom."""

import os
import stat
from collections.abc import Iterator

from sja_units.api.grants import list_grant_files, parse_grant
from sja_units.api.policy import Grant
from sja_units.api.templates import Template, get_path, list_templates, read_template
from sja_units.config.job_file import read_file
from sja_units.doctor.finding import OK, PROBLEM, WARNING, Finding
from sja_units.errors import ConfigError

# By the last part of a key: whoever fills it in decides which program runs, which file is read or
# written with the job's rights, or which host is asked with its secrets.
_PROGRAMS = {"command", "environment", "working_directory", "user"}
_FILES = {
    *("points", "ca_file", "secrets", "headers_file", "password_file", "token_file", "publish"),
    *("certificate", "key", "file", "path"),
}
_PLACES = {"url", "proxy"}


def check_door() -> Iterator[Finding]:
    findings: list[Finding] = []
    templates: dict[str, Template] = {}
    for name in list_templates():
        try:
            templates[name] = read_template(name)
        except ConfigError as fault:
            findings += _tell_faults(fault)
        except FileNotFoundError:
            continue  # removed meanwhile
    grants = []
    for path in list_grant_files():
        try:
            grant = parse_grant(read_file(path), path)
        except ConfigError as fault:
            findings += _tell_faults(fault)
            continue
        grants.append(grant)
        findings += _check_grant(path, grant, templates)
    told = f"{len(templates)} templates and {len(grants)} grants are valid, and open no program"
    yield from findings or [Finding(OK, told)]


def _tell_faults(fault: ConfigError) -> Iterator[Finding]:
    for each in fault.faults:
        yield Finding(PROBLEM, f"{fault.where}: {each}", f"edit {fault.where}")


def _check_grant(path: str, grant: Grant, templates: dict[str, Template]) -> Iterator[Finding]:
    if grant.uid is None and grant.gid is None:
        words = f"{path} is for a user or group that this host does not have"
        yield Finding(WARNING, words, "rename or remove the file")
    if stat.S_IMODE(os.stat(path).st_mode) & 0o077:
        words = f"{path} can be read by others"
        yield Finding(WARNING, words, f"chown root:root {path} && chmod 0600 {path}")
    for name in sorted(grant.templates):
        template = templates.get(name)
        if template is None:
            if not os.path.lexists(get_path(name)):
                advice = f"write {get_path(name)}, or take the name out"
                yield Finding(WARNING, f"{path} names template {name}, which is not here", advice)
            continue
        for key in template.open:
            if reason := _find_danger(key):
                words = f"{path} opens too much: template {name} lets who fills it in {reason}"
                yield Finding(WARNING, f"{words} ({key})", f"close {key} in {get_path(name)}")


def _find_danger(key: str) -> str:
    """Return what an open key lets a stranger do that no application should, "" for nothing."""
    parts = key.split(".")
    if parts[0] == "service":
        return "change the sandbox"
    if _PROGRAMS.intersection(parts):
        return "decide what runs"
    if parts[-1] in _FILES:
        return "name files"
    return "decide which site is asked" if parts[-1] in _PLACES else ""
