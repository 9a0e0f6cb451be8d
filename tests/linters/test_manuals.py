"""The man pages are well written, and say neither less nor more than the program does."""

import re
import tomllib
from collections.abc import Callable, Iterator, Set
from pathlib import Path
from typing import Any

import click
import pytest

from sja_units.actions.metrics import FAMILIES
from sja_units.cli import VERBS, sjactl
from sja_units.config import job_file
from sja_units.config.host import read_host
from sja_units.config.samples import list_samples
from sja_units.jobs.state import STATES
from sja_units.openmetrics import SUFFIXES
from sja_units.toml.reader import TableReader
from tests.linters.test_linters import CHECKOUT, run

PAGES = sorted((CHECKOUT / "docs/man").glob("*.[15]"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_are_well_written(page: Path) -> None:
    run("mandoc", "-T", "lint", "-W", "warning", str(page))
    # groff ends with 0 after a warning.
    run("sh", "-euc", '! groff -mandoc -ww -b -z -T utf8 "$1" 2>&1 | grep .', "sh", str(page))


def compare(real: Set[object], told: Set[object]) -> None:
    """Let the test fail with what a page does not tell, and what it tells that is not so."""
    faults = [f"the page lacks {each}" for each in sorted(map(str, real - told))]
    faults += [f"the page tells of {each}" for each in sorted(map(str, told - real))]
    if faults:
        pytest.fail("\n".join(faults), pytrace=False)


def read_page(name: str) -> str:
    return (CHECKOUT / "docs/man" / name).read_text()


def split_verbs() -> dict[str, str]:
    """Return the text of each verb in sjactl(1); `import sja` has one of its own."""
    text = read_page("sjactl.1").partition(".Sh VERBS")[2].partition(".Sh STATES")[0]
    parts = re.split(r"^\.It Ic ([a-z]+(?: [a-z][a-z-]+(?= Ar [A-Z.]+))?)", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def list_commands() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(sjactl)
    for verb in VERBS:
        command = sjactl.get_command(context, verb)
        assert command is not None
        if isinstance(command, click.Group):
            yield from ((f"{verb} {name}", inner) for name, inner in command.commands.items())
        else:
            yield verb, command


def test_every_verb_has_its_text() -> None:
    compare({verb for verb, _ in list_commands()}, split_verbs().keys())


@pytest.mark.parametrize("verb", [verb for verb, _ in list_commands()])
def test_a_verbs_options_are_those_that_it_has(verb: str) -> None:
    command = dict(list_commands())[verb]
    options = [param for param in command.params if isinstance(param, click.Option)]
    real = {name for option in options for name in (*option.opts, *option.secondary_opts)}
    told = {f"-{name}" for name in re.findall(r"\bFl (-?[a-z-]+)", split_verbs().get(verb, ""))}
    compare(real, told)


def test_states_and_metrics_are_told() -> None:
    words = set(re.findall(r"\w+", read_page("sjactl.1")))
    names = {family.name + SUFFIXES.get(family.type, "") for family in FAMILIES}
    compare({*STATES, *names}, words & {*STATES, *names, *re.findall(r"sja_\w+", " ".join(words))})


def read_job(kind: str) -> Callable[[str], object]:
    return lambda text: job_file.examine(kind, tomllib.loads(text))


def read_host_text(text: str) -> object:
    return read_host(TableReader(tomllib.loads(text), (), []))


# By page: what reads such files, and files that together have every key.
FILES: dict[str, tuple[Callable[[str], object], list[str]]] = {
    **{
        f"sja-{kind}.toml.5": (read_job(kind), list_samples(kind))
        for kind in ("acquisition", "command", "keepalive")
    },
    "sja-units.toml.5": (read_host_text, list_samples("host")),
}
# Where the default hangs on another key the page tells it in words.
IN_WORDS = {
    *(("[[device]]", key) for key in ("port", "measurement", "server_name")),
    ("[[device.point]]", "no_value"),
}
TABLES = {
    "probe",
    "sink",
    "spool",
    "device",
    "point",
    "alive",
    "expired",
    "login",
    "service",
    "alert",
}
FREE = {
    *("[service]", "[headers]", "[environment]", "[device.tags]"),  # keys of a person's own
    *("[template]", "[template.set]"),  # the program's: no person writes them
}
NO_DEFAULT = {"[]", "{}", "None"}  # of what is required, or a table


def record_keys(page: str, monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], set[Any]]:
    """Return the keys that the reader of a page's file knows, by table, with their defaults."""
    found: dict[tuple[str, str], set[Any]] = {}
    take, raw = TableReader._take, TableReader.raw

    def note(table: TableReader, key: str, default: object) -> None:
        names = [part for part in table.place if isinstance(part, str)]
        is_list = bool(table.place) and isinstance(table.place[-1], int)
        header = ".".join(names) or "Top level"
        header = f"[[{header}]]" if is_list else f"[{header}]" if names else header
        value = list(default) if isinstance(default, tuple) else default
        found.setdefault((header, key), set()).add(repr(value))

    def noting_take(self: TableReader, key: str, default: object, *rest: Any) -> Any:
        note(self, key, default)
        return take(self, key, default, *rest)

    def noting_raw(self: TableReader, key: str) -> object:
        note(self, key, None)
        return raw(self, key)

    monkeypatch.setattr(TableReader, "_take", noting_take)
    monkeypatch.setattr(TableReader, "raw", noting_raw)
    read, texts = FILES[page]
    for text in texts:
        read(text)
    return found


def read_keys(page: str) -> dict[tuple[str, str], str]:
    """Return by table and key the default that a page tells, "" where it tells none."""
    keys: dict[tuple[str, str], str] = {}
    header = ""
    for line in read_page(page).splitlines():
        if line.startswith(".Ss "):
            header = line.removeprefix(".Ss ")
        elif header and (match := re.fullmatch(r"\.It Ic (\w+)(?: = (.+))?", line)):
            default = match[2] or ""
            text = default.removeprefix("Qq ").replace("\\&", "")
            keys[header, match[1]] = repr(text) if default.startswith("Qq") else default
        elif line.startswith(".Sh "):
            header = ""
    return keys


@pytest.mark.parametrize("page", sorted(FILES))
def test_every_key_is_told_with_its_default(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = record_keys(page, monkeypatch)
    real = {place: values for place, values in real.items() if place[1] not in TABLES}
    real = {place: values for place, values in real.items() if place[0] not in FREE}
    told = read_keys(page)
    compare(real.keys(), told.keys())
    for place, values in real.items():
        if place not in IN_WORDS and values - NO_DEFAULT:
            default = told[place].replace("true", "True").replace("false", "False")
            assert default in values, f"{place}: {default} is told, {values} is true"
