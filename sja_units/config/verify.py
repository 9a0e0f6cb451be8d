"""What systemd itself says of the directives in a job's [service] table."""

import os
import re
import subprocess
import tempfile
from collections.abc import Mapping
from functools import cache

from sja_units.toml.reader import Fault

_SECONDS = 10
_KEY = re.compile(r"[A-Za-z]+")
_HEAD = ["[Service]", "Type=oneshot", "ExecStart=/bin/true"]


def find_faults(service: Mapping[str, tuple[str, ...]]) -> list[Fault]:
    """Return what systemd would ignore, which it tells the journal only, and only later."""
    pairs = [(key, value) for key in service if _KEY.fullmatch(key) for value in service[key]]
    return _ask(tuple(pairs)) if pairs else []


@cache
def _ask(pairs: tuple[tuple[str, str], ...]) -> list[Fault]:
    faults: dict[str, Fault] = {}
    try:
        told = _verify([*_HEAD, *(f"{key}={value}" for key, value in pairs)])
    except (OSError, subprocess.TimeoutExpired):
        return []  # who cannot be asked refuses nothing
    for number, words in told:
        key, value = pairs[number - len(_HEAD) - 1]
        faults.setdefault(key, Fault(("service", key), f"{value!r} is ignored by systemd: {words}"))
    return list(faults.values())


def _verify(lines: list[str]) -> list[tuple[int, str]]:
    """Return what systemd ignores of a unit's lines: a line's number, from 1, and its words."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "sja-check@name.service")
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        words = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", path]
        done = subprocess.run(words, capture_output=True, timeout=_SECONDS, check=False)
    line = re.compile(re.escape(path) + r":(\d+): (.*\bignor.*)")  # not what is merely deprecated
    return [(int(n), said) for n, said in line.findall(done.stderr.decode(errors="replace"))]
