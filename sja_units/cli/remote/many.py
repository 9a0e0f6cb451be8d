"""`sjactl --host a,b,c`: the same command on several hosts at once, their answers in one.

Each host is a process of its own that does what `--host` does for one.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import click

from sja_units.cli.output import format as render
from sja_units.cli.output.streams import echo
from sja_units.cli.output.text_width import fit, measure
from sja_units.cli.params import ClientOutput
from sja_units.errors import UsageError

_AT_ONCE = 16
_MOST_BYTES = 64 * 2**20  # of all that a host answers
# Not from the working directory, unless this one is.
_PROGRAM = (
    *(sys.executable, *(["-I"] if sys.flags.isolated else [])),
    *("-c", "from sja_units.cli import main; main()"),
)
# They have the terminal for themselves, or write a file of a name.
_ALONE = ("watch", "edit", "backup", "restore", "simulate")


class Answer(NamedTuple):
    """What a host has said."""

    host: str
    status: int
    out: str
    err: str


def spread(command: click.Command, hosts: Sequence[str], words: Sequence[str]) -> None:
    """Let a verb be checked here, and be done on several hosts. Raises UsageError."""
    if words[0] in _ALONE or {"-f", "--follow"} & {*words}:
        raise UsageError(f"{' '.join(words[:1])} works on one host at a time")
    if "-" in words:
        raise UsageError("standard input is for one host only: name a file")
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            spread(inner, hosts, words)
    else:
        assert not any(isinstance(p.type, ClientOutput) for p in command.params)
        command.callback = partial(_run, tuple(hosts), tuple(words))


def _run(hosts: Sequence[str], words: Sequence[str], /, **_values: Any) -> int:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = [*pool.map(partial(_ask, words), hosts)]
    for answer in answers:
        for line in answer.err.splitlines():
            echo(f"{answer.host}: {line.removeprefix('sjactl: ').strip()}", err=True)
    if "--json" in words:
        render.print_json(merge_json(answers))
    else:
        for line in merge_lines(answers, render.find_width()):
            echo(line)
    return max(answer.status for answer in answers)


def _ask(words: Sequence[str], host: str) -> Answer:
    # Of its own session: several that asked for passwords at one terminal would be a muddle.
    done = subprocess.run(
        [*_PROGRAM, "--no-color", "--host", host, *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        start_new_session=True,
        check=False,
    )
    out, err = (data[:_MOST_BYTES].decode(errors="replace") for data in (done.stdout, done.stderr))
    return Answer(host, done.returncode if done.returncode >= 0 else 1, out, err)


def merge_json(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    """Return what all hosts have said, each object with its host; an error stands for none."""
    merged: list[dict[str, Any]] = []
    for answer in answers:
        try:
            said = json.loads(answer.out)
        except ValueError:
            message = answer.err.strip().removeprefix("sjactl: ").split("\n")[0]
            merged.append({"host": answer.host, "error": message})
            continue
        for each in said if isinstance(said, list) else [said]:
            merged.append({"host": answer.host, **each})
    return merged


def merge_lines(answers: Sequence[Answer], columns: int | None) -> list[str]:
    """Return all lines with their host before them; heads that all have in common stand once."""
    outputs = [(answer.host, answer.out.splitlines()) for answer in answers if answer.out]
    heads = {lines[0].split()[0] for _, lines in outputs if lines[0].split()}
    is_table = heads in ({"JOB"}, {"STARTED"})
    width = max([4, *(measure(host) for host, _ in outputs)])
    merged = [f"{fit('HOST', width)}  {outputs[0][1][0]}"] if is_table else []
    for host, lines in outputs:
        merged += [f"{fit(host, width)}  {line}".rstrip() for line in lines[int(is_table) :]]
    return merged if columns is None else [fit(line, columns).rstrip() for line in merged]


def read_hosts(path: str) -> list[str]:
    """Return the hosts that a file names, one a line; # begins a comment. Raises OSError."""
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = [line.partition("#")[0].strip() for line in file]
    return [line for line in lines if line]
