"""What install.sh put here: the program and its files."""

import hashlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution, requires
from pathlib import Path

import sja_units
from sja_units.doctor.finding import OK, PROBLEM, WARNING, Finding, ask

MANIFEST = "/usr/local/lib/sja-units/manifest"
UNIT_FOLDER = "/usr/local/lib/systemd/system"

_PROGRAM = "/usr/local/bin/sjactl"
_VENV = "/opt/sja-units"
_PYTHON = "/usr/bin/python3"
_HOOKS = "/usr/local/lib/sja-units"
_AGAIN = "run install.sh again"


def read_manifest() -> dict[str, str]:
    """Return by path the SHA-256 of what install.sh put there, as hexadecimal digits."""
    with open(MANIFEST, encoding="utf-8") as file:
        pairs = (line.rstrip("\n").split("  ", 1) for line in file)
        return {path: digest for digest, path in pairs}


def list_units() -> list[str]:
    """Return the names of the units that were installed."""
    paths = map(Path, read_manifest())
    return [path.name for path in paths if str(path.parent) == UNIT_FOLDER]


def check_program() -> Iterator[Finding]:
    version = sja_units.__version__
    findings = [*_check_command(version), *_check_packages(), *_check_compiled()]
    python = ".".join(map(str, sys.version_info[:3]))
    yield from findings or [Finding(OK, f"sja-units {version}, Python {python}, in {sys.prefix}")]


def _check_command(version: str) -> Iterator[Finding]:
    if sys.prefix != _VENV:
        yield Finding(WARNING, f"this sjactl is that of {sys.prefix}", f"use {_PROGRAM}")
    elif os.path.realpath(_PYTHON) != os.path.realpath(sys.executable):
        made_of = os.path.realpath(sys.executable)
        yield Finding(WARNING, f"{_VENV} is made of {made_of}, and {_PYTHON} is another", _AGAIN)
    if not os.path.exists(_PROGRAM):
        yield Finding(PROBLEM, f"there is no {_PROGRAM}, which the units run", _AGAIN)
        return
    said = ask(_PROGRAM, "--version")
    if said.returncode or version not in said.stdout:
        words = (said.stderr or said.stdout).strip().splitlines()[-1:]
        yield Finding(PROBLEM, f"{_PROGRAM} is not this version: {' '.join(words)}", _AGAIN)


def _check_packages() -> Iterator[Finding]:
    for requirement in requires("sja-units") or []:
        if "extra ==" in requirement:
            continue
        name = requirement.split(";")[0].split("<")[0].split(">")[0].split("=")[0].strip("!~ ")
        try:
            files = distribution(name).files or []
        except PackageNotFoundError:
            yield Finding(PROBLEM, f"the Python package {name} is missing", _AGAIN)
            continue
        lost = [file for file in files if not os.path.exists(file.locate())]
        if lost:
            yield Finding(PROBLEM, f"the Python package {name} lacks {lost[0]}", _AGAIN)


def _check_compiled() -> Iterator[Finding]:
    sources = Path(sja_units.__file__).parent.rglob("*.py")
    slow = [path for path in sources if not _is_compiled(path)]
    if slow:
        yield Finding(
            WARNING,
            f"{len(slow)} modules are not compiled, which makes every start slow",
            f"{_VENV}/bin/python -m compileall -q {Path(sja_units.__file__).parent}",
        )


def _is_compiled(path: Path) -> bool:
    return os.path.exists(importlib.util.cache_from_source(str(path)))


def check_hooks() -> Iterator[Finding]:
    """Look whether the system's own Python can run the end hook, which has nothing else."""
    if not os.path.exists(_PYTHON):
        words = f"there is no {_PYTHON}, which runs at each end of a job"
        yield Finding(PROBLEM, words, "apt install python3")
        return
    load = f"import sys; sys.path.insert(0, {_HOOKS!r}); import sja_units.hooks.end"
    said = ask(_PYTHON, "-ISBc", load)
    if said.returncode:
        last = said.stderr.strip().splitlines()[-1:] or [f"exit status {said.returncode}"]
        yield Finding(
            PROBLEM,
            f"{_PYTHON} cannot run the end hook, so no stop and no failure counts: {last[0]}",
            f"apt install --reinstall python3-minimal libpython3-stdlib; then {_AGAIN}",
        )
    else:
        yield Finding(OK, f"{_PYTHON} runs the end hook")


def check_files() -> Iterator[Finding]:
    try:
        manifest = read_manifest()
    except FileNotFoundError:
        yield Finding(PROBLEM, f"there is no {MANIFEST}", _AGAIN)
        return
    findings = [finding for path, digest in manifest.items() for finding in _check(path, digest)]
    yield from findings or [Finding(OK, f"{len(manifest)} files are as install.sh put them")]


def _check(path: str, digest: str) -> Iterator[Finding]:
    try:
        with open(path, "rb") as file:
            data = file.read()
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        yield Finding(PROBLEM, f"{path} is missing", _AGAIN)
        return
    except PermissionError:
        return  # polkit's folder is not for everybody; the check of polkit says so
    if hashlib.sha256(data).hexdigest() != digest:
        advice = f"{_AGAIN}; changes of your own go into `systemctl edit`"
        yield Finding(WARNING, f"{path} is not as install.sh put it there", advice)
    if mode & 0o022:
        yield Finding(PROBLEM, f"{path} can be changed by others than root", f"chmod go-w {path}")
    if data.startswith(b"#!") and not mode & 0o100:
        yield Finding(PROBLEM, f"{path} is not executable", f"chmod 0755 {path}")
