"""bench/RESULTS.md: the last table of each group; README has some rows of it."""

import os
import platform
import re
import time
from collections.abc import Sequence
from pathlib import Path

from bench.table import HEAD, Row
from tests.machines.wheels import CHECKOUT

_RESULTS = CHECKOUT / "bench/RESULTS.md"
_README = CHECKOUT / "README.md"
_TITLE = """# Results of `bench/run`

All in one booted machine, with the product as install.sh leaves it; a ratio is of what ran beside
it. Times move by a third from run to run, memory by a hundredth.
"""
# README's own section of it, which the first run puts before the one about installing.
_BEGIN, _END = "<!-- written by bench/run -->\n", "<!-- so far -->\n"
_SECTION = """## What it costs

Measured beside what one would take instead, all in one run; `bench/RESULTS.md` has the rest.

"""
_NEXT = "## Install\n"
# What README shows: the beginnings of rows.
_SHOWN = (
    "CPU per 1,000 registers, 1 device, ours",
    "CPU per 1,000 registers, 100 devices, ours",
    "PSS of an acquisition worker",
    "samples lost",
    "CPU a look, ours",
    "memory beside each program, ours",
    "kill -9 of a program to running again, ours",
    "200 jobs started at once by a target",
    "sjactl list of 1000 that run",
)


def keep(group: str, rows: list[Row], groups: Sequence[str]) -> None:
    """Put a group's rows in the place of its last ones."""
    sections = _read_sections()
    sections[group] = f"{_describe_run()}\n\n{render([row.cells() for row in rows])}"
    parts = [f"\n## {name}\n\n{sections[name]}" for name in groups if name in sections]
    _RESULTS.write_text(_TITLE + "".join(parts))
    shown = [row for row in read_rows() if row[0].startswith(_SHOWN)]
    if shown:
        before, _, rest = _README.read_text().partition(_BEGIN)
        if rest:
            rest = rest.partition(_END)[2]
        else:
            before, _, rest = before.partition(_NEXT)
            rest = f"\n{_NEXT}{rest}"
        _README.write_text(f"{before}{_BEGIN}{_SECTION}{render(shown)}{_END}{rest}")


def read_rows() -> list[tuple[str, ...]]:
    """Return the cells of all rows that bench/RESULTS.md has."""
    lines = re.findall(r"^\|(.+)\|$", _RESULTS.read_text(), re.M)
    rows = [tuple(cell.strip() for cell in line.split("|")) for line in lines]
    return [row for row in rows if row[0] not in (HEAD[0], "---")]


def render(rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [HEAD, ("---",) * len(HEAD), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _read_sections() -> dict[str, str]:
    text = _RESULTS.read_text() if _RESULTS.exists() else ""
    parts = re.split(r"^\n?## (\w+)\n\n", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _describe_run() -> str:
    """Return when and on what it was measured."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    model = models[0] if models else platform.machine()
    release = platform.release().partition("-")[0]
    date = time.strftime("%Y-%m-%d %H:%M")
    system = "Debian 12, systemd 252, Python 3.11"
    return f"{date}, {os.cpu_count()} cores ({model}), Linux {release}, {system}."
